/** Writes index entries behind the scripts that changed the conversations: those of one moment together. */
import type { SessionId } from '../../core/session.ts';
import type { RedisClient } from '../../redis/connection.ts';
import type { Keyspace } from './keys.ts';

/** Seconds that the figures of a day are kept. */
const KEEP_DAY_S = 90 * 86_400;
/** Entries that one script writes at most: well under a millisecond of Redis. */
const MOST_ENTRIES = 100;

/** What the place's script told of a conversation. `turns` and `tokens` are added to the day's figures. */
export interface IndexEntry {
  /** Unix milliseconds by Redis' clock: what the list's own expiry is, so that both end at the same instant. */
  readonly expiresAt: number;
  readonly messages: number;
  readonly turns?: number;
  readonly tokens?: number;
}

export type WriteIndex = (id: SessionId, entry: IndexEntry) => void;

/**
 * When many conversations are answered at once, their entries go out as one script, before anything that their callers send
 * next. A script for each would cost client and Redis about as much as the turn itself.
 * @param inBackground sends what nobody waits for
 */
export function createIndexWriter(
  redis: RedisClient,
  keys: Keyspace,
  inBackground: (operation: string, action: () => Promise<unknown>) => void,
): WriteIndex {
  /** One entry a conversation: two changes of one moment are one, with the turns of both. */
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
