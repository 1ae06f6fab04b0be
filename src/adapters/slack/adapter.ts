/** Slack: messages, commands and buttons in; streamed replies and private answers out. */
import { z } from 'zod';
import type { BotPort } from '../../core/bot-port.ts';
import type { Flags } from '../../core/flags.ts';
import type { Clock, Logger } from '../../core/ports.ts';
import type { SessionScope } from '../../core/session.ts';
import { BotError } from '../../errors.ts';
import { systemTimers } from '../../lib/timers.ts';
import type { Adapter } from '../adapter.ts';
import { connectBolt } from './bolt-app.ts';
import { createBoltLogger } from './bolt-logger.ts';
import { createSlackClients, type SlackClients } from './clients.ts';
import { createSlackCommands } from './commands.ts';
import { createEventHandler } from './event-handler.ts';
import { createHttpTransport } from './http-receiver.ts';
import { createNames } from './names.ts';
import { createPeople } from './people.ts';
import type { BotIdentity } from './plain-text.ts';
import { createPrivateAnswers } from './private-answers.ts';
import { createQuotes } from './quotes.ts';
import type { SlackTransport } from './receiver.ts';
import { createSlackReply } from './reply.ts';
import { createSocketTransport } from './socket-receiver.ts';
import { createSlackStop } from './stop.ts';
import { readTarget, SLACK } from './target.ts';
import type { Capabilities } from './writer.ts';

export interface SlackAdapterOptions {
  readonly botToken: string;
  /** A proxy or test server; default: Slack's own. */
  readonly apiUrl?: string;
  readonly transport:
    | { readonly kind: 'socket'; readonly appToken: string }
    | { readonly kind: 'http'; readonly signingSecret: string; readonly host: string; readonly port: number };
  readonly scope: SessionScope;
  readonly dmScope: 'thread' | 'channel';
  readonly clock: Clock;
  readonly logger: Logger;
  /** Counts a part of a reply of which nobody can find out whether it was posted. */
  readonly unreconciled: () => void;
  /** Counts a payload that could not be read. */
  readonly malformed: () => void;
}

/** Slack tells of an uninstalled app and of its revoked token in no promised order: both are waited for. Milliseconds. */
const UNINSTALL_GRACE_MS = 10_000;

const REVOKED = 'Slack has taken the bot token back: install the app anew and set SLACK_BOT_TOKEN.';

const identityShape = z.object({
  team_id: z.string().min(1),
  user_id: z.string().min(1),
  user: z.string().default('bot'),
  bot_id: z.string().optional(),
});

export function createSlackAdapter(options: SlackAdapterOptions): Adapter {
  const { apiUrl, botToken, clock, scope, dmScope, unreconciled, malformed } = options;
  const logger = options.logger.child({ platform: SLACK });
  const slackLogger = createBoltLogger(logger);
  const timers = systemTimers;
  const capabilities: Capabilities = { streams: true, sessions: true };
  const scopes = { scope, dmScope };
  let revoked = false;
  let closing = false;
  const inFlight = new Set<Promise<void>>();
  let letGo: NodeJS.Timeout | undefined;
  let self: BotIdentity | undefined;
  let notes: Flags | undefined;

  const transport: SlackTransport =
    options.transport.kind === 'socket'
      ? createSocketTransport({ ...{ apiUrl, logger, slackLogger, timers }, appToken: options.transport.appToken })
      : createHttpTransport({ ...options.transport, clock, logger, slackLogger });

  const clients: SlackClients = createSlackClients({
    ...{ botToken, apiUrl, logger: slackLogger },
    refused: (error) => revoke(error),
  });

  function revoke(error?: BotError): void {
    // Before the start has got through, the start itself tells.
    if (revoked || self === undefined) return;
    revoked = true;
    logger.error({ code: error?.code ?? 'platform_credentials' }, REVOKED);
    letGo = setTimeout(() => void stopIntake(), UNINSTALL_GRACE_MS);
  }

  async function identify(): Promise<BotIdentity> {
    const {
      team_id: team,
      user_id: user,
      user: name,
      bot_id: bot,
    } = identityShape.parse(await clients.look((client) => client.auth.test()));
    return { team, user, name, ...(bot === undefined ? {} : { bot }) };
  }

  /** A turn that a dead worker left may be taken before the start has got here. */
  async function whoAmI(): Promise<BotIdentity> {
    self ??= await identify();
    return self;
  }

  /** Takes no new delivery; waits for those that are being stored, so that they are still acked. */
  async function stopIntake(): Promise<void> {
    closing = true;
    await Promise.allSettled(inFlight);
    await transport.stopIntake();
  }

  async function connect(bot: BotPort, me: BotIdentity): Promise<void> {
    const people = createPeople({ clients, clock, timers, logger });
    const answers = createPrivateAnswers({ clients, logger });
    const commands = createSlackCommands({ bot, scopes, people, answers, logger, malformed });
    const names = createNames({ clients, people, self: me, clock, timers, logger });
    const quotes = createQuotes({ clients, names, self: me, clock, timers, logger });
    const stop = createSlackStop({ bot, clients, capabilities, scopes, timers, logger });
    const intake = createEventHandler({
      ...{ bot, self: me, scopes, clients, people, names, quotes, answers, commands, stop, clock, logger, malformed },
      ...{ revoked: () => revoke(), isRevoked: () => revoked },
    });
    const take = async (body: unknown) => {
      if (closing) throw new BotError('platform_unavailable', 'This process is ending.', { retryable: true });
      const taking = intake.take(body).finally(() => inFlight.delete(taking));
      inFlight.add(taking);
      await taking;
    };
    const { receiver } = transport;
    connectBolt({ receiver, botToken, apiUrl, self: me, take, commands, malformed, timers, logger, slackLogger });
    await transport.start();
  }

  return {
    platform: SLACK,
    async start(bot) {
      notes = bot.flags;
      await connect(bot, await whoAmI());
    },
    async openReply(target, context) {
      const me = await whoAmI();
      if (notes === undefined) throw new BotError('platform_unavailable', 'Not started yet.', { retryable: true });
      const deps = { clients, self: me, capabilities, notes, clock, timers, logger, unreconciled };
      return createSlackReply(deps, readTarget(target), context);
    },
    stopIntake,
    async stop() {
      clearTimeout(letGo);
      await stopIntake();
      await transport.stop();
    },
    health: () => (revoked ? { ok: false, detail: REVOKED } : transport.health()),
  };
}
