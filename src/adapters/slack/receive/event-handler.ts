/** Handles Slack's events. When `handle` resolves, the event may be acked; when it rejects, Slack has to deliver it again. */
import type { BotPort, ReceiveResult } from '../../../core/bot-port.ts';
import type { Clock, Logger } from '../../../core/ports.ts';
import type { Place, SessionId } from '../../../core/session.ts';
import { toBotError } from '../../../errors.ts';
import { messagesIn } from '../../../i18n/messages.ts';
import { createThrottle } from '../../../lib/throttle.ts';
import type { SlackClients } from '../api/clients.ts';
import type { People } from '../api/lookups.ts';
import type { SlackCommands } from '../commands/commands.ts';
import { logFailure, type PrivateAnswers } from '../commands/private-answers.ts';
import { type BotIdentity, placeOf, type Scopes, SLACK, sessionAt } from '../ids.ts';
import type { SlackStop } from '../reply/stop.ts';
import type { SlackInput, SlackMessage } from './inputs.ts';
import { originOf, readEvent, sentAtOf, toIncoming } from './normalize.ts';
import { addressesAnother, plainText } from './plain-text.ts';
import type { Quotes } from './quotes.ts';

export interface EventHandlerDeps {
  readonly bot: BotPort;
  readonly self: BotIdentity;
  readonly scopes: Scopes;
  readonly clients: SlackClients;
  readonly people: People;
  /** A message's text as people see it, with the names of people, channels and groups. */
  readonly readable: (raw: string) => Promise<string>;
  readonly quotes: Quotes;
  readonly answers: PrivateAnswers;
  readonly commands: SlackCommands;
  readonly stop: SlackStop;
  readonly clock: Pick<Clock, 'monotonic'>;
  readonly logger: Logger;
  /** Called when Slack has revoked the bot token: nothing can be answered any more. */
  readonly revoked: () => void;
  readonly isRevoked: () => boolean;
  /** Counts a payload that could not be read. */
  readonly malformed: () => void;
}

export interface EventHandler {
  /** @throws BotError `store_unavailable` or `store_full`: the event was not stored */
  handle(body: unknown): Promise<void>;
}

/** How long the bot follows a thread after the last message to it there. Milliseconds. */
const FOLLOW_MS = 30 * 86_400_000;
/** How long the deletion of a message that has not arrived is kept: Slack redelivers for up to a day. Milliseconds. */
const DELETED_MS = 86_400_000;
/** A flag of the conversation, so that it is erased with it. */
const FOLLOWED = 'followed';
/** How often a channel is told that the store is full. Milliseconds. */
const FULL_TOLD_MS = 10 * 60_000;

