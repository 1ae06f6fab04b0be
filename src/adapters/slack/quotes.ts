/** What was said in a thread before the bot was called into it, as quoted, untrusted text. */
import { z } from 'zod';
import type { Logger } from '../../core/ports.ts';
import type { Quote } from '../../core/types.ts';
import { toBotError } from '../../errors.ts';
import { inTime } from '../in-time.ts';
import type { Timers } from '../pacer.ts';
import type { SlackClients } from './clients.ts';
import { LOOKUP_MS, type People } from './people.ts';
import { type BotIdentity, plainText } from './plain-text.ts';

/** Newest messages quoted. */
const MAX_QUOTES = 15;
/** Slack gives a thread from its beginning: only a page this long holds its end too. */
const THREAD_PAGE = 999;

export interface QuotesDeps {
  readonly clients: SlackClients;
  readonly people: People;
  readonly self: BotIdentity;
  readonly timers: Timers;
  readonly logger: Logger;
}

export interface Quotes {
  /** The last messages of a thread before `ts`, oldest first. Never rejects: without them the message is answered all the same. */
  before(channel: string, thread: string, ts: string): Promise<readonly Quote[]>;
}

const shape = z.object({
  messages: z
    .array(
      z.object({
        ts: z.string(),
        user: z.string().optional(),
        username: z.string().optional(),
        text: z.string().optional(),
      }),
    )
    .default([]),
});

export function createQuotes({ clients, people, self, timers, logger }: QuotesDeps): Quotes {
  async function quote({ user, username, text }: z.infer<typeof shape>['messages'][number]): Promise<Quote> {
    const author =
      user === self.user ? self.name : (username ?? (user === undefined ? '?' : (await people.find(user)).name));
    return { author, text: plainText(text ?? '', self) };
  }

  return {
    async before(channel, thread, ts) {
      try {
        const answer = await inTime(LOOKUP_MS, timers, () =>
          clients.look((client) =>
            client.conversations.replies({ channel, ts: thread, latest: ts, inclusive: false, limit: THREAD_PAGE }),
          ),
        );
        const earlier = shape.parse(answer).messages.filter((message) => message.ts < ts);
        const quotes = await Promise.all(earlier.slice(-MAX_QUOTES).map(quote));
        return quotes.filter(({ text }) => text !== '');
      } catch (thrown) {
        logger.warn({ code: toBotError(thrown).code }, 'the earlier messages of a thread could not be read');
        return [];
      }
    },
  };
}
