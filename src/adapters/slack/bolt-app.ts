/** Bolt with our listeners, and with acks of events that wait until the event is stored. */
import {
  App,
  type AppOptions,
  type Receiver,
  type ReceiverEvent,
  type RespondFn,
  type Logger as SlackLogger,
} from '@slack/bolt';
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
 * Bolt acks an event before its listeners run, so a crash in between would lose it (measured), and it throws at events that
 * are not as Slack makes them. Here an event goes to `take`, and is acked when that resolves; when it rejects, it is not
 * acked, and Slack delivers again.
 */
class DurableApp extends App {
  readonly #take: (body: unknown) => Promise<void>;

  constructor(options: AppOptions, take: (body: unknown) => Promise<void>) {
    super(options);
    this.#take = take;
  }

  override async processEvent(event: ReceiverEvent): Promise<void> {
    const { body, ack } = event;
    const isEvent = body.event !== undefined || body.type === 'event_callback' || body.type === 'app_rate_limited';
    if (!isEvent) return await super.processEvent(event);
    await this.#take(body);
    await ack();
  }
}

/** Hands everything that comes from the receiver to `take` and `commands`. */
export function connectBolt(deps: BoltAppDeps): void {
  const { self, take, commands, timers, logger } = deps;
  const options: AppOptions = {
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
  };
  const app = new DurableApp(options, take);

  app.error(async (error) => {
    logger.warn({ code: toBotError(error.original ?? error).code }, 'a delivery could not be dealt with');
    throw error.original ?? error;
  });
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
