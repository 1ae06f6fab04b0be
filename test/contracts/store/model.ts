/** The life of a conversation as a trivial model in memory, and random sequences of operations that must agree with it. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { SessionId } from '../../../src/core/session.ts';
import type { ConversationStore } from '../../../src/core/store.ts';
import type { TurnLease, TurnRecord, TurnState } from '../../../src/core/types.ts';
import { runs } from '../../support/tier.ts';
import type { Harness } from './support.ts';
import { answerOf, contents, finish, LIMITS, messageOf, sessionOf, tryClaim } from './support.ts';

type Operation =
  | { readonly do: 'enqueue' | 'amend' | 'withdraw' | 'remove' | 'stop'; readonly message: number }
  | { readonly do: 'claim' | 'forget' }
  /** `age` 0 is the newest lease, 1 the one before it. */
  | { readonly do: 'commit' | 'fail' | 'complete' | 'requeue' | 'countFailure'; readonly age: number };

const MESSAGES = 14;

const operation: fc.Arbitrary<Operation> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ do: fc.constant('enqueue' as const), message: fc.nat(MESSAGES - 1) }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('claim' as const) }) },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constantFrom('commit' as const, 'complete' as const),
      age: fc.constantFrom(0, 0, 0, 1),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constantFrom('fail' as const, 'requeue' as const, 'countFailure' as const),
      age: fc.constantFrom(0, 0, 1),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('forget' as const) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constantFrom('amend' as const, 'withdraw' as const, 'remove' as const, 'stop' as const),
      message: fc.nat(MESSAGES - 1),
    }),
  },
);

interface ModelTurn {
  readonly id: string;
  state: TurnState;
  text: string;
  attempt: number;
  takeovers: number;
  failures: number;
  stopRequested: boolean;
  answer: string | undefined;
  outcome: TurnRecord['outcome'];
  owner: object | undefined;
}

/** Neither answered nor given up. */
function isOpen({ state }: ModelTurn): boolean {
  return state === 'queued' || state === 'running';
}

/** One conversation, as plainly as it can be said. Every method returns what the store must answer. */
class Model {
  readonly turns = new Map<string, ModelTurn>();
  inbox: ModelTurn[] = [];
  memory: { id: string; halves: string[] }[] = [];
  readonly leases: { readonly turn: ModelTurn; readonly text: string }[] = [];

  get messages(): string[] {
    return this.memory.flatMap((turn) => turn.halves);
  }

  apply(op: Operation): unknown {
    if ('age' in op) {
      const lease = this.leases.at(-1 - op.age);
      if (lease === undefined) return 'no lease';
      return lease.turn.owner === lease ? this.write(op.do, lease.turn) : { fenced: true };
    }
    if ('message' in op) return this.onMessage(op.do, `m${op.message}`);
    return op.do === 'claim' ? this.take() : this.forget();
  }

  private onMessage(what: 'enqueue' | 'amend' | 'withdraw' | 'remove' | 'stop', id: string): unknown {
    const turn = this.turns.get(id);
    if (what === 'enqueue') {
      if (turn) return { kind: 'duplicate', turnId: id };
      if (this.inbox.length >= LIMITS.maxWaiting) return { kind: 'full', waiting: LIMITS.maxWaiting };
      const fresh = { state: 'queued' as const, text: `text of ${id}`, attempt: 0, takeovers: 0, failures: 0 };
      const offered = { id, ...fresh, stopRequested: false, answer: undefined, outcome: undefined, owner: undefined };
      this.turns.set(id, offered);
      return { kind: 'queued', ahead: this.inbox.push(offered) - 1 };
    }
    if (what === 'stop') {
      if (turn === undefined || !isOpen(turn)) return false;
      turn.stopRequested = true;
      return true;
    }
    if (what === 'remove') {
      const waiting = this.tombstone(this.inbox.filter((one) => one.id === id));
      const kept = this.memory.filter((one) => one.id !== id);
      const messages = 2 * (this.memory.length - kept.length);
      this.memory = kept;
      return { conversations: messages + waiting > 0 ? 1 : 0, messages, waiting, facts: 0 };
    }
    if (what === 'amend') return this.edit(id, turn);
    if (turn === undefined || turn.state === 'finished' || turn.state === 'forgotten') return 'unknown';
    if (turn.state !== 'queued') return 'running';
    this.tombstone([turn]);
    return 'amended';
  }

  private edit(id: string, turn: ModelTurn | undefined): unknown {
    if (turn === undefined || turn.state === 'forgotten') return 'unknown';
    const text = `edited ${id}`;
    turn.text = text;
    if (turn.state === 'queued') return 'amended';
    if (turn.state === 'running') return 'running';
    const known = this.memory.some((one) => one.id === id);
    this.memory = this.memory.map((one) => (one.id === id ? { id, halves: [text, ...one.halves.slice(1)] } : one));
    return known ? 'stored' : 'unknown';
  }

  private take(): unknown {
    const turn = this.inbox[0];
    if (turn === undefined) return undefined;
    turn.attempt += 1;
    if (turn.state === 'running') turn.takeovers += 1;
    if (turn.state === 'queued') turn.state = 'running';
    const lease = { turn, text: turn.text };
    turn.owner = lease;
    this.leases.push(lease);
    return { turnId: turn.id, text: turn.text };
  }

