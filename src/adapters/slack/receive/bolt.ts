/** Bolt with our listeners. Unlike Bolt's own, it acks an event only when the event is stored. */
import {
  App,
  type AppOptions,
  LogLevel,
  type Receiver,
  type ReceiverEvent,
  type RespondFn,
  type Logger as SlackLogger,
} from '@slack/bolt';
import { z } from 'zod';
import type { Logger } from '../../../core/ports.ts';
import { withTimeout } from '../../../lib/timeout.ts';
import type { Timers } from '../../../lib/timers.ts';
import { SHORTCUT_IDS, type SlackCommands } from '../commands/commands.ts';
import { ACTION_IDS, type Respond } from '../commands/private-answers.ts';
import type { BotIdentity } from '../ids.ts';
import { NO_PREVIEWS } from '../reply/safe-text.ts';

/** Brings Slack's deliveries in, over Socket Mode or HTTP. */
export interface SlackReceiver {
  /** For Bolt. */
  readonly receiver: Receiver;
  /** @throws BotError `platform_*`, or `config_invalid` when it cannot listen */
  start(): Promise<void>;
  /** Accepts no more deliveries; those in progress are still acked. Does nothing the second time. */
  stop(): Promise<void>;
  /** Whether deliveries can arrive now; `detail` says why not. */
  health(): { readonly ok: boolean; readonly detail?: string };
}

export interface BoltDeps {
  readonly receiver: Receiver;
  readonly botToken: string;
  readonly apiUrl: string | undefined;
  readonly self: BotIdentity;
  /** Handles an event. When it rejects, the event is not acked. */
  readonly onEvent: (body: unknown) => Promise<void>;
  readonly commands: SlackCommands;
  /** Counts a payload that could not be read. */
  readonly malformed: () => void;
  readonly timers: Timers;
  readonly logger: Logger;
  readonly slackLogger: SlackLogger;
}

/** Milliseconds for one request to a response_url. */
const RESPOND_MS = 9_000;
/** Longest line of Bolt's log, in UTF-16 units. */
const MAX_LINE = 300;

/**
 * Bolt acks an event before its listeners run, so a crash in between loses the event (measured), and it throws for events of an
 * unexpected shape. Here an event goes to `onEvent` and is acked when that resolves; when it rejects, Slack delivers the event
 * again. All other deliveries are acked by their listeners. A delivery that nobody can read is counted and acked: it would be no
 * better the next time.
 */
class DurableApp extends App {
  readonly #onEvent: (body: unknown) => Promise<void>;
  readonly #malformed: (thrown: unknown) => void;

  constructor(options: AppOptions, onEvent: (body: unknown) => Promise<void>, malformed: (thrown: unknown) => void) {
    super(options);
    this.#onEvent = onEvent;
    this.#malformed = malformed;
  }

  override async processEvent(event: ReceiverEvent): Promise<void> {
    if (eventShape.safeParse(event.body).success) {
      await this.#onEvent(event.body);
      return await event.ack();
    }
    let acked = false;
    const ack: ReceiverEvent['ack'] = async (response) => {
      acked = true;
      await event.ack(response);
    };
    let failure: unknown;
    try {
      await super.processEvent({ ...event, ack });
    } catch (thrown) {
      if (acked) throw thrown;
      failure = thrown;
    }
    if (acked) return;
    this.#malformed(failure);
    await event.ack();
  }
}

/** A delivery of the Events API, also one without an event: `onEvent` reports what is wrong with it. */
const eventShape = z.union([
  z.object({ event: z.unknown() }).refine(({ event }) => event !== undefined),
  z.object({ type: z.enum(['event_callback', 'app_rate_limited']) }),
]);

/** Passes everything that the receiver brings to `onEvent` and `commands`. */
export function connectBolt(deps: BoltDeps): void {
  const { self, onEvent, commands, timers, logger } = deps;
  const options: AppOptions = {
    receiver: deps.receiver,
    authorize: async () => ({
      botToken: deps.botToken,
      botUserId: self.user,
      ...(self.bot === undefined ? {} : { botId: self.bot }),
    }),
    clientOptions: deps.apiUrl === undefined ? {} : { slackApiUrl: deps.apiUrl },
    logger: deps.slackLogger,
    // normalize.ts decides who is a bot, and only the store keeps conversations.
    ignoreSelf: false,
    convoStore: false,
  };
  const app = new DurableApp(options, onEvent, (thrown) => {
    deps.malformed();
    logger.warn({ err: thrown }, 'could not read a delivery');
  });

  // By default Bolt logs the error and continues. The receiver decides what an error means, and logs it.
  app.error(async (error) => {
    throw error.original ?? error;
  });
  app.command(/.*/, async ({ ack, body, respond }) => {
    await ack();
    await commands.slash(body, respondBy(respond));
  });
  app.shortcut({ callback_id: SHORTCUT_IDS }, async ({ ack, body, respond }) => {
    await ack();
    await commands.shortcut(body, respondBy(respond));
  });
  app.action(ACTION_IDS, async ({ ack, body, respond }) => {
    await ack();
    await commands.pressed(body, respondBy(respond));
  });

  function respondBy(respond: RespondFn): Respond {
    return async ({ text, blocks, replaces }) => {
      await withTimeout(RESPOND_MS, timers, async () => {
        await respond({
          text,
          ...(blocks === undefined ? {} : { blocks }),
          ...NO_PREVIEWS,
          response_type: 'ephemeral',
          replace_original: replaces,
        });
      });
    };
  }
}

/** Bolt's log in ours. Its lines may hold payloads, so only strings pass, and no debug lines, which are whole requests. */
export function createBoltLogger(logger: Logger): SlackLogger {
  const line = (parts: readonly unknown[]) =>
    parts
      .filter((part) => typeof part === 'string')
      .join(' ')
      .slice(0, MAX_LINE);
  return {
    debug() {},
    info: (...parts) => logger.debug({}, line(parts)),
    warn: (...parts) => logger.debug({}, line(parts)),
    error: (...parts) => logger.warn({}, line(parts)),
    setLevel() {},
    getLevel: () => LogLevel.INFO,
    setName() {},
  };
}
