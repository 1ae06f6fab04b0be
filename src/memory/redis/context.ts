/** What the parts of the Redis driver share: the connection, the key names, one way to make a call. */
import type { Redis } from 'ioredis';
import { parseSessionId, personOf, type SessionId } from '../../core/session.ts';
import type { StoreOptions } from '../../core/store.ts';
import { toStoreError } from './client.ts';
import type { Keyspace } from './keys.ts';

/** Seconds that inboxes, records, fences and dedupe ids are kept: longer than any turn. */
export const KEEP_S = 86_400;
/** Seconds that a generation outlives its last use. */
export const KEEP_GENERATION_S = 7 * 86_400;
/** Seconds that a TTL choice is kept at least. */
export const KEEP_CHOICE_S = 90 * 86_400;
/** Seconds that the figures of a day are kept. */
const KEEP_DAY_S = 90 * 86_400;

export interface RedisContext {
  readonly redis: Redis;
  readonly keys: Keyspace;
  readonly options: StoreOptions;
  /** Makes a call; whatever it throws becomes a BotError that the observer hears of too. */
  call<T>(operation: string, action: () => Promise<T>): Promise<T>;
  /** Sends something right behind, which nobody waits for; its failure is observed and repaired by the sweep. */
  behind(operation: string, action: () => Promise<unknown>): void;
  /** Resolves when everything sent behind has been answered. */
  settled(): Promise<void>;
}

export function createContext(redis: Redis, keys: Keyspace, options: StoreOptions): RedisContext {
  const background = new Set<Promise<unknown>>();
  const report = (operation: string, thrown: unknown) => {
    const error = toStoreError(thrown);
    if (redis.status !== 'end') options.observer.error(operation, error);
    return error;
  };
  return {
    redis,
    keys,
    options,
    async call(operation, action) {
      try {
        return await action();
      } catch (thrown) {
        throw report(operation, thrown);
      }
    },
    behind(operation, action) {
      const sent = action()
        .catch((thrown: unknown) => report(operation, thrown))
        .finally(() => background.delete(sent));
      background.add(sent);
    },
    async settled() {
      await Promise.allSettled(background);
    },
  };
}

/** What the place's script told of a conversation, for the index. `turns` and `tokens` are added to the day's figures. */
export interface IndexEntry {
  /** Unix milliseconds by Redis' clock: what the list's own expiry is, so that both end at the same instant. */
  readonly expiresAt: number;
  readonly messages: number;
  readonly turns?: number;
  readonly tokens?: number;
}

/** Writes the index entry of a conversation behind the script that changed it. */
export function updateIndex({ redis, keys, behind }: RedisContext, id: SessionId, entry: IndexEntry): void {
  const today = keys.day(new Date().toISOString().slice(0, 10));
  behind('index', () =>
    redis.indexConversation(
      ...[keys.live, keys.lengths, keys.total, today, id, entry.expiresAt, entry.messages],
      ...[entry.turns ?? 0, entry.tokens ?? 0, KEEP_DAY_S],
    ),
  );
}

/** The index keys that list this conversation: for its author, for the person it belongs to, for the whole workspace. */
export function memberKeys(keys: Keyspace, id: SessionId, authorId: string): string[] {
  const { place, user = authorId } = parseSessionId(id);
  const persons = [...new Set([authorId, user])].map((it) => keys.person(personOf(id, it)));
  const { platform, workspace } = place;
  return workspace === undefined ? persons : [...persons, keys.team({ platform, workspace })];
}

/** Lists the conversation for a person and their workspace for at least `ms` more, behind what made it so. */
export function indexMembers({ redis, keys, behind }: RedisContext, id: SessionId, userId: string, ms: number): void {
  for (const key of memberKeys(keys, id, userId)) behind('index', () => redis.indexMember(key, id, ms));
}
