/** Flags in Redis. Those of a conversation are in a companion key, those of a place in a key in the place's slot. */
import { z } from 'zod';
import type { Flags } from '../../core/flags.ts';
import { isOwn, type Place, type SessionId } from '../../core/session.ts';
import { replies } from './client.ts';
import type { RedisContext } from './context.ts';
import { sessionOfMember } from './index-encoding.ts';
import { listFor } from './listing.ts';

const flag = z.union([z.literal(0), z.literal(1)]);

export function createRedisFlags(context: RedisContext): Flags {
  const { redis, keys, call } = context;
  const keyOf = (about: Place | SessionId) =>
    typeof about === 'string' ? keys.session(about).notes : keys.notes(about);
  return {
    set: (about, name, ms) =>
      call('setFlag', async () => {
        if (typeof about === 'string') await listFor(context, about, [], ms);
        return flag.parse(await redis.setFlag(keyOf(about), name, ms)) === 1;
      }),
    has: (about, name) => call('hasFlag', async () => flag.parse(await redis.hasFlag(keyOf(about), name)) === 1),
    drop: (about, name) => call('dropFlag', async () => void (await redis.zrem(keyOf(about), name))),
    ofPerson: (person, name) =>
      call('flagsOfPerson', async () => {
        const members = await redis.zrange(keys.person(person), '0', '-1');
        const own = members.flatMap((member) => sessionOfMember(person, member) ?? []).filter(isOwn);
        const pipeline = redis.pipeline();
        for (const id of own) pipeline.hasFlag(keyOf(id), name);
        const found = await replies(pipeline);
        return own.filter((_, index) => found[index] === 1);
      }),
  };
}
