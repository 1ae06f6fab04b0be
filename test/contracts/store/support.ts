/** What the parts of the ConversationStore's contract suite share: the fixture of a driver, and makers of test data. */
import { randomBytes } from 'node:crypto';
import { afterEach, beforeEach, expect, vi } from 'vitest';
import type { Session, SessionId } from '../../../src/core/session.ts';
import { encodeSession, parseSessionId } from '../../../src/core/session.ts';
import type { Answer, ClaimedTurn, ConversationStore, StoreOptions } from '../../../src/core/store.ts';
import type { IncomingMessage, Token, TurnLease } from '../../../src/core/types.ts';
import { turnIdOf } from '../../../src/core/types.ts';
import { BotError } from '../../../src/errors.ts';

/** A driver on data of its own, empty at the start. */
export interface StoreFixture {
  readonly store: ConversationStore;
  /**
   * Another instance on the same data. Where only one may be open at a time the earlier one is closed first, so a test
   * that calls this goes on with the instance it gets.
   */
  open(): Promise<ConversationStore>;
  /** Everything that is stored, as text: every key with its value, or the bytes of every file. */
  dumpText(): Promise<string>;
  /** Puts `raw` behind the conversation's messages, or before all that waits in its inbox, as a broken writer would. */
  injectBadElement(sessionId: SessionId, raw: string, where?: 'memory' | 'inbox'): Promise<void>;
  /** Closes every instance and removes the data. */
  close(): Promise<void>;
}

/** A fixture whose store's time can be moved on. */
export interface AgingFixture extends StoreFixture {
  /** Lets `ms` milliseconds pass at once. */
  advance(ms: number): Promise<void>;
}

export type MakeFixture<Fixture extends StoreFixture = StoreFixture> = (options: StoreOptions) => Promise<Fixture>;

/** When the test began, by the store's clock. */
let now = Date.now();

/** The store's clock was moved on: what is said from now on is said later. */
export function moveClock(ms: number): void {
  now += ms;
}

/** The limits of the suite: small enough to be reached by a test. */
export const LIMITS = {
  defaultTtl: 1800,
  minTtl: 60,
  maxTtl: 2_592_000,
  factsTtl: 2_592_000,
  maxMessages: 8,
  maxBytes: 60_000,
  maxWaiting: 12,
} as const;

const PROVOKED: readonly string[] = ['store_unavailable', 'session_invalid'];

/** The store under test; `store` and `fixture` are fresh for every test. */
export interface Harness<Fixture extends StoreFixture = StoreFixture> {
  readonly store: ConversationStore;
  readonly fixture: Fixture;
  /** Bad elements the driver told its observer of, by conversation. */
  readonly badElements: ReadonlyMap<string, number>;
}

/** Gives every test of the surrounding `describe` a fixture of its own and closes it afterwards. */
export function useStore<Fixture extends StoreFixture>(makeFixture: MakeFixture<Fixture>): Harness<Fixture> {
  let fixture: Fixture | undefined;
  let badElements = new Map<string, number>();
  let faults: { operation: string; error: Error }[] = [];
  beforeEach(async () => {
    now = Date.now();
    faults = [];
    badElements = new Map();
    const counts = badElements;
    fixture = await makeFixture({
      ...LIMITS,
      observer: {
        badElement: (sessionId, count) => counts.set(sessionId, (counts.get(sessionId) ?? 0) + count),
        error: (operation, error) => {
          // A test that closes the store, or gives it what it must refuse, asserts the refusal itself.
          const provoked = error instanceof BotError && PROVOKED.includes(error.code);
          if (!provoked) faults.push({ operation, error });
        },
      },
    });
  });
  afterEach(async () => {
    await fixture?.close();
    fixture = undefined;
    expect(faults, 'faults that the driver told its observer of').toEqual([]);
  });
  const present = (): Fixture => {
    if (fixture === undefined) throw new Error('There is a store inside of a test only.');
    return fixture;
  };
  return {
    get store() {
      return present().store;
    },
    get fixture() {
      return present();
    },
    get badElements() {
      return badElements;
    },
  };
}

/** A conversation of Ada's in a Slack channel, unless told otherwise. */
export function sessionOf(parts: Partial<Session> & { readonly channel?: string } = {}): SessionId {
  const place = parts.place ?? { platform: 'slack', workspace: 'T1', channel: parts.channel ?? 'C1' };
  return encodeSession({ user: 'ada', ...parts, place });
}

