/** The turn protocol on Redis: see docs/turns.md; each operation is one script on the place. */
import { z } from 'zod';
import { TURN_BUDGET_MS } from '../../core/limits.ts';
import type { SessionId } from '../../core/session.ts';
import type { Answer, EnqueueResult, TurnRef, Turns } from '../../core/store.ts';
import type { TurnLease } from '../../core/types.ts';
import { parseStoredSession, serialiseElement, type TurnMessage, turnHalves } from '../elements.ts';
import { replies, toStoreError } from './client.ts';
import type { RedisContext } from './context.ts';
import { MARK_MARGIN_MS, memberships, Unlisted, unlistedReply, whenListed } from './listing.ts';
import { fieldsOf, fromElement, handleFields, parseFollowers, parseRecord, readElements, toElement } from './record.ts';
import { KEEP_GENERATION_S, KEEP_LISTED_S, KEEP_S } from './retention.ts';
import { applyTtl } from './ttl.ts';

const offerReply = z.union([
  unlistedReply,
  z.tuple([z.literal('duplicate'), z.string(), z.number()]),
  z.tuple([z.literal('full'), z.number()]),
  z.tuple([z.literal('queued'), z.number()]),
]);
const takeReply = z.union([
  unlistedReply,
  z.tuple([z.number()]),
  z.tuple([z.number(), z.number(), z.string(), z.array(z.string()), z.number(), z.array(z.string())]),
]);
const commitReply = z.union([
  z.tuple([z.literal('committed'), z.number(), z.number()]),
  unlistedReply,
  z.tuple([z.enum(['fenced', 'known', 'forgotten'])]),
]);
const amendReply = z.enum(['amended', 'running', 'unknown']);
const count = z.number();

/** Undefined for what no offer wrote. */
function located(value: string): TurnRef | undefined {
  const [turnId = '', text = ''] = value.split(' ');
  const sessionId = parseStoredSession(text);
  return sessionId === undefined ? undefined : { turnId, sessionId };
}

/** A turn that other code ran, written like any other: both halves at once. */
export interface AppendTurn {
  append(message: TurnMessage, answer: Answer): Promise<void>;
}

