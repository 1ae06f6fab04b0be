/** Slack: messages, commands and buttons in; streamed replies and private answers out. */
import { z } from 'zod';
import type { BotPort } from '../../core/bot-port.ts';
import type { Flags } from '../../core/flags.ts';
import type { Clock, Logger } from '../../core/ports.ts';
import type { SessionScope } from '../../core/session.ts';
import { BotError } from '../../errors.ts';
import { systemTimers } from '../../lib/timers.ts';
import type { Adapter } from '../adapter.ts';
import { createSlackClients, type SlackClients } from './api/clients.ts';
import { createNames, createPeople } from './api/lookups.ts';
import { createSlackCommands } from './commands/commands.ts';
import { createPrivateAnswers } from './commands/private-answers.ts';
import { createSlackFiles } from './files/fetch-file.ts';
import { type BotIdentity, readTarget, SLACK } from './ids.ts';
import { connectBolt, createBoltLogger, type SlackReceiver } from './receive/bolt.ts';
import { createEventHandler } from './receive/event-handler.ts';
import { createHttpReceiver } from './receive/http-receiver.ts';
import { plainText } from './receive/plain-text.ts';
import { createQuotes } from './receive/quotes.ts';
import { createSocketReceiver } from './receive/socket-receiver.ts';
import { createSlackReply } from './reply/reply.ts';
import { createSlackStop } from './reply/stop.ts';
import type { Capabilities } from './reply/writer.ts';

export interface SlackAdapterOptions {
  readonly botToken: string;
  /** The URL of a proxy or a test server. Default: Slack's own. */
  readonly apiUrl?: string;
  readonly transport:
    | { readonly kind: 'socket'; readonly appToken: string }
    | { readonly kind: 'http'; readonly signingSecret: string; readonly host: string; readonly port: number };
  readonly scope: SessionScope;
  readonly dmScope: 'thread' | 'channel';
  readonly clock: Clock;
  readonly logger: Logger;
  /** Counts a part of a reply that may or may not have been posted. */
  readonly unreconciled: () => void;
  /** Counts a payload that could not be read. */
  readonly malformed: () => void;
}

/** Slack reports an uninstalled app and its revoked token in no promised order: both events have to arrive. Milliseconds. */
const UNINSTALL_GRACE_MS = 10_000;

const REVOKED = 'Slack has revoked the bot token. Reinstall the app, then set SLACK_BOT_TOKEN.';

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
  let uninstallTimer: NodeJS.Timeout | undefined;
  let self: BotIdentity | undefined;
  let flags: Flags | undefined;

  const receiver: SlackReceiver =
    options.transport.kind === 'socket'
      ? createSocketReceiver({ ...{ apiUrl, logger, slackLogger, timers }, appToken: options.transport.appToken })
      : createHttpReceiver({ ...options.transport, clock, logger, slackLogger });

  const clients: SlackClients = createSlackClients({
    ...{ botToken, apiUrl, logger: slackLogger },
    onInvalidToken: (error) => revoke(error),
  });

  function revoke(error?: BotError): void {
    // During the start, the start itself rejects.
    if (revoked || self === undefined) return;
    revoked = true;
    logger.error({ code: error?.code ?? 'platform_credentials' }, REVOKED);
    uninstallTimer = setTimeout(() => void stopIntake(), UNINSTALL_GRACE_MS);
  }

  async function identify(): Promise<BotIdentity> {
    const {
      team_id: team,
      user_id: user,
      user: name,
      bot_id: bot,
    } = identityShape.parse(await clients.lookUp((client) => client.auth.test()));
    return { team, user, name, ...(bot === undefined ? {} : { bot }) };
  }

  /** A turn that a dead worker left may be claimed before `start` has got this far. */
  async function whoAmI(): Promise<BotIdentity> {
    self ??= await identify();
    return self;
  }

  /** Accepts no new delivery, and waits until those in progress are stored, so that they are still acked. */
  async function stopIntake(): Promise<void> {
    closing = true;
    await Promise.allSettled(inFlight);
    await receiver.stop();
  }

  async function connect(bot: BotPort, me: BotIdentity): Promise<void> {
    const people = createPeople({ clients, clock, timers, logger });
    const answers = createPrivateAnswers({ clients, logger });
    const names = createNames({ clients, people, self: me, clock, timers, logger });
    const readable = async (raw: string) => plainText(raw, me, await names.of([raw]));
    const commands = createSlackCommands({ bot, scopes, people, answers, readable, logger, malformed });
    const quotes = createQuotes({ clients, names, self: me, clock, timers, logger });
    const stop = createSlackStop({ bot, clients, capabilities, scopes, timers, logger });
    const events = createEventHandler({
      ...{
        bot,
        self: me,
        scopes,
        clients,
        people,
        quotes,
        answers,
        readable,
        commands,
        stop,
        clock,
        logger,
        malformed,
      },
      ...{ revoked: () => revoke(), isRevoked: () => revoked },
    });
    const onEvent = async (body: unknown) => {
      if (closing) throw new BotError('platform_unavailable', 'This process is shutting down.', { retryable: true });
      const handled = events.handle(body).finally(() => inFlight.delete(handled));
      inFlight.add(handled);
      await handled;
    };
    connectBolt({
      ...{ receiver: receiver.receiver, botToken, apiUrl, self: me, onEvent, commands, malformed },
      ...{ timers, logger, slackLogger },
    });
    await receiver.start();
  }

  return {
    platform: SLACK,
    files: createSlackFiles({ clients, botToken, apiUrl, logger }),
    async start(bot) {
      flags = bot.flags;
      await connect(bot, await whoAmI());
    },
    async openReply(target, context) {
      const me = await whoAmI();
      if (flags === undefined)
        throw new BotError('platform_unavailable', 'The Slack adapter has not started.', { retryable: true });
      const deps = { clients, self: me, capabilities, flags, clock, timers, logger, unreconciled };
      return createSlackReply(deps, readTarget(target), context);
    },
    stopIntake,
    async stop() {
      clearTimeout(uninstallTimer);
      await stopIntake();
    },
    health: () => (revoked ? { ok: false, detail: REVOKED } : receiver.health()),
  };
}
