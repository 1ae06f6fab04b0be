/** Telegram: receives by long polling, replies by messages that grow. */
import { z } from 'zod';
import type { Adapter } from '../../../src/adapters/adapter.ts';
import type { BotPort } from '../../../src/core/bot-port.ts';
import type { Clock, Logger } from '../../../src/core/ports.ts';
import { personOf, type SessionScope } from '../../../src/core/session.ts';
import type { IncomingMessage } from '../../../src/core/types.ts';
import { BotError, toBotError } from '../../../src/errors.ts';
import { backoff } from '../../../src/lib/backoff.ts';
import { delay } from '../../../src/lib/delay.ts';
import { systemTimers } from '../../../src/lib/timers.ts';
import { createLiveReply } from '../../../src/replies/live-reply.ts';
import { createTelegramApi } from './api.ts';
import { telegramPlatform } from './descriptor.ts';
import { placeOf, targetShape, toIncoming, updateShape } from './normalize.ts';
import { createTelegramWriter } from './writer.ts';

export interface TelegramOptions {
  readonly token: string;
  /** A proxy or test server in place of Telegram's. */
  readonly apiUrl?: string;
  readonly scope: SessionScope;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly unreconciled: () => void;
  readonly malformed: () => void;
}

/** How long Telegram waits for something to deliver. Seconds. */
const POLL_S = 25;
const MAX_BACKOFF_MS = 30_000;
/** Longest text of a message in UTF-16 units: https://core.telegram.org/bots/api#sendmessage */
const MESSAGE_LIMIT = 4_096;

const meShape = z.object({ username: z.string() });

export function createTelegramAdapter(options: TelegramOptions): Adapter {
  const { scope, clock, logger } = options;
  const api = createTelegramApi(options.token, options.apiUrl);
  const stopping = new AbortController();
  let polling: Promise<void> | undefined;
  let trouble: BotError | undefined;

  async function receive(bot: BotPort, message: IncomingMessage): Promise<void> {
    const say = (text: string) =>
      createTelegramWriter(api, targetShape.parse(message.replyTo)).post(1, text, {
        ...{ signal: AbortSignal.timeout(10_000), check: () => {}, live: false, nonce: message.turnId },
      });
    // What a command answers is private, so only a private chat takes commands.
    const command = message.isDirect ? bot.commands.readText(message.text) : undefined;
    if (command !== undefined) {
      const result = await bot.commands.run({
        command,
        context: {
          place: { platform: 'telegram', channel: String(targetShape.parse(message.replyTo).chat) },
          sessionId: message.sessionId,
          person: personOf(message.sessionId, message.author.id),
          locale: message.locale,
          ...{ isDirect: true, canManage: false, surface: 'text', hasButtons: false, maxLength: MESSAGE_LIMIT },
        },
      });
      if (result.limited?.tell !== false) await say(result.text);
      return;
    }
    const result = await bot.receive(message);
    if ('tell' in result && result.tell) await say(result.text);
  }

  /** Telegram takes an update as delivered when the next poll asks for later ones: only once this one is stored. */
  async function poll(bot: BotPort, username: string): Promise<void> {
    const { signal } = stopping;
    let offset = 0;
    let failures = 0;
    while (!signal.aborted) {
      try {
        const wanted = { offset, timeout: POLL_S, allowed_updates: ['message', 'edited_message'] };
        const limit = AbortSignal.any([signal, AbortSignal.timeout((POLL_S + 10) * 1_000)]);
        for (const raw of z.array(z.unknown()).parse(await api.call('getUpdates', wanted, limit))) {
          const { update_id, message, edited_message: edited } = updateShape.parse(raw);
          if (edited !== undefined) await bot.amended(placeOf(edited), String(edited.message_id), edited.text);
          const incoming = message === undefined ? undefined : toIncoming(message, scope, username);
          if (incoming !== undefined) await receive(bot, incoming);
          if (message === undefined && edited === undefined) options.malformed();
          offset = update_id + 1;
        }
        failures = 0;
        trouble = undefined;
      } catch (thrown) {
        if (signal.aborted) return;
        failures += 1;
        trouble = toBotError(thrown);
        logger.warn({ code: trouble.code, failures }, 'Telegram: polling failed; will retry');
        await delay(Math.max(trouble.retryAfterMs ?? 0, backoff(failures, MAX_BACKOFF_MS)), signal);
      }
    }
  }

  async function stopIntake(): Promise<void> {
    stopping.abort();
    await polling;
  }

  return {
    platform: telegramPlatform.id,
    descriptor: telegramPlatform,
    async start(bot) {
      const { username } = meShape.parse(await api.call('getMe', {}, AbortSignal.timeout(10_000)));
      polling = poll(bot, username);
    },
    async openReply(target, context) {
      const parsed = targetShape.safeParse(target);
      if (!parsed.success) throw new BotError('platform_refused', 'This is no reply target of Telegram.');
      return createLiveReply(createTelegramWriter(api, parsed.data), context, {
        limit: MESSAGE_LIMIT,
        // About one message a second in a chat: https://core.telegram.org/bots/faq#my-bot-is-hitting-limits-how-do-i-avoid-this
        intervalMs: 1_000,
        firstPostDelayMs: 500,
        // A chat action is shown for 5 s at most: https://core.telegram.org/bots/api#sendchataction
        typingRefreshMs: 4_000,
        // Telegram has no idempotency keys.
        nonceTrustMs: 0,
        cursor: ' …',
        ...{ clock, timers: systemTimers, log: logger, unreconciled: options.unreconciled },
      });
    },
    stopIntake,
    stop: stopIntake,
    health: () => (trouble === undefined ? { ok: true } : { ok: false, detail: `Telegram: ${trouble.message}` }),
  };
}
