/** How long a conversation still lives, on Redis: what was chosen for it, and what it has left. */
import { z } from 'zod';
import { baseSession, parseSessionId, type SessionId } from '../../core/session.ts';
import type { TtlState } from '../../core/store.ts';
import { replies } from './client.ts';
import type { RedisContext } from './context.ts';
import { placeMember } from './index-encoding.ts';
import { Unlisted, unlistedReply, whenListed } from './listing.ts';
import { KEEP_CHOICE_S } from './retention.ts';

const ttlReply = z.tuple([z.string(), z.number(), z.number(), z.number()]);
const setReply = z.union([unlistedReply, ttlReply]);

export async function readTtl({ redis, keys, options }: RedisContext, sessionId: SessionId): Promise<TtlState> {
  const own = keys.session(sessionId);
  const pipeline = redis
    .pipeline()
    .mget(own.ttl, keys.session(baseSession(sessionId)).ttl)
    .pttl(own.list);
  const [choices, msLeft] = await replies(pipeline);
  const [mine, ofPlace] = z.array(z.string().nullable()).parse(choices);
  const choice = [mine, ofPlace].find((text) => text != null && CHOICE.test(text));
  return ttlState(choice ?? '', Number(msLeft), options.defaultTtl);
}

/** What a call changes of how long a conversation lives. */
export interface TtlChange {
  /** Undefined: what was chosen holds, or the default. */
  readonly seconds: number | undefined;
  /** Keeps `seconds` as the choice, or takes the choice back. */
  readonly remember: boolean;
  /** Nothing where the conversation has a choice of its own. */
  readonly unlessChosen?: boolean;
}

/** Gives a living conversation, its companions and its index entries this many seconds. */
export async function applyTtl(
  context: RedisContext,
  sessionId: SessionId,
  { seconds, remember, unlessChosen = false }: TtlChange,
): Promise<TtlState> {
  const { redis, keys, options } = context;
  const own = keys.session(sessionId);
  const { user } = parseSessionId(sessionId);
  // A choice is found when its person is erased, even where they never said a word.
  const [choice, msLeft] = await whenListed(context, sessionId, user === undefined ? [] : [user], async () => {
    const reply = setReply.parse(
      await redis.setTtl(
        ...[own.list, own.meta, own.ttl, keys.session(baseSession(sessionId)).ttl, own.place, own.people],
        ...[seconds ?? '', remember ? '1' : '', options.defaultTtl, KEEP_CHOICE_S, placeMember(sessionId), user ?? ''],
        ...[unlessChosen ? '1' : '', options.maxTtl],
      ),
    );
    // Before anything else learns of a reply that came later, so that the index follows the order of the changes.
    if (!(reply instanceof Unlisted) && reply[1] > 0) {
      const [, , expiresAt, messages] = reply;
      context.writeIndex(sessionId, { expiresAt, messages });
    }
    return reply;
  });
  return ttlState(choice, msLeft, options.defaultTtl);
}

/** As `choiceOf` of the scripts reads it. */
const CHOICE = /^[1-9]\d{0,9}$/;

function ttlState(choice: string, msLeft: number, defaultTtl: number): TtlState {
  return {
    ...(choice === '' ? {} : { choice: Number(choice) }),
    effective: choice === '' ? defaultTtl : Number(choice),
    ...(msLeft > 0 ? { expiresInMs: msLeft } : {}),
  };
}
