/** What comes of Slack's events. When `take` resolves, the event may be acked; when it rejects, Slack has to send it again. */
import type { BotPort, ReceiveResult } from '../../core/bot-port.ts';
import type { Clock, Logger } from '../../core/ports.ts';
import type { Place, SessionId } from '../../core/session.ts';
import { toBotError } from '../../errors.ts';
import { messagesIn } from '../../i18n/messages.ts';
import { createThrottle } from '../../lib/throttle.ts';
import type { SlackClients } from './clients.ts';
import type { SlackCommands } from './commands.ts';
import { toIncoming } from './incoming.ts';
import type { Names } from './names.ts';
import {
  placeOf,
  readEvent,
  type Scopes,
  type SlackInput,
  type SlackMessage,
  sessionAt,
  whereaboutsOf,
} from './normalize.ts';
import type { People } from './people.ts';
import { addressesAnother, type BotIdentity, plainText } from './plain-text.ts';
import { logged, type PrivateAnswers } from './private-answers.ts';
import type { Quotes } from './quotes.ts';
import type { SlackStop } from './stop.ts';
import { SLACK } from './target.ts';

export interface EventHandlerDeps {
  readonly bot: BotPort;
  readonly self: BotIdentity;
  readonly scopes: Scopes;
  readonly clients: SlackClients;
  readonly people: People;
  readonly names: Names;
  readonly quotes: Quotes;
  readonly answers: PrivateAnswers;
  readonly commands: SlackCommands;
  readonly stop: SlackStop;
  readonly clock: Pick<Clock, 'monotonic'>;
  readonly logger: Logger;
  /** Slack has taken the bot token back: nothing can be answered any more. */
  readonly revoked: () => void;
  readonly isRevoked: () => boolean;
  /** Counts a payload that could not be read. */
  readonly malformed: () => void;
}

export interface EventHandler {
  /** @throws BotError `store_unavailable` or `store_full`: it was not stored */
  take(body: unknown): Promise<void>;
}

/** How long the bot goes on in a thread that it was called into, after the last message there. Milliseconds. */
const FOLLOW_MS = 30 * 86_400_000;
/** How long a deletion is known of whose message has not come: Slack delivers again for up to a day. Milliseconds. */
const DELETED_MS = 86_400_000;
/** Noted of the conversation, so that it goes with it. */
const FOLLOWED = 'followed';
/** Between two times that a channel is told that the memory is full. */
const FULL_TOLD_MS = 10 * 60_000;

