/** The product's own store, through its public factory, with its default settings but for the bounds. */
import { Redis } from 'ioredis';
import { encodeSession, type SessionId } from '../../src/core/session.ts';
import type { Answer, ClaimedTurn } from '../../src/core/store.ts';
import { estimateTokens } from '../../src/core/tokens.ts';
import type { IncomingMessage, TurnLease } from '../../src/core/types.ts';
import { serialiseElement, turnHalves } from '../../src/memory/elements.ts';
import { keyspace } from '../../src/memory/redis/keys.ts';
import { createRedisStore, type RedisStore } from '../../src/memory/redis/store.ts';
import { serverAt } from '../../src/redis/target.ts';
import { finish, tryClaim } from '../claiming.ts';
import { type BenchTurn, inOrder, type MemoryClient, TTL_S, WINDOW } from './contender.ts';

const GUILD = '1100000000000000001';

const PREFIX = 'conversation';
const keys = keyspace(PREFIX);

/** What the store told of besides its answers. */
export interface Observed {
  badElements: number;
  readonly errors: Error[];
}

/** The store as the bot opens it. The cap on stored messages (2,000 by default) is out of the way of long histories. */
export async function openStore(url: string): Promise<{ readonly store: RedisStore; readonly observed: Observed }> {
  const observed: Observed = { badElements: 0, errors: [] };
  const store = await createRedisStore({
    redis: serverAt(url),
    prefix: PREFIX,
    allowEviction: false,
    warn: () => {},
    defaultTtl: TTL_S,
    minTtl: 60,
    maxTtl: 2_592_000,
    factsTtl: 2_592_000,
    maxMessages: 10_000,
    maxWaiting: 100,
    observer: {
      badElement(_, count) {
        observed.badElements += count;
      },
      error(_, error) {
        observed.errors.push(error);
      },
    },
  });
  return { store, observed };
}

/** People in a channel, and channels that a person talks in. */
const COMMUNITY = 32;

/**
 * A person's own conversation in a channel of Discord: of each 1,024 conversations in a row, 32 people talk in 32 channels.
 * Ids are as long as real ones.
 */
export function sessionOf(conversation: number): SessionId {
  return encodeSession({
    place: {
      platform: 'discord',
      workspace: GUILD,
      channel: snowflake(12, Math.floor(conversation / COMMUNITY)),
    },
    user: snowflake(13, personIn(conversation)),
  });
}

/** Number of the person whose conversation it is. */
export function personIn(conversation: number): number {
  return Math.floor(conversation / COMMUNITY ** 2) * COMMUNITY + (conversation % COMMUNITY);
}

/** One that all members of the channel share. */
export function sharedSessionOf(conversation: number): SessionId {
  return encodeSession({ place: { platform: 'discord', workspace: GUILD, channel: snowflake(12, conversation) } });
}

export function messageOf(turn: BenchTurn, sessionId: SessionId = sessionOf(turn.conversation)): IncomingMessage {
  const id = snowflake(14, turn.conversation * 100_000 + turn.turn);
  const authorId = snowflake(13, turn.person ?? personIn(turn.conversation));
  return {
    id,
    turnId: id,
    idempotencyKeys: [id],
    platform: 'discord',
    sessionId,
    author: { id: authorId, name: `Person ${authorId.slice(-4)}` },
    text: turn.question,
    sentAt: Date.now(),
    isDirect: false,
    isMention: true,
    locale: 'en',
    replyTo: {
      platform: 'discord',
      channelId: snowflake(12, Math.floor(turn.conversation / COMMUNITY)),
      messageId: id,
    },
  };
}

export function answerOf({ question, answer }: BenchTurn): Answer {
  const tokens = estimateTokens(question) + estimateTokens(answer);
  return { text: answer, timestamp: Date.now(), stopped: false, tokens };
}

/** `open` and `commit` alone, or the whole of the turn protocol. */
export type Mode = 'alone' | 'whole';

