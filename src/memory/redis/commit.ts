/** What a worker writes of the turn that it runs: every write carries its token and does nothing when another one owns the turn. */
import { z } from 'zod';
import type { Answer, Turns } from '../../core/store.ts';
import type { TurnLease } from '../../core/types.ts';
import { type Edited, serialiseElement, type TurnMessage, turnHalves, withEdit } from '../elements.ts';
import type { RedisContext } from './context.ts';
import { Unlisted, unlistedReply, whenListed } from './listing.ts';
import { fromElement, refFields } from './record.ts';

const commitReply = z.union([
  z.tuple([z.literal('committed'), z.number(), z.number()]),
  unlistedReply,
  z.tuple([z.literal('edited'), z.string(), z.string()]),
  z.tuple([z.enum(['fenced', 'known', 'forgotten'])]),
]);
const count = z.number();

/** A turn that other code ran, written like any other: both halves at once. */
export interface AppendTurn {
  append(message: TurnMessage, answer: Answer): Promise<void>;
}

export type Committing = Pick<Turns, 'saveMessageRef' | 'countFailure' | 'commit' | 'fail' | 'requeue'>;

export function createCommitting(context: RedisContext): Committing & AppendTurn {
  const { redis, keys, options, call } = context;

  const settle = (operation: string, { sessionId, turnId, token }: TurnLease, state: string, code: string) =>
    call(operation, async () => {
      const record = keys.session(sessionId).turn(turnId);
      return count.parse(await redis.settleTurn(record, token, state, code)) === 1;
    });

  /** Runs a script that writes a turn into its conversation; what comes of it is in the figures before anything later is. */
  const write = (message: TurnMessage, answer: Answer, run: (args: (string | number)[]) => Promise<unknown>) => {
    const { sessionId, author, ttl } = message;
    const args = [
      ...[options.maxMessages, options.maxBytes ?? Number.MAX_SAFE_INTEGER],
      ...[options.defaultTtl, options.minTtl, options.maxTtl, keys.places],
      ...turnHalves(message, answer, { now: Date.now(), maxTtl: options.maxTtl }).map(serialiseElement),
      ...[ttl ?? '', answer.tokens, author.id],
    ];
    return whenListed(context, sessionId, [author.id], async () => {
      const reply = commitReply.parse(await run(args));
      if (reply instanceof Unlisted) return reply;
      if (reply[0] === 'committed') {
        const [, messages, expiresAt] = reply;
        context.writeIndex(sessionId, { expiresAt, messages, turns: 1, tokens: answer.tokens });
      }
      return reply;
    });
  };

  return {
    append: (message, answer) =>
      call('append', async () => {
        const { list } = keys.session(message.sessionId);
        await write(message, answer, (args) => redis.appendTurn(list, ...args));
      }),

    saveMessageRef: ({ sessionId, turnId, token }, part, ref) =>
      call('saveMessageRef', async () => {
        const record = keys.session(sessionId).turn(turnId);
        return count.parse(await redis.saveTurn(record, token, ...refFields(part, ref))) === 1;
      }),

    countFailure: ({ sessionId, turnId, token }) =>
      call('countFailure', async () => {
        const failures = count.parse(await redis.countFailure(keys.session(sessionId).turn(turnId), token));
        return failures < 0 ? undefined : failures;
      }),

    commit: ({ sessionId, turnId, token }, message, answer) =>
      call('commit', async () => {
        const own = keys.session(sessionId);
        let turn: Edited<TurnMessage> = { message: { ...message, sessionId, turnId }, tokens: answer.tokens };
        let editedAt = String(message.editedAt ?? '');
        for (;;) {
          const { tokens } = turn;
          const reply = await write(turn.message, { ...answer, tokens }, (args) =>
            redis.commitTurn(own.list, own.turn(turnId), ...args, token, turnId, answer.stopped ? '1' : '', editedAt),
          );
          if (reply[0] !== 'edited') return reply[0];
          const [, at, element] = reply;
          editedAt = at;
          turn = withEdit(turn, fromElement(element), Number(at));
        }
      }),

    fail: (lease, code) => settle('fail', lease, 'failed', code),
    requeue: (lease) => settle('requeue', lease, 'queued', ''),
  };
}
