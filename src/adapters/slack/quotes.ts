/** What the model is shown of others' messages, as quoted, untrusted text: a thread before the bot was called into it, shares. */
import { z } from 'zod';
import type { Clock, Logger } from '../../core/ports.ts';
import type { Quote } from '../../core/types.ts';
import { toBotError } from '../../errors.ts';
import { withTimeout } from '../../lib/timeout.ts';
import type { Timers } from '../../lib/timers.ts';
import type { SlackClients } from './clients.ts';
import { type Share, saidIn } from './content.ts';
import { LOOKUP_MS } from './lookup-cache.ts';
import type { Names } from './names.ts';
import { type BotIdentity, plainText } from './plain-text.ts';
import { isTombstone, type ThreadMessage, threadMessageShape } from './raw-message.ts';

/** Newest messages quoted. */
const MAX_QUOTES = 15;
/** Slack gives a thread from its beginning: only a page this long holds its end too. */
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
  /** The last messages of a thread before `ts`, oldest first. Never rejects: without them the message is answered all the same. */
  before(channel: string, thread: string, ts: string): Promise<readonly Quote[]>;
  /** The messages that are shared in one. Never rejects. */
  shared(shares: readonly Share[]): Promise<readonly Quote[]>;
}

const shape = z.object({ messages: z.array(threadMessageShape).default([]) });

/** A text of somebody else's in Slack's markup; the author is named in Slack's markup too, so that names are found alike. */
interface RawQuote {
  readonly author: string;
  readonly raw: string;
}

export function createQuotes({ clients, names, self, clock, timers, logger }: QuotesDeps): Quotes {
  /** While Slack asks for a wait: newer commercial apps may read one thread a minute. */
  let pausedUntil = 0;

  async function rendered(quotes: readonly RawQuote[]): Promise<readonly Quote[]> {
    const nameOf = await names.of([...quotes.map(({ author }) => author), ...quotes.map(({ raw }) => raw)]);
    return quotes
      .map(({ author, raw }) => ({ author: authorName(author), text: plainText(raw, self, nameOf) }))
      .filter(({ text }) => text !== '');

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
          clients.look((client) =>
            client.conversations.replies({ channel, ts: thread, latest: ts, inclusive: false, limit: THREAD_PAGE }),
          ),
        );
        const earlier = shape.parse(answer).messages.filter((message) => message.ts < ts && !isGone(message));
        return await rendered(
          earlier.slice(-MAX_QUOTES).map((message) => ({ author: authorOf(message), raw: saidIn(message) })),
        );
      } catch (thrown) {
        const { code, retryAfterMs = 0 } = toBotError(thrown);
        pausedUntil = clock.monotonic() + retryAfterMs;
        logger.warn({ code }, 'the earlier messages of a thread could not be read');
        return [];
      }
    },
    shared: (shares) =>
      rendered(
        shares.map(({ author: { name, id }, raw }) => ({ author: name ?? (id === undefined ? '?' : `<@${id}>`), raw })),
      ),
  };
}

function authorOf({ user, username, bot_profile: profile }: ThreadMessage): string {
  return username || profile?.name || (user ? `<@${user}>` : '?');
}

function isGone({ subtype, user }: ThreadMessage): boolean {
  return isTombstone({ ...(subtype == null ? {} : { subtype }), ...(user == null ? {} : { user }) });
}
