/**
 * Group commit: turns that end in the same moment go to Redis as one script (commit-scripts.ts). A script for each costs the
 * client about half as much again, and Redis a quarter, which decides how many conversations a small machine can hold.
 */
import type { Redis } from 'ioredis';
import { z } from 'zod';
import { placeTag, type SessionId } from '../../core/session.ts';
import { sendTogether } from './client.ts';
import type { Keyspace } from './keys.ts';
import { Unlisted, unlistedReply } from './listing.ts';

/** Turns that one script writes at most: about a millisecond of Redis, which others wait for. */
const MOST_TURNS = 32;

/** What is usual comes first: a union is tried in its order. */
const commitReply = z.union([
  z.tuple([z.literal('committed'), z.number(), z.number(), z.number(), z.number()]),
  z.tuple([z.enum(['fenced', 'known', 'forgotten'])]),
  unlistedReply,
  z.tuple([z.literal('failed'), z.string()]),
]);
const commitReplies = z.array(commitReply);

/** What became of a turn: as commitTurns gives it. */
export type CommitReply = Exclude<z.infer<typeof commitReply>, readonly ['failed', string]>;

/**
 * Commits one turn and gives what `settle` makes of its reply. That is called before anything else learns of a reply that
 * came later, so that what is known and listed of a conversation follows the order in which Redis changed it.
 * @throws what Redis says of this turn; those beside it do not matter
 */
export type Commit = <T>(
  sessionId: SessionId,
  turn: readonly (string | number)[],
  settle: (reply: CommitReply) => T,
) => Promise<T>;

interface Waiting {
  readonly sessionId: SessionId;
  readonly turn: readonly (string | number)[];
  settle(reply: CommitReply): void;
  reject(thrown: unknown): void;
}

/** What becomes of a turn whose script was run. */
function conclude({ settle, reject }: Waiting, outcome: z.infer<typeof commitReply> | undefined): void {
  try {
    if (outcome === undefined) throw new Error('A turn got no reply.');
    if (!(outcome instanceof Unlisted) && outcome[0] === 'failed') throw new Error(outcome[1]);
    settle(outcome);
  } catch (thrown) {
    reject(thrown);
  }
}

/**
 * A lone turn waits for what else is running in this moment, and never for a time.
 * @param common what the script is handed once
 * @param clustered whether the server has its keys in slots: then a script may write to one place only
 */
export function createGroupCommit(
  redis: Redis,
  keys: Keyspace,
  common: readonly (string | number)[],
  clustered: boolean,
): Commit {
  /** By what may share a script. */
  let groups = new Map<string, Waiting[]>();

  const send = async (group: readonly Waiting[]) => {
    try {
      const names = group.map(({ sessionId }) => keys.session(sessionId).list);
      sendTogether(redis);
      const args = group.flatMap(({ turn }) => turn);
      const outcomes = commitReplies.parse(await redis.commitTurns(names.length, ...names, ...common, ...args));
      for (const [index, it] of group.entries()) conclude(it, outcomes[index]);
    } catch (thrown) {
      for (const { reject } of group) reject(thrown);
    }
  };

  const flush = () => {
    const all = groups;
    groups = new Map();
    for (const group of all.values()) void send(group);
  };

  return (sessionId, turn, settle) =>
    new Promise((resolve, reject) => {
      if (groups.size === 0) queueMicrotask(flush);
      const place = clustered ? placeTag(sessionId) : '';
      const group = groups.get(place) ?? [];
      group.push({ sessionId, turn, settle: (reply) => resolve(settle(reply)), reject });
      groups.set(place, group);
      if (group.length < MOST_TURNS) return;
      groups.delete(place);
      void send(group);
    });
}