export function createEventHandler(deps: EventHandlerDeps): EventHandler {
  const { bot, self, scopes, people, names, quotes, answers, logger } = deps;
  const taking = new Map<string, Promise<void>>();
  const worthTellingFull = createThrottle(deps.clock, FULL_TOLD_MS);

  async function message(input: SlackMessage): Promise<void> {
    const sessionId = sessionAt(whereaboutsOf(input), scopes);
    const followed = await isFollowed(input, sessionId);
    const spokenTo = input.direct || input.mention;
    if (!spokenTo && !(followed && !addressesAnother(input.raw, self.user))) return;

    if (await isDeleted(input)) return;
    const command = bot.commands.readText(plainText(input.raw, self));
    const isPlain = input.files.length === 0 && input.shares.length === 0;
    if (command !== undefined && isPlain) return await deps.commands.typed(input, command);

    const person = await people.find(input.user);
    const whole = async () => {
      const [text, before, shared] = await Promise.all([
        readable(input.raw),
        // Its own earlier turns there are in its memory.
        input.thread === undefined || input.direct || followed
          ? []
          : quotes.before(input.channel, input.thread, input.ts),
        quotes.shared(input.shares),
      ]);
      return toIncoming(input, { ...person, text, quotes: [...before, ...shared] }, scopes);
    };
    // Before the message is stored: a crash in between costs nothing, the other way round the thread would be lost.
    if (!input.direct) await follow(sessionId);
    const withoutNames = plainText(input.raw, self, () => '');
    const result = await bot.receive(toIncoming(input, { ...person, text: withoutNames, quotes: [] }, scopes), whole);
    // It may have been deleted meanwhile; a deletion that finds the message in the store deals with it there.
    if (result.kind === 'queued' && (await isDeleted(input))) {
      await bot.amended(placeOf(input.team, input.channel), input.ts, null);
    }
    tellRefusal(input, result);
  }

  /** What is written in Slack's markup, with people, channels and groups by their names. */
  async function readable(raw: string): Promise<string> {
    return plainText(raw, self, await names.of([raw]));
  }

  /** Slack's deliveries come in no promised order, and those that were not stored come again minutes later. */
  async function isDeleted({ team, channel, ts }: SlackMessage): Promise<boolean> {
    return await bot.flags.noted(placeOf(team, channel), deletedName(ts));
  }

  async function deleted({ place, ts, awaited }: Extract<SlackInput, { kind: 'deleted' }>): Promise<void> {
    if (awaited && (await bot.locate(place, [ts])) === undefined) {
      await bot.flags.note(place, deletedName(ts), DELETED_MS);
    }
    await bot.amended(place, ts, null);
  }

  async function channelDeleted(place: Place): Promise<void> {
    const erased = await bot.memory.erase({ place });
    logger.info({ channel: place.channel, ...erased }, 'a channel was deleted, and its conversations erased');
  }

  /** Only whoever called the bot into a thread is gone on with: the other people there did not ask to be read. */
  async function isFollowed({ direct, thread }: SlackMessage, sessionId: SessionId): Promise<boolean> {
    if (direct || thread === undefined) return false;
    return await bot.flags.noted(sessionId, FOLLOWED);
  }

  async function follow(sessionId: SessionId): Promise<void> {
    await bot.flags.note(sessionId, FOLLOWED, FOLLOW_MS);
  }

  /** Nobody waits for it: the message is acked in time whatever Slack says to this. */
  function tellRefusal(input: SlackMessage, result: ReceiveResult): void {
    if (!('tell' in result) || !result.tell) return;
    tell(input, result.text).catch(logged(logger, 'a refusal could not be told'));
  }

  async function tell({ channel, user, thread, ts, direct }: SlackMessage, text: string): Promise<void> {
    // A message outside of threads is answered where it stands: its thread would have to be opened to see it.
    const where = direct ? { thread: thread ?? ts } : thread === undefined ? {} : { thread };
    await answers.tell({ channel, user, direct, ...where }, { text, actions: [] });
  }

  /** A full store stays full until somebody makes room: Slack delivers again for a while, and nobody is left in silence. */
  async function tellFull(input: SlackMessage): Promise<void> {
    if (!worthTellingFull(input.channel)) return;
    const { locale } = await people.find(input.user);
    await tell(input, messagesIn(locale).failed.store_full);
  }

  async function opened(channel: string, user: string): Promise<void> {
    const { locale } = await people.find(user);
    const { title, prompts } = messagesIn(locale).slack.prompts;
    await deps.clients
      .answer((client) =>
        client.assistant.threads.setSuggestedPrompts({ channel_id: channel, title, prompts: [...prompts] }),
      )
      .catch(logged(logger, 'the suggested prompts could not be set'));
  }

  async function act(input: SlackInput): Promise<void> {
    if (deps.isRevoked() && input.kind !== 'uninstalled') return;
    switch (input.kind) {
      case 'message':
        return await take(input);
      case 'edited':
        // Only what waits can be amended, and that is known by its id; most edits in a workspace are of other messages.
        if ((await bot.locate(input.place, [input.ts])) !== undefined) {
          return await bot.amended(input.place, input.ts, await readable(input.raw));
        }
        return input.called === undefined ? undefined : await take(input.called);
      case 'deleted':
        return await deleted(input);
      case 'channel_deleted':
        return await channelDeleted(input.place);
      case 'stop':
        return await deps.stop.pressed(input);
      case 'opened':
        return void opened(input.channel, input.user);
      case 'uninstalled': {
        const erased = await bot.memory.erase({ platform: SLACK, workspace: input.team });
        logger.info({ team: input.team, ...erased }, 'the app was uninstalled, and its conversations erased');
        return;
      }
      case 'revoked':
        return deps.revoked();
      case 'malformed':
        deps.malformed();
        logger.warn({ why: input.why }, 'a payload of Slack could not be read');
        return;
      case 'overloaded':
        // 30,000 an hour and workspace (docs.slack.dev, rate limits of the Events API).
        logger.warn({}, 'Slack holds events back: there are too many');
        return;
      case 'ignored':
        return;
    }
  }

  async function take(input: SlackMessage): Promise<void> {
    await inTurn(input).catch((thrown: unknown) => {
      if (toBotError(thrown).code === 'store_full')
        tellFull(input).catch(logged(logger, 'that the store is full could not be told'));
      throw thrown;
    });
  }

  /** The deliveries of one message that come at the same time, one behind the other: the pair of a mention does. */
  async function inTurn(input: SlackMessage): Promise<void> {
    const key = `${input.team} ${input.channel} ${input.ts}`;
    const before = taking.get(key);
    const now = (async () => {
      await before?.catch(() => undefined);
      await message(input);
    })();
    taking.set(key, now);
    try {
      await now;
    } finally {
      if (taking.get(key) === now) taking.delete(key);
    }
  }

  return { take: (body) => act(readEvent(body, self)) };
}

function deletedName(ts: string): string {
  return `deleted:${ts}`;
}
