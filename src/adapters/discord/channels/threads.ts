/** How the bot joins threads, when it is mentioned there, and leaves them, by `/forget`. */
import { z } from 'zod';
import type { BotPort } from '../../../core/bot-port.ts';
import type { Logger } from '../../../core/ports.ts';
import { type Person, parseSessionId } from '../../../core/session.ts';
import type { IncomingMessage, Quote } from '../../../core/types.ts';
import { toBotError } from '../../../errors.ts';
import { type MessagePayload, messagePayload } from '../payloads.ts';
import { type ChannelInfo, placeOf, sessionOf } from '../places.ts';
import type { DiscordRest } from '../rest.ts';
import { isNewer } from '../snowflake.ts';
import { type Names, nameOf, shownText } from './message-text.ts';

/** Milliseconds that a dismissal is remembered. A thread in which nobody addresses the bot is left much sooner. */
const DISMISSED_MS = 30 * 86_400_000;
/** Milliseconds that the participants of a thread are remembered after they last addressed the bot there. */
const PARTICIPANT_MS = 30 * 86_400_000;
/** The flag on a person's conversation in a thread. Its session id always has the user in it, so it is erased with the person. */
const PARTICIPANT = 'talked';

export interface Thread {
  readonly id: string;
  readonly info: ChannelInfo;
}

export interface Threads {
  /** The bot was dismissed from this thread and not mentioned there since. @throws BotError `store_unavailable` */
  isDismissed(thread: string, info: ChannelInfo): Promise<boolean>;
  /** The bot stays silent in this thread until it is mentioned. Does nothing for another channel. @throws BotError `store_*` */
  dismiss(thread: string, info: ChannelInfo): Promise<void>;
  /**
   * Threads in which this person addressed the bot. Ask before their `/forget everywhere`, which erases that too.
   * @throws as `isDismissed`
   */
  threadsOf(person: Person): Promise<readonly Thread[]>;
  /**
   * Completes a message to the bot. The first one in a thread brings along what was written there before, but not after a
   * `/forget`: what was forgotten is still to be read in the thread. @throws as `dismiss`
   */
  join(message: IncomingMessage, thread: string, info: ChannelInfo, isFirst: boolean): Promise<IncomingMessage>;
}

export function createThreads({ flags }: Pick<BotPort, 'flags'>, context: ThreadContext): Threads {
  const dismissal = (thread: string) => `sent-out:${thread}`;
  return {
    isDismissed: (thread, info) => flags.has(placeOf(thread, info), dismissal(thread)),
    async dismiss(thread, info) {
      if (info.parent !== undefined) await flags.set(placeOf(thread, info), dismissal(thread), DISMISSED_MS);
    },
    async threadsOf(person) {
      return (await flags.ofPerson(person, PARTICIPANT)).flatMap((session) => {
        const { place, thread: id } = parseSessionId(session);
        if (id === undefined) return [];
        const guild = place.workspace === undefined ? {} : { guild: place.workspace };
        return [{ id, info: { ...guild, parent: place.channel, direct: false } }];
      });
    },
    async join(message, thread, info, isFirst) {
      if (info.parent === undefined) return message;
      await flags.set(sessionOf(thread, info, message.author.id, 'user'), PARTICIPANT, PARTICIPANT_MS);
      const place = placeOf(thread, info);
      const wasDismissed = await flags.has(place, dismissal(thread));
      if (wasDismissed) await flags.drop(place, dismissal(thread));
      if (wasDismissed || !isFirst) return message;
      const quotes = [...(await context.before(thread, info, message.id)), ...(message.quotes ?? [])];
      return quotes.length === 0 ? message : { ...message, quotes };
    },
  };
}

/** The latest posts that are quoted, besides the one that began the thread. */
const MAX_POSTS = 15;
/** Milliseconds for each request: the author is waiting. */
const LOOKUP_MS = 2_500;

export interface ThreadContextDeps {
  readonly rest: DiscordRest;
  readonly names: (guild: string | undefined) => Names;
  readonly log: Logger;
}

export interface ThreadContext {
  /**
   * The post that began a thread and the latest ones before a message, oldest first, as quoted, untrusted text. Empty for a
   * channel that is no thread. Never rejects: the message is answered without them, too.
   */
  before(thread: string, info: ChannelInfo, message: string): Promise<readonly Quote[]>;
}

export function createThreadContext({ rest, names, log }: ThreadContextDeps): ThreadContext {
  async function get(
    route: `/${string}`,
    query?: Readonly<Record<string, string>>,
  ): Promise<readonly MessagePayload[]> {
    const signal = AbortSignal.timeout(LOOKUP_MS);
    const found = await rest.request('GET', route, { signal, ...(query === undefined ? {} : { query }) });
    return z
      .array(z.unknown())
      .parse(Array.isArray(found) ? found : [found])
      .flatMap((each) => {
        const parsed = messagePayload.safeParse(each);
        return parsed.success ? [parsed.data] : [];
      });
  }

  /** Undefined for a message that does not exist or may not be read. */
  async function getIfAllowed(route: `/${string}`): Promise<MessagePayload | undefined> {
    try {
      return (await get(route))[0];
    } catch (thrown) {
      if (toBotError(thrown).code !== 'platform_refused') throw thrown;
      return undefined;
    }
  }

  /**
   * A thread has the id of the message it was started from, in its parent channel (404 for one that was started without a
   * message). A forum post's first message is in the thread itself. https://docs.discord.com/developers/topics/threads
   */
  async function starter(thread: string, parent: string): Promise<MessagePayload | undefined> {
    return (
      (await getIfAllowed(`/channels/${parent}/messages/${thread}`)) ??
      (await getIfAllowed(`/channels/${thread}/messages/${thread}`))
    );
  }

  return {
    async before(thread, { parent, guild }, message) {
      if (parent === undefined) return [];
      try {
        const posts = await get(`/channels/${thread}/messages`, { before: message, limit: String(MAX_POSTS) });
        const began = posts.some(({ id }) => id === thread) ? undefined : await starter(thread, parent);
        const all = [...posts, ...(began === undefined ? [] : [began])].filter(({ id }) => isNewer(message, id));
        const quotes = all
          .sort((one, other) => (isNewer(one.id, other.id) ? 1 : -1))
          .map((post) => ({ author: nameOf(post.author), text: shownText(post, names(guild)) }));
        return quotes.filter(({ text }) => text !== '');
      } catch (thrown) {
        log.warn({ channel: thread, code: toBotError(thrown).code }, 'cannot read the earlier posts of a thread');
        return [];
      }
    },
  };
}
