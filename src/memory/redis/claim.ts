/** How a worker becomes the owner of a turn, and learns what becomes of it. */
import { z } from 'zod';
import type { Fact } from '../../core/facts.ts';
import type { SessionId } from '../../core/session.ts';
import type { ClaimedTurn, Turns } from '../../core/store.ts';
import type { IncomingMessage, Token } from '../../core/types.ts';
import { toStoreError } from './client.ts';
import type { RedisContext } from './context.ts';
import { factsReply } from './facts.ts';
import { Unlisted, unlistedReply, whenListed } from './listing.ts';
import { fieldsOf, fromElement, parseFollowers, parseRecord, readElements } from './record.ts';
import { applyTtl } from './ttl.ts';

/** Element, record as flat list, newest messages, 1 when what is remembered lives longer now, messages in the conversation, facts. */
export const claimedReply = [
  ...([z.string(), z.array(z.string()), z.array(z.string()), z.number(), z.number()] as const),
  factsReply,
] as const;
type ClaimedReply = readonly [
  record: readonly string[],
  newest: readonly string[],
  extended: number,
  total: number,
  facts: readonly Fact[],
];

const claimReply = z.union([
  unlistedReply,
  z.tuple([z.literal('empty'), z.number()]),
  z.tuple([z.literal('owned'), z.string()]),
  z.tuple([z.literal('claimed'), z.number(), ...claimedReply]),
]);

/** The turn that a script gave to a token. Undefined when its record cannot be read. */
export function readClaim(
  context: RedisContext,
  sessionId: SessionId,
  token: Token,
  message: IncomingMessage,
  [flat, newest, extended, total, facts]: ClaimedReply,
  turnBudgetS: number,
): ClaimedTurn | undefined {
  // It was about to expire: its companions and the indexes hear that it lives on. Seldom, so the usual turn is cheap.
  if (extended === 1) {
    context.inBackground('claim', () => applyTtl(context, sessionId, { seconds: turnBudgetS, remember: false }));
  }
  const fields = fieldsOf(flat);
  const record = parseRecord(fields);
  if (record === undefined) return undefined;
  const { messages } = readElements(context.options, sessionId, newest);
  const lease = { sessionId, turnId: message.turnId, token };
  // An edit is kept beside the message, which no script writes anew.
  const editedAt = fields.get('editedAt');
  const current = editedAt === undefined ? message : { ...message, editedAt: Number(editedAt) };
  return {
    lease,
    record,
    message: current,
    messages,
    total,
    facts,
    followers: parseFollowers(fields.get('followers')),
  };
}

/**
 * A turn whose message is read from its element. What Lua could read and we can't is nobody's message any more, and must not block
 * those behind it: it is taken out, and undefined.
 */
export async function readClaimedHead(
  context: RedisContext,
  sessionId: SessionId,
  token: Token,
  [bad, element, ...rest]: readonly [number, string, ...ClaimedReply],
  turnBudgetS: number,
): Promise<ClaimedTurn | undefined> {
  const { redis, keys, options } = context;
  if (bad > 0) options.observer.badElement(sessionId, bad);
  const message = fromElement(element);
  const turn = message && readClaim(context, sessionId, token, message, rest, turnBudgetS);
  if (turn !== undefined) return turn;
  options.observer.badElement(sessionId, 1);
  await redis.lrem(keys.session(sessionId).inbox, 1, element);
  return undefined;
}

export function createClaiming(context: RedisContext, turnBudgetS: number): Pick<Turns, 'claim' | 'check' | 'record'> {
  const { redis, keys, options, call, oneServer } = context;

  return {
    claim: (sessionId, token, expected) =>
      call('claim', async () => {
        const own = keys.session(sessionId);
        const scriptKeys = [own.list, own.inbox, own.people, ...(oneServer ? [keys.pending] : [])];
        const attempt = async (checked: boolean) =>
          claimReply.parse(
            await redis.claimTurn(
              ...[scriptKeys.length, ...scriptKeys, token, expected ?? '', turnBudgetS],
              ...[options.window ?? options.maxMessages, checked ? '1' : '', sessionId],
            ),
          );
        for (;;) {
          const reply = await whenListed(context, sessionId, [], () => attempt(true)).catch((thrown: unknown) => {
            // Nobody can be listed, but what was answered before can be brought to its end.
            if (toStoreError(thrown).code === 'store_full') return attempt(false);
            throw thrown;
          });
          if (reply instanceof Unlisted) throw new Error('Nobody asked whether all are listed.');
          switch (reply[0]) {
            case 'empty':
              if (reply[1] > 0) options.observer.badElement(sessionId, reply[1]);
              return { kind: 'empty' };
            case 'owned':
              return { kind: 'owned', owner: reply[1] === '' ? undefined : reply[1] };
            case 'claimed': {
              const [, ...claimed] = reply;
              const turn = await readClaimedHead(context, sessionId, token, claimed, turnBudgetS);
              if (turn !== undefined) return { kind: 'claimed', turn };
            }
          }
        }
      }),

    check: ({ sessionId, turnId, token }) =>
      call('check', async () => {
        const record = keys.session(sessionId).turn(turnId);
        const [owner, state, stop, names] = await redis.hmget(record, 'owner', 'state', 'stop', 'followers');
        const followers = parseFollowers(names);
        if (owner !== token || state === 'finished') return { state: 'lost', followers };
        if (state === 'forgotten') return { state, followers };
        return { state: stop === '1' ? 'stopped' : 'held', followers };
      }),

    record: (sessionId, turnId) =>
      call('record', async () => {
        const hash = await redis.hgetall(keys.session(sessionId).turn(turnId));
        return parseRecord(new Map(Object.entries(hash)));
      }),
  };
}
