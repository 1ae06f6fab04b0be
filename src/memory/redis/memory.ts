/** What people's conversations hold, on Redis: read, kept, shortened, erased. */
import { z } from 'zod';
import {
  baseSession,
  encodePlace,
  isOwn,
  type Person,
  parseSessionId,
  placeTag,
  type SessionId,
  type Team,
} from '../../core/session.ts';
import type { ConversationSummary, Erased, ExportedConversation, Memory } from '../../core/store.ts';
import { BotError } from '../../errors.ts';
import { parseElement } from '../elements.ts';
import { replies } from './client.ts';
import type { RedisContext } from './context.ts';
import { KEEP_GENERATION_S } from './keep.ts';
import { memberOf, placeMember, sessionAtPlace, sessionOfMember } from './members.ts';
import { applyTtl, readTtl } from './ttl.ts';

const forgetReply = z.tuple([z.number(), z.number()]);
const removeReply = z.tuple([z.number(), z.number(), z.number(), z.number()]);
const strings = z.array(z.string());

export function createRedisMemory(context: RedisContext): Memory {
  const { redis, keys, options, recent, call } = context;

  const readElements = (sessionId: SessionId, elements: readonly string[]) => {
    const messages = elements.map(parseElement).filter((message) => message !== undefined);
    const corrupt = elements.length - messages.length;
    if (corrupt > 0) options.observer.badElement(sessionId, corrupt);
    return { messages, corrupt };
  };

  const history: Memory['history'] = (sessionId, { offset = 0, limit = options.maxMessages } = {}) =>
    call('history', async () => {
      const { list } = keys.session(sessionId);
      const pipeline = redis
        .pipeline()
        .lrange(list, -offset - limit, -offset - 1)
        .llen(list)
        .pttl(list);
      const [elements, total, msLeft] = await replies(pipeline);
      if (total === 0) return undefined;
      const asked = limit === 0 ? [] : strings.parse(elements);
      return { ...readElements(sessionId, asked), total: Number(total), expiresInMs: Math.max(0, Number(msLeft)) };
    });

  const forget: Memory['forget'] = (sessionId) =>
    call('forget', async () => {
      const own = keys.session(sessionId);
      const reply = await redis.forgetConversation(
        ...[own.list, own.meta, own.inbox, own.generation, own.place, placeMember(sessionId), KEEP_GENERATION_S],
      );
      recent.drop(sessionId);
      const [messages, waiting] = forgetReply.parse(reply);
      context.writeIndex(sessionId, { expiresAt: 0, messages: 0 });
      return { conversations: messages + waiting > 0 ? 1 : 0, messages, waiting };
    });

  const removeTurns: Memory['removeTurns'] = (sessionId, selector) =>
    call('removeTurns', async () => {
      const own = keys.session(sessionId);
      const [field, value] = 'source' in selector ? ['source', selector.source] : ['authorId', selector.authorId];
      const reply = await redis.removeTurns(
        ...[own.list, own.meta, own.inbox, own.place, field, value, placeMember(sessionId)],
      );
      recent.drop(sessionId);
      const [messages, waiting, left, expiresAt] = removeReply.parse(reply);
      if (messages > 0) context.writeIndex(sessionId, { expiresAt, messages: left });
      return { conversations: messages + waiting > 0 ? 1 : 0, messages, waiting };
    });

  const indexKey = (whose: Person | Team) => ('user' in whose ? keys.person(whose) : keys.team(whose));

  /** The sessions in an index, those whose time is over too: what is left of them is looked up where it lies. */
  const listed = async (whose: Person | Team): Promise<SessionId[]> =>
    (await redis.zrange(indexKey(whose), '0', '-1')).flatMap((member) => sessionOfMember(whose, member) ?? []);

  const eraseOne = async (id: SessionId, whose: Person | Team): Promise<Erased> => {
    const whole = !('user' in whose) || parseSessionId(id).user === whose.user;
    const erased = whole ? await forget(id) : await removeTurns(id, { authorId: whose.user });
    const own = keys.session(id);
    if (whole) {
      await redis.del(own.ttl, keys.session(baseSession(id)).ttl);
    } else if ((await redis.exists(own.list)) === 0 && !isOwn(id)) {
      // Nobody else's words were in it (a DM): its setting was theirs too.
      await redis.del(own.ttl);
    }
    return erased;
  };

  return {
    history,
    forget,
    removeTurns,

    async open(sessionId, limit, fence) {
      const known = fence === undefined ? undefined : recent.messages(sessionId, fence, limit);
      if (known !== undefined) return { messages: known };
      return await call('open', async () => {
        const { list } = keys.session(sessionId);
        const elements = await redis.lrange(list, -limit, -1);
        const { messages, corrupt } = readElements(sessionId, elements);
        if (fence !== undefined && corrupt === 0) {
          recent.read({ sessionId, fence }, { messages, newest: elements.at(-1) ?? '' });
        }
        return { messages };
      });
    },

    ttl: (sessionId) => call('ttl', () => readTtl(context, sessionId)),

    async setTtl(sessionId, seconds, { remember = true } = {}) {
      checkTtl(seconds, options.maxTtl);
      return await call('setTtl', () => applyTtl(context, sessionId, seconds, remember));
    },

    conversations: (person, place) =>
      call('conversations', async () => {
        const tag = place === undefined ? undefined : encodePlace(place);
        const ids = (await listed(person)).filter((id) => tag === undefined || placeTag(id) === tag);
        const found = await Promise.all(ids.map((id) => summary(context, id)));
        return found.filter((it) => it !== undefined).sort((a, b) => b.lastAt - a.lastAt);
      }),

    conversationsAt: (place) =>
      call('conversationsAt', async () => {
        const members = await redis.zrange(keys.place(place), '0', '-1');
        const ids = members.flatMap((member) => sessionAtPlace(encodePlace(place), member) ?? []);
        // They are listed for longer than they live.
        const pipeline = redis.pipeline();
        for (const id of ids) pipeline.exists(keys.session(id).list);
        const living = await replies(pipeline);
        return ids.filter((_, index) => living[index] === 1);
      }),

    erase: (whose) =>
      call('erase', async () => {
        const sum = { conversations: 0, messages: 0, waiting: 0 };
        for (const id of await listed(whose)) {
          const erased = await eraseOne(id, whose);
          sum.conversations += erased.conversations;
          sum.messages += erased.messages;
          sum.waiting += erased.waiting;
          await redis.zrem(indexKey(whose), memberOf(whose, id));
        }
        return sum;
      }),

    export: (whose) =>
      call('export', async () => {
        const found: ExportedConversation[] = [];
        for (const sessionId of await listed(whose)) {
          const all = (await history(sessionId))?.messages ?? [];
          const messages = 'user' in whose ? all.filter((message) => message.authorId === whose.user) : all;
          if (messages.length > 0) found.push({ sessionId, messages });
        }
        return found;
      }),
  };
}

/** @throws BotError `ttl_out_of_bounds`: a TTL of 0 would delete the key, a fraction or a huge one would be refused by Redis. */
function checkTtl(seconds: number | undefined, maxTtl: number): void {
  if (seconds === undefined || (Number.isInteger(seconds) && seconds >= 1 && seconds <= maxTtl)) return;
  throw new BotError('ttl_out_of_bounds', `A TTL is a whole number of seconds from 1 to ${maxTtl}.`);
}

/** Undefined when the conversation is over and nothing waits in it. */
async function summary({ redis, keys }: RedisContext, sessionId: SessionId): Promise<ConversationSummary | undefined> {
  const own = keys.session(sessionId);
  const pipeline = redis.pipeline().llen(own.list).pttl(own.list).lindex(own.list, -1).llen(own.inbox);
  const [messages, msLeft, newest, waiting] = await replies(pipeline);
  if (messages === 0 && waiting === 0) return undefined;
  const lastAt = typeof newest === 'string' ? (parseElement(newest)?.timestamp ?? 0) : 0;
  return { sessionId, messages: Number(messages), lastAt, expiresInMs: Math.max(0, Number(msLeft)) };
}
