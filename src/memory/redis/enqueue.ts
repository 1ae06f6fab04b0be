/** Operations on messages before a worker claims them: store, locate, edit, follow. */
import { z } from 'zod';
import type { EnqueueResult, TurnRef, Turns } from '../../core/store.ts';
import { editedElement, parseStoredSession } from '../elements.ts';
import { claimedReply, readClaim } from './claim.ts';
import { replies } from './client.ts';
import type { RedisContext } from './context.ts';
import { listFor, MARK_MARGIN_MS, memberships, type Unlisted, unlistedReply, whenListed } from './listing.ts';
import { createRecently } from './recently.ts';
import { fromElement, toElement } from './record.ts';
import { KEEP_LISTED_S, KEEP_S } from './retention.ts';

const enqueueReply = z.union([
  unlistedReply,
  z.tuple([z.literal('duplicate'), z.string(), z.string(), z.string()]),
  z.tuple([z.literal('full'), z.number()]),
  z.tuple([z.literal('queued'), z.number(), z.string()]),
  z.tuple([z.literal('claimed'), ...claimedReply]),
]);
type EnqueueReply = Exclude<z.infer<typeof enqueueReply>, Unlisted>;

const amendReply = z.union([
  z.tuple([z.enum(['amended', 'running', 'unknown'])]),
  z.tuple([z.literal('stored'), z.string()]),
]);
const flag = z.union([z.literal(0), z.literal(1)]);

/** Milliseconds after which a conversation is put into the indexes again although its own mark says that it is in them. */
const INDEX_AGAIN_MS = 3_600_000;

export type Enqueueing = Pick<Turns, 'enqueue' | 'follow' | 'locate' | 'requestStop' | 'waiting' | 'amend'>;

/** Undefined for a malformed value. */
function located(value: string): TurnRef | undefined {
  const [turnId = '', text = ''] = value.split(' ');
  const sessionId = parseStoredSession(text);
  return sessionId === undefined ? undefined : { turnId, sessionId };
}

export function createEnqueueing(context: RedisContext, turnBudgetS: number): Enqueueing {
  const { redis, keys, options, call, inBackground, oneServer } = context;
  /** A waiting message lives for KEEP_S, and the conversation for the default TTL; an erase must find both. */
  const indexedMs = (Math.max(KEEP_S, options.defaultTtl) + KEEP_LISTED_S) * 1_000;
  const indexed = createRecently(INDEX_AGAIN_MS);

  return {
    async enqueue(message, { token = '', follower = '' } = {}) {
      const { sessionId, author } = message;
      // An invalid id is refused before anything is sent.
      const listed = memberships(keys, sessionId, [author.id]);
      return await call('enqueue', async () => {
        const own = keys.session(sessionId);
        const seen = message.idempotencyKeys.map((id) => keys.seenAt(sessionId, id));
        // On one server, the message and its pending mark are stored in one step. Otherwise the mark is set before and again after.
        const inReach = oneServer ? [keys.pending] : [];
        const scriptKeys = [own.list, own.inbox, own.turn(message.turnId), own.people, ...inReach, ...seen];
        const run = async (justIndexed: boolean) => {
          const args = [
            ...[scriptKeys.length, ...scriptKeys, toElement(message), message.turnId, sessionId, options.maxWaiting],
            ...[author.id, justIndexed ? indexedMs - MARK_MARGIN_MS : '', follower, token, turnBudgetS],
            ...[options.window ?? options.maxMessages, oneServer ? '1' : ''],
          ];
          if (!justIndexed) return enqueueReply.parse(await redis.enqueueTurn(...args));
          if (!oneServer) {
            for (const { key, member } of listed) await redis.indexMember(key, member, indexedMs);
            const reply = enqueueReply.parse(await redis.enqueueTurn(...args));
            // As whenListed does; on one server the two are sent together.
            inBackground('enqueue', () => listFor(context, sessionId, [author.id], indexedMs));
            return reply;
          }
          const pipeline = redis.pipeline();
          for (const { key, member } of listed) pipeline.indexMember(key, member, indexedMs);
          return enqueueReply.parse((await replies(pipeline.enqueueTurn(...args))).at(-1));
        };
        if (!oneServer) await redis.markPending(keys.pending, sessionId);
        const person = `${sessionId} ${author.id}`;
        let justIndexed = !indexed.has(person);
        const reply: EnqueueReply = await whenListed(context, sessionId, [author.id], async () => {
          const first = justIndexed;
          justIndexed = false;
          const answer = await run(first);
          if (first) indexed.add(person);
          return answer;
        });
        if (!oneServer && reply[0] !== 'full') await redis.markPending(keys.pending, sessionId);
        switch (reply[0]) {
          case 'full':
            return { kind: 'full', waiting: reply[1] };
          case 'queued':
            return { kind: 'queued', ahead: reply[1], owner: reply[2] === '' ? undefined : reply[2] };
          case 'duplicate': {
            const [, value, state, owner] = reply;
            const known = located(value);
            if (known === undefined) throw new Error('An idempotency key leads nowhere.');
            const unfinished = state !== '' && state !== 'finished';
            if (!oneServer && unfinished && known.sessionId !== sessionId) {
              await redis.markPending(keys.pending, known.sessionId);
            }
            return { kind: 'duplicate', ...known, unowned: unfinished && owner === '' } satisfies EnqueueResult;
          }
          case 'claimed': {
            const [, , ...rest] = reply;
            const turn = readClaim(context, sessionId, token, message, rest, turnBudgetS);
            if (turn === undefined) throw new Error('The record of a message that was just stored cannot be read.');
            return { kind: 'claimed', turn };
          }
        }
      });
    },

    follow: (sessionId, turnId, follower) =>
      call(
        'follow',
        async () => flag.parse(await redis.followTurn(keys.session(sessionId).turn(turnId), follower)) === 1,
      ),

    locate: (place, idempotencyKeys) =>
      call('locate', async () => {
        if (idempotencyKeys.length === 0) return undefined;
        const values = await redis.mget(idempotencyKeys.map((id) => keys.seen(place, id)));
        return values
          .map((value) => (value === null ? undefined : located(value)))
          .find((known) => known !== undefined);
      }),

    requestStop: (sessionId, turnId) =>
      call('requestStop', async () => flag.parse(await redis.stopTurn(keys.session(sessionId).turn(turnId))) === 1),

    waiting: (sessionId) =>
      call('waiting', async () => {
        const elements = await redis.lrange(keys.session(sessionId).inbox, 0, -1);
        return elements.flatMap((element) => fromElement(element)?.turnId ?? []);
      }),

    amend: (sessionId, source, text, editedAt = Date.now(), attachments = undefined) =>
      call('amend', async () => {
        const own = keys.session(sessionId);
        const line = text === null ? '' : JSON.stringify(text);
        const files = attachments === undefined ? '' : JSON.stringify(attachments);
        const args = [source, line, editedAt, `"source":${JSON.stringify(source)}`, files];
        for (;;) {
          const reply = amendReply.parse(await redis.amendTurn(own.list, own.inbox, ...args));
          if (reply[0] !== 'stored') return reply[0];
          const [result, element] = reply;
          const edited = editedElement(element, { text: text ?? '', editedAt, attachments });
          if (edited === undefined) return result;
          const replaced = await redis.replaceElement(own.list, own.meta, element, edited.element, edited.tokens);
          // Else it was changed or removed meanwhile.
          if (flag.parse(replaced) === 1) return result;
        }
      }),
  };
}
