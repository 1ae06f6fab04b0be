/** How the bot comes into threads and leaves them: called in by whoever names it, sent out by `/forget`. */
import { z } from 'zod';
import type { BotPort } from '../../../core/bot-port.ts';
import type { Logger } from '../../../core/ports.ts';
import { type Person, parseSessionId } from '../../../core/session.ts';
import type { IncomingMessage, Quote } from '../../../core/types.ts';
import { toBotError } from '../../../errors.ts';
import { type MessagePayload, messagePayload } from '../payloads.ts';
import { type ChannelAbout, placeOf, sessionOf } from '../places.ts';
import type { DiscordRest } from '../rest.ts';
import { isNewer } from '../snowflake.ts';
import { type Names, nameOf, shownText } from './message-text.ts';

/** Milliseconds that a thread it was sent out of is known; for far less it goes on by itself where nobody talks to it. */
const SENT_OUT_MS = 30 * 86_400_000;
/** Milliseconds that it is known who talked to the bot in a thread, from the last time: longer than a thread goes on by itself. */
const TALKED_MS = 30 * 86_400_000;
/** What is noted of a person's conversation in a thread; with every scope of their own, so that it goes with the person. */
const TALKED = 'talked';

export interface Thread {
  readonly id: string;
  readonly about: ChannelAbout;
}

export interface Threads {
  /** Whether it was sent out, and not called in again. @throws BotError `store_unavailable` */
  wasSentOut(thread: string, about: ChannelAbout): Promise<boolean>;
  /** It does not go on here before it is named. Nothing for what is no thread. @throws BotError `store_*` */
  sendOut(thread: string, about: ChannelAbout): Promise<void>;
  /** Where this person talked to the bot. Their `/forget everywhere` erases that, so it is asked for before. @throws as `wasSentOut` */
  talkedIn(person: Person): Promise<readonly Thread[]>;
  /**
   * A message by which it may be called in. Where it was not talked to before, what was written there goes with the message; but
   * not behind a `/forget`: what was forgotten still stands in the thread. @throws as `sendOut`
   */
  callIn(message: IncomingMessage, thread: string, about: ChannelAbout, isFirst: boolean): Promise<IncomingMessage>;
}

export function createThreads({ flags }: Pick<BotPort, 'flags'>, context: ThreadContext): Threads {
  const nameOf = (thread: string) => `sent-out:${thread}`;
  return {
    wasSentOut: (thread, about) => flags.noted(placeOf(thread, about), nameOf(thread)),
    async sendOut(thread, about) {
      if (about.parent !== undefined) await flags.note(placeOf(thread, about), nameOf(thread), SENT_OUT_MS);
    },
    async talkedIn(person) {
      return (await flags.ofPerson(person, TALKED)).flatMap((session) => {
        const { place, thread: id } = parseSessionId(session);
        if (id === undefined) return [];
        const guild = place.workspace === undefined ? {} : { guild: place.workspace };
        return [{ id, about: { ...guild, parent: place.channel, direct: false } }];
      });
    },
    async callIn(message, thread, about, isFirst) {
      if (about.parent === undefined) return message;
      await flags.note(sessionOf(thread, about, message.author.id, 'user'), TALKED, TALKED_MS);
      const place = placeOf(thread, about);
      const wasSentOut = await flags.noted(place, nameOf(thread));
      if (wasSentOut) await flags.drop(place, nameOf(thread));
      if (wasSentOut || !isFirst) return message;
      const quotes = [...(await context.before(thread, about, message.id)), ...(message.quotes ?? [])];
      return quotes.length === 0 ? message : { ...message, quotes };
    },
  };
}

/** Newest posts that are quoted, besides the one that the thread began with. */
const MAX_POSTS = 15;
/** Whoever asked waits for it. */
const LOOKUP_MS = 2_500;

export interface ThreadContextDeps {
  readonly rest: DiscordRest;
  readonly names: (guild: string | undefined) => Names;
  readonly log: Logger;
}

export interface ThreadContext {
  /**
   * The post that a thread began with and the last ones before a message, oldest first; nothing of what is no thread. Never
   * rejects: without them the message is answered all the same.
   */
  before(thread: string, about: ChannelAbout, message: string): Promise<readonly Quote[]>;
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

  /** Undefined where there is none, or it may not be read. */
  async function tried(route: `/${string}`): Promise<MessagePayload | undefined> {
    try {
      return (await get(route))[0];
    } catch (thrown) {
      if (toBotError(thrown).code !== 'platform_refused') throw thrown;
      return undefined;
    }
  }

  /**
   * A thread has the id of the message that it was started from, in the channel it belongs to (404 where it was started from
   * none); of a forum's post that message is in the thread itself. https://docs.discord.com/developers/topics/threads
   */
  async function starter(thread: string, parent: string): Promise<MessagePayload | undefined> {
    return (
      (await tried(`/channels/${parent}/messages/${thread}`)) ?? (await tried(`/channels/${thread}/messages/${thread}`))
    );
  }

  return {
    async before(thread, about, message) {
      const { parent, guild } = about;
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
        log.warn({ channel: thread, code: toBotError(thrown).code }, 'the earlier posts of a thread could not be read');
        return [];
      }
    },
  };
}
