/** What the parts of the Redis driver share: the connection, the key names, one way to make a call. */
import type { Redis } from 'ioredis';
import { parseSessionId, personOf, type SessionId } from '../../core/session.ts';
import type { StoreOptions } from '../../core/store.ts';
import { sendTogether, toStoreError } from './client.ts';
import { createIndexWriter, type WriteIndex } from './index-writer.ts';
import type { Keyspace } from './keys.ts';
import { memberOf } from './members.ts';
import { createRecent, type Recent } from './recent.ts';

export interface RedisContext {
  readonly redis: Redis;
  readonly keys: Keyspace;
  readonly options: StoreOptions;
  readonly recent: Recent;
  /** Whether the server is in cluster mode, where a script has one slot. */
  readonly clustered: boolean;
  /** Makes a call; whatever it throws becomes a BotError that the observer hears of too. */
  call<T>(operation: string, action: () => Promise<T>): Promise<T>;
  /** Sends something right behind, which nobody waits for; its failure is observed and repaired by the sweep. */
  behind(operation: string, action: () => Promise<unknown>): void;
  /** Writes the index entry of a conversation behind the script that changed it. */
  readonly writeIndex: WriteIndex;
  /** Resolves when everything sent behind has been answered. */
  settled(): Promise<void>;
}

export function createContext(redis: Redis, keys: Keyspace, options: StoreOptions, clustered: boolean): RedisContext {
  const background = new Set<Promise<unknown>>();
  const report = (operation: string, thrown: unknown) => {
    const error = toStoreError(thrown);
    if (redis.status !== 'end') options.observer.error(operation, error);
    return error;
  };
  const behind: RedisContext['behind'] = (operation, action) => {
    sendTogether(redis);
    const sent = action()
      .catch((thrown: unknown) => report(operation, thrown))
      .finally(() => background.delete(sent));
    background.add(sent);
  };
  return {
    redis,
    keys,
    options,
    recent: createRecent(),
    clustered,
    behind,
    writeIndex: createIndexWriter(redis, keys, behind),
    async call(operation, action) {
      sendTogether(redis);
      try {
        return await action();
      } catch (thrown) {
        throw report(operation, thrown);
      }
    },
    async settled() {
      await Promise.allSettled(background);
    },
  };
}

/** A sorted set that lists a conversation, and as what. */
export interface Membership {
  readonly key: string;
  readonly member: string;
}

/** Where this conversation is listed: for its author, for the person it belongs to, for the whole workspace. */
export function memberships(keys: Keyspace, id: SessionId, authorId: string): Membership[] {
  const { place, user = authorId } = parseSessionId(id);
  const persons = [...new Set([authorId, user])].map((it) => {
    const person = personOf(id, it);
    return { key: keys.person(person), member: memberOf(person, id) };
  });
  const { platform, workspace } = place;
  if (workspace === undefined) return persons;
  const team = { platform, workspace };
  return [...persons, { key: keys.team(team), member: memberOf(team, id) }];
}

/** Lists the conversation for a person and their workspace for at least `ms` more, behind what made it so. */
export function indexMembers({ redis, keys, behind }: RedisContext, id: SessionId, userId: string, ms: number): void {
  for (const { key, member } of memberships(keys, id, userId)) {
    behind('index', () => redis.indexMember(key, member, ms));
  }
}
