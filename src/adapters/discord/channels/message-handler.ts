/** Handles one message: stores it to be answered, or runs it as a command; posts what its author is told at once. */
import type { BotPort } from '../../../core/bot-port.ts';
import type { Command, CommandContext } from '../../../core/commands.ts';
import type { Clock, Logger } from '../../../core/ports.ts';
import { personOf } from '../../../core/session.ts';
import type { IncomingMessage } from '../../../core/types.ts';
import { toBotError } from '../../../errors.ts';
import { messagesIn } from '../../../i18n/messages.ts';
import type { Delays } from '../../../lib/delay.ts';
import { createThrottle } from '../../../lib/throttle.ts';
import { type ChannelInfo, placeOf, readTarget } from '../places.ts';
import { answerBody, type MessageBody, messageBody, rowsOf } from '../reply/render.ts';
import type { DiscordRest, RestFile } from '../rest.ts';
import type { ChannelWorkerDeps } from './channel-worker-deps.ts';
import type { Threads } from './threads.ts';

const POST_TRIES = 3;
const MIN_DELAY_MS = 500;
const MAX_DELAY_MS = 10_000;
/** Interval for looking whether a full conversation has room again. */
const ROOM_POLL_MS = 1_000;
/** A channel is told at most once in this time that the store is full. */
const STORE_FULL_EVERY_MS = 10 * 60_000;
/** A command is known for as long as edits of its message are looked at. */
const COMMAND_KNOWN_MS = 24 * 3_600_000;

export interface MessageHandlerDeps {
  readonly bot: BotPort;
  readonly rest: DiscordRest;
  readonly threads: Pick<Threads, 'join'>;
  readonly delays: Delays;
  readonly clock: Pick<Clock, 'monotonic'>;
  readonly log: Logger;
}

export type MessageHandler = Pick<ChannelWorkerDeps, 'handleMessage' | 'reportStoreFull'>;

/** Each has its own nonce, so however often it is posted, and by however many replicas, one message appears. */
type Purpose = 'refusal' | 'command';

export function createMessageHandler({ bot, rest, threads, delays, clock, log }: MessageHandlerDeps): MessageHandler {
  const mayReportFull = createThrottle(clock, STORE_FULL_EVERY_MS);

  /** Never throws: a message is not handled again because its author could not be told something. */
  async function post(message: IncomingMessage, purpose: Purpose, body: MessageBody, files: readonly RestFile[] = []) {
    const { channel } = readTarget(message.replyTo);
    const reference = { message_id: message.id, fail_if_not_exists: false };
    const nonce = `${message.turnId}:${purpose === 'refusal' ? 'r' : 'c'}`;
    const whole = { ...body, message_reference: reference, nonce, enforce_nonce: true };
    for (let tries = 1; ; tries += 1) {
      try {
        await rest.request('POST', `/channels/${channel}/messages`, { body: whole, files });
        return;
      } catch (thrown) {
        const error = toBotError(thrown);
        if (!error.retryable || tries >= POST_TRIES || delays.ended()) {
          const { sessionId: session, turnId: turn } = message;
          log.warn({ session, turn, code: error.code, purpose }, 'could not post a message to its author');
          return;
        }
        await delays.wait(Math.max(MIN_DELAY_MS, error.retryAfterMs ?? 0));
      }
    }
  }

  async function store(
    message: IncomingMessage,
    complete: () => Promise<IncomingMessage>,
    waitUntil: number,
  ): Promise<void> {
    let tell = false;
    for (;;) {
      const result = await bot.receive(message, complete);
      if (!('tell' in result)) return;
      tell ||= result.tell;
      const full = result.kind === 'rate_limited' || result.kind === 'inbox_full';
      if (!full || clock.monotonic() >= waitUntil || delays.ended()) {
        if (tell) await post(message, 'refusal', messageBody(result.text));
        return;
      }
      const wait = result.kind === 'inbox_full' ? ROOM_POLL_MS : result.retryAfterMs;
      await delays.wait(Math.min(MAX_DELAY_MS, Math.max(MIN_DELAY_MS, wait)));
    }
  }

  /** A command written as a message. Its answer is private, so in a server a button is posted that opens it. */
  async function runCommand(command: Command, message: IncomingMessage, info: ChannelInfo): Promise<void> {
    const { locale, sessionId, author } = message;
    const context: CommandContext = {
      place: placeOf(readTarget(message.replyTo).channel, info),
      sessionId,
      person: personOf(sessionId, author.id),
      locale,
      isDirect: info.direct,
      canManage: false,
      surface: 'text',
      hasButtons: true,
    };
    if (command.name !== 'hint' && !info.direct) {
      const limited = await bot.commands.limit(command, context);
      if (limited !== undefined) {
        // Everybody can read this message, so it is posted once.
        if (limited.limited?.tell === true) await post(message, 'refusal', messageBody(limited.text));
        return;
      }
      const button = await bot.commands.openPrivately(command, context);
      return await post(message, 'command', messageBody(messagesIn(locale).answersPrivately, rowsOf([button])));
    }
    const result = await bot.commands.run({ command, context });
    if (result.limited?.tell === false) return;
    await post(message, 'command', answerBody(result), result.files);
  }

  return {
    async handleMessage(message, info, { waitUntil, isFirst, isEdited }) {
      const { channel } = readTarget(message.replyTo);
      const command = bot.commands.readText(message.text);
      if (command === undefined) {
        await store(message, () => threads.join(message, channel, info, isFirst), waitUntil);
        return;
      }
      // An edit must not run a command again. If the store is unavailable, nobody knows whether it was run.
      const note = () => bot.flags.set(placeOf(channel, info), `command:${message.id}`, COMMAND_KNOWN_MS);
      const isNew = info.direct || (await note().catch(() => !isEdited));
      if (isNew || !isEdited) await runCommand(command, message, info);
    },
    async reportStoreFull(message) {
      if (!mayReportFull(readTarget(message.replyTo).channel)) return;
      await post(message, 'refusal', messageBody(messagesIn(message.locale).failed.store_full));
    },
  };
}
