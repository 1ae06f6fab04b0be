/** Messages of others that the model sees as quoted, untrusted text: the thread before the bot joined it, and shared messages. */
import { z } from 'zod';
import type { Clock, Logger } from '../../../core/ports.ts';
import type { FileRef, Quote } from '../../../core/types.ts';
import { toBotError } from '../../../errors.ts';
import { withTimeout } from '../../../lib/timeout.ts';
import type { Timers } from '../../../lib/timers.ts';
import type { SlackClients } from '../api/clients.ts';
import { LOOKUP_MS, type Names } from '../api/lookups.ts';
import type { BotIdentity } from '../ids.ts';
import { plainText } from './plain-text.ts';
import {
  isTombstone,
  messageFiles,
  messageText,
  type Share,
  type ThreadMessage,
  threadMessageShape,
} from './raw-message.ts';

/** Messages of a thread that are quoted: the newest. */
const MAX_QUOTES = 15;
/** Slack lists a thread from its beginning: the page has to be long enough to reach the end. */
const THREAD_PAGE = 999;

export interface QuotesDeps {
  readonly clients: SlackClients;
  readonly names: Names;
  readonly self: BotIdentity;
  readonly clock: Pick<Clock, 'monotonic'>;
  readonly timers: Timers;
  readonly logger: Logger;
}

export interface Quotes {
  /** The last messages of a thread before `ts`, oldest first. Never rejects: without quotes the message is still answered. */
  before(channel: string, thread: string, ts: string): Promise<readonly Quote[]>;
  /** The messages that are shared in one message. Never rejects. */
  shared(shares: readonly Share[]): Promise<readonly Quote[]>;
}

const threadShape = z.object({ messages: z.array(threadMessageShape).default([]) });

/** A quote in Slack's markup. The author is in Slack's markup too, so that one look-up finds all names. */
interface RawQuote {
  readonly author: string;
  readonly raw: string;
  readonly files: readonly FileRef[];
}

export function createQuotes({ clients, names, self, clock, timers, logger }: QuotesDeps): Quotes {
  /** The end of a rate limit: newer commercial apps may read one thread a minute. */
  let pausedUntil = 0;

  async function rendered(quotes: readonly RawQuote[]): Promise<readonly Quote[]> {
    const nameOf = await names.of([...quotes.map(({ author }) => author), ...quotes.map(({ raw }) => raw)]);
    return quotes
      .map(({ author, raw, files }) => ({
        ...{ author: authorName(author), text: plainText(raw, self, nameOf) },
        ...(files.length === 0 ? {} : { files }),
      }))
      .filter(({ text, files }) => text !== '' || files !== undefined);

    function authorName(author: string): string {
      const id = /^<@([^<>|]+)>$/.exec(author)?.[1];
      if (id === undefined) return author;
      return id === self.user ? self.name : (nameOf({ kind: 'user', id }) ?? id);
    }
  }

  return {
    async before(channel, thread, ts) {
      if (clock.monotonic() < pausedUntil) return [];
      try {
        const answer = await withTimeout(LOOKUP_MS, timers, () =>
          clients.lookUp((client) =>
            client.conversations.replies({ channel, ts: thread, latest: ts, inclusive: false, limit: THREAD_PAGE }),
          ),
        );
        const earlier = threadShape.parse(answer).messages.filter((message) => message.ts < ts && !isGone(message));
        return await rendered(
          earlier.slice(-MAX_QUOTES).map((message) => ({
            ...{ author: authorOf(message), raw: messageText(message), files: messageFiles(message) },
          })),
        );
      } catch (thrown) {
        const { code, retryAfterMs = 0 } = toBotError(thrown);
        pausedUntil = clock.monotonic() + retryAfterMs;
        logger.warn({ code }, 'could not read the earlier messages of a thread');
        return [];
      }
    },
    shared: (shares) =>
      rendered(
        shares.map(({ author: { name, id }, raw, files }) => ({
          ...{ author: name ?? (id === undefined ? '?' : `<@${id}>`), raw, files },
        })),
      ),
  };
}

function authorOf({ user, username, bot_profile: profile }: ThreadMessage): string {
  return username || profile?.name || (user ? `<@${user}>` : '?');
}

function isGone({ subtype, user }: ThreadMessage): boolean {
  return isTombstone({ ...(subtype == null ? {} : { subtype }), ...(user == null ? {} : { user }) });
}
