/** How long a conversation still lives, on Redis: what was chosen for it, and what it has left. */
import { z } from 'zod';
import { baseSession, parseSessionId, type SessionId } from '../../core/session.ts';
import type { TtlState } from '../../core/store.ts';
import { parseElement } from '../elements.ts';
import { replies } from './client.ts';
import { indexMembers, type RedisContext } from './context.ts';
import { KEEP_CHOICE_S } from './keep.ts';
import { placeMember } from './members.ts';

const ttlReply = z.tuple([z.string(), z.number(), z.number(), z.number()]);

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

/** Gives a living conversation, its companions and its index entries this many seconds; `remember` keeps them as the choice. */
export async function applyTtl(
  context: RedisContext,
  sessionId: SessionId,
  seconds: number | undefined,
  remember: boolean,
): Promise<TtlState> {
  const { redis, keys, options } = context;
  const own = keys.session(sessionId);
  const reply = await redis.setTtl(
    ...[own.list, own.meta, own.ttl, keys.session(baseSession(sessionId)).ttl, own.place],
    ...[seconds ?? '', remember ? '1' : '', options.defaultTtl, KEEP_CHOICE_S, placeMember(sessionId)],
  );
  const [choice, msLeft, expiresAt, messages] = ttlReply.parse(reply);
  const { user } = parseSessionId(sessionId);
  // A choice is found when its person is erased, even where they never said a word.
  if (remember && seconds !== undefined && user !== undefined) {
    indexMembers(context, sessionId, user, Math.max(KEEP_CHOICE_S, 2 * seconds) * 1_000);
  }
  if (msLeft > 0) {
    context.writeIndex(sessionId, { expiresAt, messages });
    const authors = (await redis.lrange(own.list, 0, -1)).flatMap((it) => parseElement(it)?.authorId ?? []);
    for (const author of new Set(authors)) indexMembers(context, sessionId, author, msLeft);
  }
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