export function createEventHandler(deps: EventHandlerDeps): EventHandler {
  const { bot, self, scopes, people, quotes, answers, readable, logger } = deps;
  /** The deliveries that are being handled, by message. */
  const handling = new Map<string, Promise<void>>();
  const mayTellFull = createThrottle(deps.clock, FULL_TOLD_MS);

  async function message(input: SlackMessage): Promise<void> {
    const sessionId = sessionAt(originOf(input), scopes);
    const followed = await isFollowed(input, sessionId);
    const addressed = input.direct || input.mention;
    if (!addressed && !(followed && !addressesAnother(input.raw, self.user))) return;

    if (await isDeleted(input)) return;
    const isPlain = input.files.length === 0 && input.shares.length === 0;
    if (isPlain && bot.commands.readText(plainText(input.raw, self)) !== undefined) {
      const command = bot.commands.readText(await readable(input.raw));
      if (command !== undefined) return await deps.commands.typed(input, command);
    }

    const person = await people.find(input.user);
    const whole = async () => {
      const [text, before, shared] = await Promise.all([
        readable(input.raw),
        // In a thread that the bot follows, memory has the earlier messages.
        input.thread === undefined || input.direct || followed
          ? []
          : quotes.before(input.channel, input.thread, input.ts),
        input.shares.length === 0 ? [] : quotes.shared(input.shares),
      ]);
      return toIncoming(input, { ...person, text, quotes: [...before, ...shared] }, scopes);
    };
    // Before the message is stored: after a crash in between, Slack delivers again. The other way round the flag would be lost.
    if (!input.direct) await follow(sessionId);
    const withoutNames = plainText(input.raw, self, () => '');
    const result = await bot.receive(toIncoming(input, { ...person, text: withoutNames, quotes: [] }, scopes), whole);
    // It may have been deleted meanwhile; a deletion that finds it in the store removes it there.
    if (result.kind === 'queued' && (await isDeleted(input))) {
      await bot.amended(placeOf(input.team, input.channel), input.ts, null);
    }
    tellRefusal(input, result);
  }

  /** Slack promises no order of deliveries, and repeats those that were not stored minutes later. */
  async function isDeleted({ team, channel, ts }: SlackMessage): Promise<boolean> {
    return await bot.flags.has(placeOf(team, channel), deletedName(ts));
  }

  async function deleted({ place, ts, forBot }: Extract<SlackInput, { kind: 'deleted' }>): Promise<void> {
    if (forBot && (await bot.locate(place, [ts])) === undefined) {
      await bot.flags.set(place, deletedName(ts), DELETED_MS);
    }
    await bot.amended(place, ts, null, { sentAt: sentAtOf(ts) });
  }

  async function channelDeleted(place: Place): Promise<void> {
    const erased = await bot.memory.erase({ place });
    logger.info({ channel: place.channel, ...erased }, 'channel deleted, conversations erased');
  }

  /** The bot only follows up with the person who invoked it in the thread: the others there did not ask to be read. */
  async function isFollowed({ direct, thread }: SlackMessage, sessionId: SessionId): Promise<boolean> {
    if (direct || thread === undefined) return false;
    return await bot.flags.has(sessionId, FOLLOWED);
  }

  async function follow(sessionId: SessionId): Promise<void> {
    await bot.flags.set(sessionId, FOLLOWED, FOLLOW_MS);
  }

  /** Does not wait: the message has to be acked in time. */
  function tellRefusal(input: SlackMessage, result: ReceiveResult): void {
    if (!('tell' in result) || !result.tell) return;
    post(input, result.text).catch(logFailure(logger, 'could not post a refusal'));
  }

  async function post({ channel, user, thread, ts, direct }: SlackMessage, text: string): Promise<void> {
    // Outside of threads the answer goes into the channel: in a new thread nobody would see it.
    const where = direct ? { thread: thread ?? ts } : thread === undefined ? {} : { thread };
    await answers.post({ channel, user, direct, ...where }, { text, actions: [] });
  }

  /** A full store stays full until the administrator frees memory; Slack redelivers for a while. People are told why nobody answers. */
  async function tellFull(input: SlackMessage): Promise<void> {
    if (!mayTellFull(input.channel)) return;
    const { locale } = await people.find(input.user);
    await post(input, messagesIn(locale).failed.store_full);
  }

  async function opened(channel: string, user: string): Promise<void> {
    const { locale } = await people.find(user);
    const { title, prompts } = messagesIn(locale).slack.prompts;
    await deps.clients
      .answer((client) =>
        client.assistant.threads.setSuggestedPrompts({ channel_id: channel, title, prompts: [...prompts] }),
      )
      .catch(logFailure(logger, 'could not set the suggested prompts'));
  }

  async function act(input: SlackInput): Promise<void> {
    if (deps.isRevoked() && input.kind !== 'uninstalled') return;
    switch (input.kind) {
      case 'message':
        return await handleMessage(input);
      case 'edited':
        // Most edits in a workspace are of messages that the bot has never stored.
        if (await bot.remembers(input.place, input.ts, { sentAt: sentAtOf(input.ts) })) {
          const { editedAt } = input;
          const times = { sentAt: sentAtOf(input.ts), ...(editedAt === undefined ? {} : { editedAt }) };
          const about = { ...times, attachments: input.files };
          return await bot.amended(input.place, input.ts, await readable(input.raw), about);
        }
        return input.newMention === undefined ? undefined : await handleMessage(input.newMention);
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
        logger.info({ team: input.team, ...erased }, 'app uninstalled, conversations erased');
        return;
      }
      case 'revoked':
        return deps.revoked();
      case 'malformed':
        deps.malformed();
        logger.warn({ why: input.why }, 'could not read a payload');
        return;
      case 'rate_limited':
        // 30,000 an hour and workspace (docs.slack.dev, rate limits of the Events API).
        logger.warn({}, 'Slack withholds events: too many');
        return;
      case 'ignored':
        return;
    }
  }

  async function handleMessage(input: SlackMessage): Promise<void> {
    await inOrder(input).catch((thrown: unknown) => {
      if (toBotError(thrown).code === 'store_full')
        tellFull(input).catch(logFailure(logger, 'could not tell that the store is full'));
      throw thrown;
    });
  }

  /**
   * Handles the deliveries of one message one after the other, such as the `message` and the `app_mention` of a mention. If the
   * second did not find the first stored, the rate limit might count and refuse it.
   */
  async function inOrder(input: SlackMessage): Promise<void> {
    const key = `${input.team} ${input.channel} ${input.ts}`;
    const before = handling.get(key);
    const now = (async () => {
      await before?.catch(() => undefined);
      await message(input);
    })();
    handling.set(key, now);
    try {
      await now;
    } finally {
      if (handling.get(key) === now) handling.delete(key);
    }
  }

  return { handle: (body) => act(readEvent(body, self)) };
}

function deletedName(ts: string): string {
  return `deleted:${ts}`;
}