export async function openRecollect(url: string, mode: Mode): Promise<MemoryClient> {
  const { store, observed } = await openStore(url);
  return {
    ...(mode === 'whole' ? wholeTurns(store) : preparedTurns(store, url)),
    async read(conversation) {
      return (await store.open(sessionOf(conversation), WINDOW)).messages.length;
    },
    fill: (turn) => store.append(messageOf(turn), answerOf(turn)),
    async flushed() {
      await store.ping();
      const [failed] = observed.errors;
      if (failed !== undefined) throw failed;
    },
    close: () => store.close(),
  };
}

type Turning = Pick<MemoryClient, 'prepare' | 'open' | 'commit'>;

/** A turn as the store is handed it: made before the clock runs, since the bot makes it whatever remembers it. */
interface Prepared {
  readonly message: IncomingMessage;
  readonly answer: Answer;
  lease?: TurnLease;
}

/**
 * `open` and `commit` alone: the turns were stored before and each has its owner. Only the head of an inbox can be claimed, so the
 * benchmark writes the owner of those that wait behind it by itself.
 */
function preparedTurns(store: RedisStore, url: string): Turning {
  const prepared = new Map<BenchTurn, Prepared>();
  return {
    async prepare(lists) {
      const redis = new Redis(url);
      const leases = new Map<number, TurnLease>();
      await inOrder(lists, async (turn) => {
        const message = messageOf(turn);
        await store.enqueue(message);
        const head = leases.get(turn.conversation) ?? (await taken(store, message.sessionId)).lease;
        leases.set(turn.conversation, head);
        const lease = { ...head, turnId: message.turnId };
        await redis.hset(keys.session(message.sessionId).turn(message.turnId), {
          state: 'running',
          owner: lease.token,
        });
        prepared.set(turn, { message, answer: answerOf(turn), lease });
      });
      redis.disconnect();
    },
    async open(turn) {
      const { message } = found(prepared, turn);
      return (await store.open(message.sessionId, WINDOW)).messages.length;
    },
    async commit(turn) {
      const { lease, message, answer } = found(prepared, turn);
      if (lease === undefined) throw new Error('The turn was not taken.');
      await committed(store, lease, message, answer);
      prepared.delete(turn);
    },
  };
}

/** All that the product asks of its store in a turn that nothing disturbs. */
function wholeTurns(store: RedisStore): Turning {
  const prepared = new Map<BenchTurn, Prepared>();
  return {
    async prepare(lists) {
      for (const turn of lists.flat()) prepared.set(turn, { message: messageOf(turn), answer: answerOf(turn) });
    },
    async open(turn) {
      const it = found(prepared, turn);
      await store.enqueue(it.message);
      it.lease = (await taken(store, it.message.sessionId)).lease;
      return (await store.open(it.message.sessionId, WINDOW)).messages.length;
    },
    async commit(turn) {
      const { lease, message, answer } = found(prepared, turn);
      if (lease === undefined) throw new Error('The turn was not opened.');
      await committed(store, lease, message, answer);
      await finish(store, lease);
      prepared.delete(turn);
    },
  };
}

function found(prepared: ReadonlyMap<BenchTurn, Prepared>, turn: BenchTurn): Prepared {
  const it = prepared.get(turn);
  if (it === undefined) throw new Error('The turn was not prepared.');
  return it;
}

async function taken(store: RedisStore, sessionId: SessionId): Promise<ClaimedTurn> {
  const it = await tryClaim(store, sessionId);
  if (it === undefined) throw new Error('Nothing waits in this conversation.');
  return it;
}

async function committed(store: RedisStore, lease: TurnLease, message: IncomingMessage, answer: Answer) {
  const result = await store.commit(lease, message, answer);
  if (result !== 'committed') throw new Error(`The turn was not committed: ${result}.`);
}

/** 19 digits, like an id of Discord. */
function snowflake(kind: number, number: number): string {
  return `${kind}${String(number).padStart(17, '0')}`;
}

/** Bytes of a question as it is stored. */
export function elementBytes(textBytes: number): number {
  const text = 'x'.repeat(textBytes);
  const [asked] = turnHalves(
    messageOf({ conversation: 1, turn: 1, question: text, answer: text }),
    {
      text,
      timestamp: Date.now(),
      stopped: false,
    },
    { now: Date.now(), maxTtl: 2_592_000 },
  );
  return Buffer.byteLength(serialiseElement(asked));
}
