/** What was written in a thread before the bot was called into it, as quoted, untrusted text. */
import { z } from 'zod';
import type { Logger } from '../../core/ports.ts';
import type { Quote } from '../../core/types.ts';
import { toBotError } from '../../errors.ts';
import { shownText } from './contents.ts';
import { type Names, nameOf } from './markup.ts';
import { type MessagePayload, messagePayload } from './payloads.ts';
import type { ChannelAbout } from './places.ts';
import type { DiscordRest } from './rest.ts';
import { isNewer } from './snowflake.ts';

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
