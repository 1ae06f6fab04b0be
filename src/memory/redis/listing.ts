/**
 * The indexes by which everything of a person, a workspace or a place is found. They have slots of their own, so no script can
 * change them together with a conversation: they are written before it, and taken back behind it. What they list may be gone,
 * and what is there is listed, whenever this process ends.
 */
import { z } from 'zod';
import { isComponent, parseSessionId, personOf, type SessionId } from '../../core/session.ts';
import { replies } from './client.ts';
import type { RedisContext } from './context.ts';
import { memberOf, placeMember } from './index-encoding.ts';
import type { Keyspace } from './keys.ts';
import { KEEP_LISTED_S } from './retention.ts';

/** A sorted set that lists a conversation, and as what. */
export interface Membership {
  readonly key: string;
  readonly member: string;
}

/** Milliseconds that a mark on the conversation ends before what it promises, as it is made a little later. */
export const MARK_MARGIN_MS = 60_000;
/** Times that somebody new may come in between, each time for less long than the conversation lives. */
const MOST_TRIES = 5;

const strings = z.array(z.string());

/** What a script gives that changed nothing, because somebody is not listed for these milliseconds. */
export class Unlisted {
  constructor(readonly ms: number) {}
}
export const unlistedReply = z.tuple([z.literal('unlisted'), z.number()]).transform(([, ms]) => new Unlisted(ms));

/**
 * Where a conversation is listed: for these people, for the one it belongs to, for its workspace and its place.
 * @throws BotError `session_invalid` for a person with an id that nobody can have
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

/** Lists the conversation for these people, its workspace and its place for at least `ms` more. */
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
 * Runs a script that changes nothing where somebody with words in the conversation is not listed for as long as it would live
 * afterwards, and sees to that. Seldom: what is listed is listed for a day more than needed.
 * @param who has to be listed too, though they may have no words there yet
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
  // A damaged element may name somebody whom nobody can be, and who can ask for nothing: they are marked, else they would be missed
  // each time, and not listed.
  const list = () => listFor(context, id, [...authors.filter(isComponent), ...who], ms);
  await list();
  const marked = new Set([...authors, ...who]);
  await redis.markPeople(own.list, own.inbox, own.people, Math.floor(ms) - MARK_MARGIN_MS, ...marked);
  return list;
}

/**
 * Takes a conversation out of these people's indexes (and of its workspace's and place's, where `whole`), behind what erased it.
 * Called before that: what is added to an index in between stays in it.
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