export function createRedisTurns(context: RedisContext): Turns & AppendTurn {
  const { redis, keys, options, call, behind } = context;
  const turnBudgetS = Math.ceil((options.turnBudgetMs ?? TURN_BUDGET_MS) / 1_000);
  /** A waiting message lives for KEEP_S, a conversation with the default TTL for that; who erases finds both. */
  const offerKeepMs = (Math.max(KEEP_S, options.defaultTtl) + KEEP_LISTED_S) * 1_000;

  /** Clears the pending note unless an offer came after `score` was read. */
  const clearPending = (sessionId: SessionId, score: unknown) => {
    if (typeof score === 'string') {
      behind('clearPending', () => redis.clearPending(keys.pending, sessionId, score));
    }
  };

  const settle = (operation: string, lease: TurnLease, state: string, code: string) =>
    call(operation, async () => {
      const own = keys.session(lease.sessionId);
      return count.parse(await redis.settleTurn(own.fence, own.turn(lease.turnId), lease.token, state, code)) === 1;
    });

  /** Runs a script that writes a turn into its conversation; what comes of it is in the figures before anything later is. */
  const write = (message: TurnMessage, answer: Answer, run: (args: (string | number)[]) => Promise<unknown>) => {
    const { sessionId, author, ttl } = message;
    const args = [
      ...[options.maxMessages, options.defaultTtl, options.minTtl, keys.places],
      ...turnHalves(message, answer).map(serialiseElement),
      ...[ttl ?? '', answer.tokens, author.id],
    ];
    return whenListed(context, sessionId, [author.id], async () => {
      const reply = commitReply.parse(await run(args));
      if (reply instanceof Unlisted) return reply;
      const [kind, pushed = 0, expiresAt = 0] = reply;
      if (kind === 'committed') {
        const messages = Math.min(pushed, options.maxMessages);
        context.writeIndex(sessionId, { expiresAt, messages, turns: 1, tokens: answer.tokens });
      }
      return kind;
    });
  };

  return {
    append: (message, answer) =>
      call('append', async () => {
        const { list } = keys.session(message.sessionId);
        await write(message, answer, (args) => redis.appendTurn(list, ...args));
      }),

    async enqueue(message, { follower = '' } = {}) {
      // Who cannot be named is refused before anything is sent.
      const author = message.author.id;
      const listed = memberships(keys, message.sessionId, [author]);
      return await call('offer', async () => {
        const own = keys.session(message.sessionId);
        const seen = message.idempotencyKeys.map((id) => keys.seenAt(message.sessionId, id));
        const scriptKeys = [own.list, own.inbox, own.generation, own.turn(message.turnId), own.people, ...seen];
        let score: unknown;
        const reply = await whenListed(context, message.sessionId, [author], async () => {
          const pipeline = redis.pipeline();
          for (const { key, member } of listed) pipeline.indexMember(key, member, offerKeepMs);
          pipeline.offerTurn(
            ...[scriptKeys.length, ...scriptKeys, toElement(message), message.turnId, message.sessionId],
            ...[options.maxWaiting, KEEP_S, KEEP_GENERATION_S, author, offerKeepMs - MARK_MARGIN_MS, follower],
          );
          pipeline.notePending(keys.pending, message.sessionId);
          const results = await replies(pipeline);
          score = results.at(-1);
          return offerReply.parse(results.at(-2));
        });
        const [kind, value, waiting] = reply;
        if (kind === 'full') return { kind, waiting: value };
        if (kind === 'queued') return { kind, ahead: value };
        if (waiting === 0) clearPending(message.sessionId, score);
        const known = located(value);
        if (known === undefined) throw new Error('A idempotency key leads nowhere.');
        // The first delivery may have gone into another conversation (a scope was changed): that one must not be stuck.
        if (known.sessionId !== message.sessionId) await redis.notePending(keys.pending, known.sessionId);
        return { kind, ...known } satisfies EnqueueResult;
      });
    },

    locate: (place, idempotencyKeys) =>
      call('locate', async () => {
        if (idempotencyKeys.length === 0) return undefined;
        const values = await redis.mget(idempotencyKeys.map((id) => keys.seen(place, id)));
        return values
          .map((value) => (value === null ? undefined : located(value)))
          .find((known) => known !== undefined);
      }),

    claim: (sessionId) =>
      call('take', async () => {
        const own = keys.session(sessionId);
        let score: unknown;
        const attempt = async (checked: boolean) => {
          const pipeline = redis.pipeline().zscore(keys.pending, sessionId);
          pipeline.takeTurn(
            ...[own.list, own.inbox, own.fence, own.people],
            ...[KEEP_S, turnBudgetS, checked ? '1' : '', options.window ?? options.maxMessages],
          );
          const [noted, reply] = await replies(pipeline);
          score = noted;
          return takeReply.parse(reply);
        };
        const taken = await whenListed(context, sessionId, [], () => attempt(true)).catch((thrown: unknown) => {
          // Nobody can be listed, but what was answered before can be brought to its end.
          if (toStoreError(thrown).code === 'store_full') return attempt(false);
          throw thrown;
        });
        if (taken instanceof Unlisted) throw new Error('Nobody asked whether all are listed.');
        const [bad, ...head] = taken;
        if (bad > 0) options.observer.badElement(sessionId, bad);
        if (head.length === 0) {
          clearPending(sessionId, score);
          return undefined;
        }
        const [fence, element, flat, extended, newest] = head;
        // It was about to expire: its companions and the indexes hear that it lives on. Seldom, so the usual turn is cheap.
        if (extended === 1)
          behind('take', () => applyTtl(context, sessionId, { seconds: turnBudgetS, remember: false }));
        const message = fromElement(element);
        const fields = fieldsOf(flat);
        const record = parseRecord(fields);
        if (message === undefined || record === undefined) {
          // Lua could read it and we can't: it is nobody's message any more, and must not block those behind it.
          options.observer.badElement(sessionId, 1);
          await redis.lrem(own.inbox, 1, element);
          await redis.notePending(keys.pending, sessionId);
          return undefined;
        }
        const { messages } = readElements(options, sessionId, newest);
        const lease = { sessionId, turnId: message.turnId, token: fence };
        return { lease, record, message, messages, followers: parseFollowers(fields.get('followers')) };
      }),

    check: (lease) =>
      call('check', async () => {
        const own = keys.session(lease.sessionId);
        const pipeline = redis.pipeline().get(own.fence).hmget(own.turn(lease.turnId), 'state', 'stop', 'followers');
        const [fence, fields] = await replies(pipeline);
        const [state, stop, names] = z.array(z.string().nullable()).parse(fields);
        const followers = parseFollowers(names);
        if (Number(fence) !== lease.token) return { state: 'lost', followers };
        if (state === 'forgotten') return { state, followers };
        return { state: stop === '1' ? 'stopped' : 'held', followers };
      }),

    saveMessageRef: (lease, part, ref) =>
      call('saveMessageRef', async () => {
        const own = keys.session(lease.sessionId);
        const fields = handleFields(part, ref);
        return count.parse(await redis.writeRecord(own.fence, own.turn(lease.turnId), lease.token, ...fields)) === 1;
      }),

    countFailure: (lease) =>
      call('countFailure', async () => {
        const own = keys.session(lease.sessionId);
        const failures = count.parse(await redis.countFailure(own.fence, own.turn(lease.turnId), lease.token));
        return failures < 0 ? undefined : failures;
      }),

    commit: (lease, message, answer) =>
      call('commit', async () => {
        const { sessionId, turnId, token } = lease;
        const { list } = keys.session(sessionId);
        return await write({ ...message, sessionId, turnId }, answer, (args) =>
          redis.commitTurn(list, ...args, token, turnId, answer.stopped ? '1' : ''),
        );
      }),

    fail: (lease, code) => settle('fail', lease, 'failed', code),
    requeue: (lease) => settle('release', lease, 'queued', ''),

    complete: (lease) =>
      call('finish', async () => {
        const own = keys.session(lease.sessionId);
        const pipeline = redis
          .pipeline()
          .zscore(keys.pending, lease.sessionId)
          .finishTurn(own.inbox, own.fence, own.turn(lease.turnId), lease.token, lease.turnId);
        const [score, reply] = await replies(pipeline);
        const waiting = count.parse(reply);
        if (waiting === 0) clearPending(lease.sessionId, score);
        return waiting < 0 ? undefined : waiting;
      }),

    follow: (sessionId, turnId, follower) =>
      call('follow', async () => {
        return count.parse(await redis.followTurn(keys.session(sessionId).turn(turnId), follower)) === 1;
      }),

    requestStop: (sessionId, turnId) =>
      call('requestStop', async () => {
        return count.parse(await redis.stopTurn(keys.session(sessionId).turn(turnId))) === 1;
      }),

    record: (sessionId, turnId) =>
      call('record', async () => {
        const hash = await redis.hgetall(keys.session(sessionId).turn(turnId));
        return parseRecord(new Map(Object.entries(hash)));
      }),

    waiting: (sessionId) =>
      call('waiting', async () => {
        const elements = await redis.lrange(keys.session(sessionId).inbox, 0, -1);
        return elements.flatMap((element) => fromElement(element)?.turnId ?? []);
      }),

    amend: (sessionId, source, text) =>
      call('amend', async () => {
        const own = keys.session(sessionId);
        const line = text === null ? '' : JSON.stringify(text);
        return amendReply.parse(await redis.amendTurn(own.list, own.inbox, source, line));
      }),

    pending: (limit, after) =>
      call('pending', async () => {
        const from = after === undefined ? '-inf' : `(${Math.round(after * 1_000)}`;
        const flat = await redis.zrangebyscore(keys.pending, from, '+inf', 'WITHSCORES', 'LIMIT', 0, limit);
        const found = [];
        for (let index = 0; index + 1 < flat.length; index += 2) {
          const member = flat[index] ?? '';
          const sessionId = parseStoredSession(member);
          if (sessionId !== undefined) found.push({ sessionId, since: Number(flat[index + 1]) / 1_000 });
          // Nobody's conversation: left there it would be met by every sweep and every start.
          else behind('pending', () => redis.zrem(keys.pending, member));
        }
        return found;
      }),

    countPending: () => call('countPending', () => redis.zcard(keys.pending)),

    claimSweep: (ms) => call('claimSweep', async () => (await redis.set(keys.sweep, '1', 'PX', ms, 'NX')) === 'OK'),
  };
}
