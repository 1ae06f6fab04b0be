/** Bolt with our listeners, and with acks of events that wait until the event is stored. */
import {
  App,
  type AppOptions,
  type Receiver,
  type ReceiverEvent,
  type RespondFn,
  type Logger as SlackLogger,
} from '@slack/bolt';
import { z } from 'zod';
import type { Logger } from '../../core/ports.ts';
import { withTimeout } from '../../lib/timeout.ts';
import type { Timers } from '../../lib/timers.ts';
import { ACTION_IDS, SHORTCUT_IDS } from './callback-ids.ts';
import type { SlackCommands } from './commands.ts';
import { NO_PREVIEWS } from './links.ts';
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
  /** Counts what nobody can read. */
  readonly malformed: () => void;
  readonly timers: Timers;
  readonly logger: Logger;
  readonly slackLogger: SlackLogger;
}

const RESPOND_MS = 9_000;

/**
 * Bolt acks an event before its listeners run, so a crash in between would lose it (measured), and it throws at events that
 * are not as Slack makes them. Here an event goes to `take`, and is acked when that resolves; when it rejects, it is not
 * acked, and Slack delivers again. All else is acked by its listener; what nobody can read would be no better the next time,
 * so it is counted, and acked too.
 */
class DurableApp extends App {
  readonly #take: (body: unknown) => Promise<void>;
  readonly #malformed: (thrown: unknown) => void;

  constructor(options: AppOptions, take: (body: unknown) => Promise<void>, malformed: (thrown: unknown) => void) {
    super(options);
    this.#take = take;
    this.#malformed = malformed;
  }

  override async processEvent(event: ReceiverEvent): Promise<void> {
    if (eventShape.safeParse(event.body).success) {
      await this.#take(event.body);
      return await event.ack();
    }
    let acked = false;
    const ack: ReceiverEvent['ack'] = async (response) => {
      acked = true;
      await event.ack(response);
    };
    let fault: unknown;
    try {
      await super.processEvent({ ...event, ack });
    } catch (thrown) {
      if (acked) throw thrown;
      fault = thrown;
    }
    if (acked) return;
    this.#malformed(fault);
    await event.ack();
  }
}

/** What the Events API sends, also where the event itself is missing: `take` says what is wrong with it. */
const eventShape = z.union([
  z.object({ event: z.unknown() }).refine(({ event }) => event !== undefined),
  z.object({ type: z.enum(['event_callback', 'app_rate_limited']) }),
]);

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
  const app = new DurableApp(options, take, (thrown) => {
    deps.malformed();
    logger.warn({ err: thrown }, 'a delivery of Slack could not be read');
  });

  // Bolt would log it and go on as if nothing had happened; where it ends is decided, and logged, further out.
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
