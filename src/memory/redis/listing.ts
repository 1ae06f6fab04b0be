/**
 * The indexes for finding everything of a person, a workspace or a place. They are in other slots, so no script can change them
 * together with a conversation: entries are added before the conversation is written and removed after it is erased. So they may list a
 * conversation that is gone, but never miss one, even after a crash.
 */
import { z } from 'zod';
import { isComponent, parseSessionId, personOf, type SessionId } from '../../core/session.ts';
import { replies } from './client.ts';
import type { RedisContext } from './context.ts';
import { memberOf, placeMember } from './index-encoding.ts';
import type { Keyspace } from './keys.ts';
import { KEEP_LISTED_S } from './retention.ts';

/** A sorted set that lists a conversation, and the member in it. */
export interface Membership {
  readonly key: string;
  readonly member: string;
}

/** How much earlier than the index entry the mark on the conversation ends, because it is set a little later. Milliseconds. */
export const MARK_MARGIN_MS = 60_000;
/** Maximum number of retries because other authors were added in between. */
const MOST_TRIES = 5;

const strings = z.array(z.string());

/** Returned by a script that changed nothing, because an author is not indexed for that many milliseconds. */
export class Unlisted {
  constructor(readonly ms: number) {}
}
export const unlistedReply = z.tuple([z.literal('unlisted'), z.number()]).transform(([, ms]) => new Unlisted(ms));

/**
 * The index entries of a conversation: for these people, for its owner, its workspace and its place.
 * @throws BotError `session_invalid` for an invalid user id
 */
export function memberships(keys: Keyspace, id: SessionId, people: readonly string[]): Membership[] {
  const { place, user } = parseSessionId(id);
  const { platform, workspace } = place;
  const persons = [...new Set([...people, ...(user === undefined ? [] : [user])])].map((it) => {
    const person = personOf(id, it);
    return { key: keys.person(person), member: memberOf(person, id) };
  });
  const team = workspace === undefined ? undefined : { platform, workspace };
  return [
    ...persons,
    ...(team === undefined ? [] : [{ key: keys.team(team), member: memberOf(team, id) }]),
    { key: keys.all(place), member: placeMember(id) },
  ];
}

/** Indexes the conversation for these people, its workspace and its place for at least `ms` more. */
export async function listFor(
  { redis, keys }: RedisContext,
  id: SessionId,
  people: readonly string[],
  ms: number,
): Promise<void> {
  const pipeline = redis.pipeline();
  for (const { key, member } of memberships(keys, id, people)) pipeline.indexMember(key, member, Math.ceil(ms));
  await replies(pipeline);
}

/**
 * Runs a script that changes nothing if an author of the conversation is not indexed for as long as it would live afterwards. In that
 * case, extends the index entries and runs it again. This is rare, because entries live a day longer than needed.
 * @param who people to index as well, even if they have no messages there yet
 */
export async function whenListed<Reply>(
  context: RedisContext,
  id: SessionId,
  who: readonly string[],
  run: () => Promise<Reply | Unlisted>,
): Promise<Reply> {
  let again: (() => Promise<void>) | undefined;
  for (let tries = 1; tries <= MOST_TRIES; tries += 1) {
    const reply = await run();
    if (!(reply instanceof Unlisted)) {
      // Somebody may have erased in between, who read the indexes after they were written and is about to take back what they read.
      await again?.();
      return reply;
    }
    again = await listEverybody(context, id, who, reply.ms + KEEP_LISTED_S * 1_000);
  }
  throw new Error(`Nobody could be listed for ${id}.`);
}

/** Gives what lists the same people once more. */
async function listEverybody(
  context: RedisContext,
  id: SessionId,
  who: readonly string[],
  ms: number,
): Promise<() => Promise<void>> {
  const { redis, keys } = context;
  const own = keys.session(id);
  const authors = strings.parse(await redis.authorsOf(own.list, own.inbox));
  // A corrupt element may contain an invalid user id. It is marked, so that it is not found missing each time, but not indexed.
  const list = () => listFor(context, id, [...authors.filter(isComponent), ...who], ms);
  await list();
  const marked = new Set([...authors, ...who]);
  await redis.markPeople(own.list, own.inbox, own.people, Math.floor(ms) - MARK_MARGIN_MS, ...marked);
  return list;
}

/**
 * Call this before erasing. The returned function removes the conversation from these people's indexes (if `whole`, also from its
 * workspace's and place's) afterwards; entries that were added in between stay.
 */
export async function unlisting(
  { redis, keys }: RedisContext,
  id: SessionId,
  people: readonly string[],
  whole: boolean,
): Promise<() => Promise<void>> {
  const all = memberships(keys, id, people);
  const mine = whole ? all : all.slice(0, people.length);
  const reading = redis.pipeline();
  for (const { key, member } of mine) reading.zscore(key, member);
  const scores = await replies(reading);
  return async () => {
    const dropping = redis.pipeline();
    for (const [index, { key, member }] of mine.entries()) {
      const score = scores[index];
      if (typeof score === 'string') dropping.dropMember(key, member, score);
    }
    if (dropping.length > 0) await replies(dropping);
  };
}
