/** Writes index entries after the scripts that changed the conversations, in batches. */
import type { SessionId } from '../../core/session.ts';
import type { RedisClient } from '../../redis/connection.ts';
import type { Keyspace } from './keys.ts';

/** Retention of a day's figures, in seconds. */
const KEEP_DAY_S = 90 * 86_400;
/** Maximum number of entries per script: well under a millisecond in Redis. */
const MOST_ENTRIES = 100;

/** The result of a script about a conversation. `turns` and `tokens` are added to the day's figures. */
export interface IndexEntry {
  /** Unix milliseconds by Redis' clock: the expiry of the list, so that both expire at the same instant. */
  readonly expiresAt: number;
  readonly messages: number;
  readonly turns?: number;
  readonly tokens?: number;
}

export type WriteIndex = (id: SessionId, entry: IndexEntry) => void;

/**
 * Entries of concurrent turns are sent with one script, before anything that their callers send next. One script per entry would cost
 * client and Redis about as much as the turn itself.
 * @param inBackground makes a call in the background
 */
export function createIndexWriter(
  redis: RedisClient,
  keys: Keyspace,
  inBackground: (operation: string, action: () => Promise<unknown>) => void,
): WriteIndex {
  /** One entry per conversation: two changes are merged, with the turns of both. */
  let waiting = new Map<SessionId, IndexEntry>();

  const flush = () => {
    const entries = [...waiting];
    waiting = new Map();
    const today = keys.day(new Date().toISOString().slice(0, 10));
    for (let from = 0; from < entries.length; from += MOST_ENTRIES) {
      const some = entries.slice(from, from + MOST_ENTRIES);
      const turns = some.reduce((sum, [, entry]) => sum + (entry.turns ?? 0), 0);
      const tokens = some.reduce((sum, [, entry]) => sum + (entry.tokens ?? 0), 0);
      const args = some.flatMap(([id, { expiresAt, messages }]) => [id, expiresAt, messages]);
      inBackground('index', () =>
        redis.indexConversations(keys.live, keys.lengths, keys.total, today, KEEP_DAY_S, turns, tokens, ...args),
      );
    }
  };

  return (id, entry) => {
    if (waiting.size === 0) queueMicrotask(flush);
    const earlier = waiting.get(id);
    const turns = (earlier?.turns ?? 0) + (entry.turns ?? 0);
    const tokens = (earlier?.tokens ?? 0) + (entry.tokens ?? 0);
    waiting.set(id, { expiresAt: entry.expiresAt, messages: entry.messages, turns, tokens });
  };
}