/** A plain message of the person whose conversation it is; in one that is shared, of Ada. */
export function messageOf(sessionId: SessionId, id: string, overrides: Partial<IncomingMessage> = {}): IncomingMessage {
  const user = parseSessionId(sessionId).user ?? 'ada';
  return {
    id,
    turnId: turnIdOf(id),
    idempotencyKeys: [id],
    platform: 'slack',
    sessionId,
    author: { id: user, name: user === 'ada' ? 'Ada' : user },
    text: `text of ${id}`,
    sentAt: now,
    isDirect: false,
    isMention: true,
    locale: 'en',
    replyTo: { platform: 'slack', channel: 'C1' },
    ...overrides,
  };
}

/** An answer; all answers of a test have the same time unless told otherwise, or the clock was moved. */
export function answerOf(text: string, overrides: Partial<Answer> = {}): Answer {
  return { text, timestamp: now, stopped: false, tokens: 7, ...overrides };
}

/** A token that nobody else has. */
export function newToken(): Token {
  return `${randomBytes(9).toString('base64url')}.1:1`;
}

/** Claims the head, whoever owns it, as a worker does that found its owner dead; undefined when nothing waits. */
export async function tryClaim(
  store: Pick<ConversationStore, 'heads' | 'claim'>,
  sessionId: SessionId,
): Promise<ClaimedTurn | undefined> {
  const [head] = await store.heads([sessionId]);
  const expected = head === undefined || head === 'empty' ? undefined : head.owner;
  const claimed = await store.claim(sessionId, newToken(), expected);
  return claimed.kind === 'claimed' ? claimed.turn : undefined;
}

/** Claims the head, which must be there, whoever owns it. */
export async function takeHead(store: ConversationStore, sessionId: SessionId): Promise<ClaimedTurn> {
  const taken = await tryClaim(store, sessionId);
  if (taken === undefined) throw new Error(`Nothing waits in ${sessionId}.`);
  return taken;
}

/** Completes a turn without claiming the next one. Gives how many messages wait; undefined: fenced. */
export async function finish(
  store: Pick<ConversationStore, 'complete'>,
  lease: TurnLease,
): Promise<number | undefined> {
  const completed = await store.complete(lease);
  return completed.kind === 'left' ? completed.waiting : undefined;
}

/**
 * What each replica does once a second: clears the notes of conversations in which nothing waits. A note that is on another
 * server than its inbox (Redis Cluster) stays until then.
 */
export async function look(store: ConversationStore): Promise<void> {
  for (const due of await store.takeDue()) {
    if ((await store.heads([due.sessionId]))[0] === 'empty') await store.clearPending(due);
  }
}

/** Stores a message that must be new. */
export async function offerNew(store: ConversationStore, message: IncomingMessage): Promise<void> {
  expect(await store.enqueue(message)).toMatchObject({ kind: 'queued' });
}

/** One whole turn of a conversation in which nothing waits. */
export async function runTurn(
  store: ConversationStore,
  message: IncomingMessage,
  answer: Answer = answerOf(`answer to ${message.id}`),
): Promise<void> {
  await offerNew(store, message);
  const { lease, message: taken } = await takeHead(store, message.sessionId);
  expect(taken.id).toBe(message.id);
  expect(await store.commit(lease, taken, answer)).toBe('committed');
  expect(await finish(store, lease)).toBe(0);
}

/** What is remembered, oldest first. */
export async function contents(store: ConversationStore, sessionId: SessionId): Promise<readonly string[]> {
  return (await store.history(sessionId))?.messages.map((message) => message.content) ?? [];
}

/** Lets a conversation have `seconds` left, without remembering that. */
export async function shorten(store: ConversationStore, sessionId: SessionId, seconds = 1): Promise<void> {
  await store.setTtl(sessionId, seconds, { remember: false });
}

/** Waits until nothing is remembered of a conversation. */
export async function untilForgotten(store: ConversationStore, sessionId: SessionId): Promise<void> {
  await until(async () => expect(await store.history(sessionId)).toBeUndefined());
}

/** Waits until the assertions hold; the deadline only says when to give up. */
export async function until(assertions: () => Promise<void>): Promise<void> {
  await vi.waitFor(assertions, { timeout: 20_000, interval: 20 });
}
