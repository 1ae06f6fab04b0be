/** What people's conversations hold, on Redis: read, kept, shortened, forgotten. */
import { z } from 'zod';
import type { Memory } from '../../core/store.ts';
import { BotError } from '../../errors.ts';
import { withoutOver } from '../elements.ts';
import { replies } from './client.ts';
import type { RedisContext } from './context.ts';
import { factsReply } from './facts.ts';
import { placeMember } from './index-encoding.ts';
import { unlisting } from './listing.ts';
import { readElements } from './record.ts';
import { applyTtl, readTtl } from './ttl.ts';

const forgetReply = z.tuple([z.number(), z.number()]);
const removeReply = z.tuple([z.number(), z.number(), z.number(), z.number()]);
const strings = z.array(z.string());

export type SessionMemory = Pick<
  Memory,
  'open' | 'history' | 'forget' | 'ttl' | 'setTtl' | 'followPlaceTtl' | 'removeTurns'
>;

export function createSessionMemory(context: RedisContext): SessionMemory {
  const { redis, keys, options, call } = context;

  const history: Memory['history'] = (sessionId, { offset = 0, limit = options.maxMessages } = {}) =>
    call('history', async () => {
      const { list } = keys.session(sessionId);
      const pipeline = redis
        .pipeline()
        .lrange(list, -offset - limit, -offset - 1)
        .llen(list)
        .pttl(list)
        .lindex(list, 0);
      const [elements, length, msLeft, oldest] = await replies(pipeline);
      if (typeof oldest !== 'string') return undefined;
      const expiresInMs = Math.max(0, Number(msLeft));
      const retention = { now: Date.now(), maxTtl: options.maxTtl };
      if (withoutOver([oldest], retention).length === 1) {
        const asked = limit === 0 ? [] : strings.parse(elements);
        return { ...readElements(options, sessionId, asked), total: Number(length), expiresInMs };
      }
      // Nobody has said anything since something was over: the rest of it is counted.
      const left = withoutOver(await redis.lrange(list, 0, -1), retention);
      if (left.length === 0) return undefined;
      const asked = left.slice(Math.max(0, left.length - offset - limit), Math.max(0, left.length - offset));
      return { ...readElements(options, sessionId, asked), total: left.length, expiresInMs };
    });

  const forget: Memory['forget'] = (sessionId) =>
    call('forget', async () => {
      const own = keys.session(sessionId);
      const reply = await redis.forgetConversation(
        ...[own.list, own.meta, own.inbox, own.place, own.people, own.notes],
        placeMember(sessionId),
      );
      const [messages, waiting] = forgetReply.parse(reply);
      context.writeIndex(sessionId, { expiresAt: 0, messages: 0 });
      return { conversations: messages + waiting > 0 ? 1 : 0, messages, waiting, facts: 0 };
    });

  const removeTurns: Memory['removeTurns'] = (sessionId, selector) =>
    call('removeTurns', async () => {
      const own = keys.session(sessionId);
      const [field, value] = 'source' in selector ? ['source', selector.source] : ['authorId', selector.authorId];
      const unlist =
        'authorId' in selector ? await unlisting(context, sessionId, [selector.authorId], false) : undefined;
      const reply = await redis.removeTurns(
        ...[own.list, own.meta, own.inbox, own.place, own.people, own.notes],
        ...[field, value, placeMember(sessionId), `"${field}":${JSON.stringify(value)}`],
      );
      const [messages, waiting, left, expiresAt] = removeReply.parse(reply);
      if (messages > 0) context.writeIndex(sessionId, { expiresAt, messages: left });
      // In a direct conversation a TTL choice and facts may be theirs, and are found by this.
      if (unlist !== undefined && (left > 0 || (await redis.exists(own.ttl, own.facts)) === 0)) await unlist();
      return { conversations: messages + waiting > 0 ? 1 : 0, messages, waiting, facts: 0 };
    });

  return {
    history,
    forget,
    removeTurns,

    open: (sessionId, limit) =>
      call('open', async () => {
        const { list } = keys.session(sessionId);
        const pipeline = redis.pipeline().lrange(list, -limit, -1).llen(list).factsOf(list);
        const [elements, total, facts] = await replies(pipeline);
        const { messages } = readElements(options, sessionId, strings.parse(elements));
        return { messages, total: Number(total), facts: factsReply.parse(facts) };
      }),

    ttl: (sessionId) => call('ttl', () => readTtl(context, sessionId)),

    followPlaceTtl: (sessionId) =>
      call('followPlaceTtl', async () => {
        const change = { seconds: undefined, remember: false, unlessChosen: true };
        return (await applyTtl(context, sessionId, change)).expiresInMs !== undefined;
      }),

    async setTtl(sessionId, seconds, { remember = true } = {}) {
      checkTtl(seconds, options.maxTtl);
      return await call('setTtl', () => applyTtl(context, sessionId, { seconds, remember }));
    },
  };
}

/** @throws BotError `ttl_out_of_bounds`: a TTL of 0 would delete the key, a fraction or a huge one would be refused by Redis. */
function checkTtl(seconds: number | undefined, maxTtl: number): void {
  if (seconds === undefined || (Number.isInteger(seconds) && seconds >= 1 && seconds <= maxTtl)) return;
  throw new BotError('ttl_out_of_bounds', `A TTL is a whole number of seconds from 1 to ${maxTtl}.`);
}