  private write(what: 'commit' | 'fail' | 'complete' | 'requeue' | 'countFailure', turn: ModelTurn): unknown {
    const open = isOpen(turn);
    switch (what) {
      case 'commit':
        if (!open) return turn.state === 'forgotten' ? 'forgotten' : 'known';
        Object.assign(turn, { state: 'answered', outcome: 'answered', answer: `answer to ${turn.id}` });
        // It may have been edited since it was claimed.
        this.memory.push({ id: turn.id, halves: [turn.text, `answer to ${turn.id}`] });
        this.memory = this.memory.slice(-LIMITS.maxMessages / 2);
        return 'committed';
      case 'fail':
        if (open) Object.assign(turn, { state: 'failed', outcome: 'failed' });
        return true;
      case 'complete':
        if (this.inbox[0] === turn) this.inbox.shift();
        Object.assign(turn, { state: 'finished', answer: undefined });
        return { left: this.inbox.length };
      case 'requeue':
        if (turn.state === 'running') turn.state = 'queued';
        turn.owner = undefined;
        return true;
      case 'countFailure':
        turn.failures += 1;
        return { failures: turn.failures };
    }
  }

  private forget(): unknown {
    const messages = 2 * this.memory.length;
    this.memory = [];
    const waiting = this.tombstone(this.inbox);
    return { conversations: messages + waiting > 0 ? 1 : 0, messages, waiting, facts: 0 };
  }

  private tombstone(turns: readonly ModelTurn[]): number {
    let waiting = 0;
    for (const turn of turns) {
      if (isOpen(turn)) waiting += 1;
      Object.assign(turn, { state: 'forgotten', outcome: 'forgotten', text: '', answer: undefined });
    }
    return waiting;
  }
}

/** The same operations on the store; the answers in the model's form. */
async function perform(
  store: ConversationStore,
  sessionId: SessionId,
  leases: { lease: TurnLease; text: string }[],
  op: Operation,
): Promise<unknown> {
  if ('age' in op) {
    const held = leases.at(-1 - op.age);
    if (held === undefined) return 'no lease';
    const { lease, text } = held;
    const FENCED = { fenced: true };
    switch (op.do) {
      case 'commit': {
        const message = messageOf(sessionId, lease.turnId, { text });
        const result = await store.commit(lease, message, answerOf(`answer to ${lease.turnId}`));
        return result === 'fenced' ? FENCED : result;
      }
      case 'fail':
        return (await store.fail(lease, 'model_timeout')) || FENCED;
      case 'requeue':
        return (await store.requeue(lease)) || FENCED;
      case 'complete': {
        const left = await finish(store, lease);
        return left === undefined ? FENCED : { left };
      }
      case 'countFailure': {
        const failures = await store.countFailure(lease);
        return failures === undefined ? FENCED : { failures };
      }
    }
  }
  if (op.do === 'forget') return await store.forget(sessionId);
  if (op.do === 'claim') {
    const taken = await tryClaim(store, sessionId);
    if (taken === undefined) return undefined;
    leases.push({ lease: taken.lease, text: taken.message.text });
    return { turnId: taken.lease.turnId, text: taken.message.text };
  }
  if (!('message' in op)) throw new Error(`Not an operation on a message: ${op.do}`);
  const id = `m${op.message}`;
  switch (op.do) {
    case 'enqueue': {
      const result = await store.enqueue(messageOf(sessionId, id));
      if (result.kind === 'duplicate') return { kind: result.kind, turnId: result.turnId };
      return result.kind === 'queued' ? { kind: result.kind, ahead: result.ahead } : result;
    }
    case 'stop':
      return await store.requestStop(sessionId, id);
    case 'remove':
      return await store.removeTurns(sessionId, { source: id });
    case 'amend':
      return await store.amend(sessionId, id, `edited ${id}`);
    case 'withdraw':
      return await store.amend(sessionId, id, null);
  }
}

export function describeModel(harness: Harness): void {
  describe('any sequence of operations', () => {
    it('answers and leaves behind what the model says', { timeout: 120_000 }, async () => {
      let run = 0;
      await fc.assert(
        fc.asyncProperty(fc.array(operation, { maxLength: 60, size: 'max' }), async (operations) => {
          run += 1;
          const session = sessionOf({ channel: `run${run}` });
          const model = new Model();
          const leases: { lease: TurnLease; text: string }[] = [];
          for (const op of operations) {
            const expected = model.apply(op);
            expect(await perform(harness.store, session, leases, op)).toEqual(expected);
            expect(await harness.store.waiting(session)).toEqual(model.inbox.map((turn) => turn.id));
            expect(await contents(harness.store, session)).toEqual(model.messages);
          }
          for (const [id, { state, attempt, takeovers, failures, stopRequested, answer, outcome }] of model.turns) {
            const record = await harness.store.record(session, id);
            const { messageRefs, startedAt, code, stopped, ...rest } = record ?? {};
            expect(rest).toEqual({ state, attempt, takeovers, failures, stopRequested, answer, outcome });
          }
          const [head] = await harness.store.heads([session]);
          expect(head !== 'empty').toBe(model.inbox.length > 0);
        }),
        { numRuns: runs(40) },
      );
    });
  });
}
