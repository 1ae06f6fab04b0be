/** Bolt with our listeners, and with acks of events that wait until the event is stored. */
import { App, type Receiver, type ReceiverEvent, type RespondFn, type Logger as SlackLogger } from '@slack/bolt';
import type { Logger } from '../../core/ports.ts';
import { toBotError } from '../../errors.ts';
import { inTime } from '../in-time.ts';
import type { Timers } from '../pacer.ts';
import { ACTION_PREFIX, SHORTCUT_PREFIX } from './callback-ids.ts';
import type { SlackCommands } from './commands.ts';
import type { BotIdentity } from './plain-text.ts';
import type { Respond } from './private-answers.ts';

export interface BoltAppDeps {
  readonly receiver: Receiver;
  readonly botToken: string;
  readonly apiUrl: string | undefined;
  readonly self: BotIdentity;
  /** Takes an event; when it rejects, the event is not acked. */
  readonly take: (body: unknown) => Promise<void>;
  readonly commands: SlackCommands;
  readonly timers: Timers;
  readonly logger: Logger;
  readonly slackLogger: SlackLogger;
}

const RESPOND_MS = 9_000;

/**
 * Bolt acks an event before its listeners run, so a crash in between would lose it (measured). Here the ack of an event is
 * given when the listeners are done; when one of them rejects it is not given, and Slack delivers again.
 */
class DurableApp extends App {
  override async processEvent(event: ReceiverEvent): Promise<void> {
    const { body, ack } = event;
    // News without an event, which Bolt would leave without an ack.
    if (body.type === 'app_rate_limited') return await ack();
    if (body.event === undefined) return await super.processEvent(event);
    let acked = false;
    await super.processEvent({
      ...event,
      ack: async () => {
        acked = true;
      },
    });
    if (acked) await ack();
  }
}

/** Hands everything that comes from the receiver to `take` and `commands`. */
export function connectBolt(deps: BoltAppDeps): void {
  const { self, take, commands, timers, logger } = deps;
  const app = new DurableApp({
    receiver: deps.receiver,
    authorize: async () => ({
      botToken: deps.botToken,
      botUserId: self.user,
      ...(self.bot === undefined ? {} : { botId: self.bot }),
    }),
    clientOptions: deps.apiUrl === undefined ? {} : { slackApiUrl: deps.apiUrl },
    logger: deps.slackLogger,
    // Who is a bot is decided in normalize.ts, and conversations are kept by nobody but the store.
    ignoreSelf: false,
    convoStore: false,
  });

  app.error(async (error) => {
    logger.warn({ code: toBotError(error.original ?? error).code }, 'a delivery could not be dealt with');
    throw error.original ?? error;
  });
  app.event(/.*/, ({ body }) => take(body));
  app.command(/.*/, async ({ ack, body, respond }) => {
    await ack();
    await commands.slash(body, respondBy(respond));
  });
  app.shortcut({ callback_id: new RegExp(`^${SHORTCUT_PREFIX}`) }, async ({ ack, body, respond }) => {
    await ack();
    await commands.shortcut(body, respondBy(respond));
  });
  app.action(new RegExp(`^${ACTION_PREFIX}`), async ({ ack, body, respond }) => {
    await ack();
    await commands.pressed(body, respondBy(respond));
  });

  function respondBy(respond: RespondFn): Respond {
    return async ({ text, blocks, replaces }) => {
      await inTime(RESPOND_MS, timers, async () => {
        await respond({ text, blocks, response_type: 'ephemeral', replace_original: replaces });
      });
    };
  }
}
