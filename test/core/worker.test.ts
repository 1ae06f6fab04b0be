/** Workers on a real Redis, each with a store of its own as another process has it. */
import { describe, expect, inject, it, onTestFinished } from 'vitest';
import { createLogger } from '../../src/app/log.ts';
import { createMetrics } from '../../src/app/metrics.ts';
import { createHeartbeat } from '../../src/core/heartbeat.ts';
import { TURN_BUDGET_MS } from '../../src/core/limits.ts';
import type { Chain, Reply } from '../../src/core/ports.ts';
import type { SessionId } from '../../src/core/session.ts';
import type { ConversationStore } from '../../src/core/store.ts';
import { createRunningTurns } from '../../src/core/turn-watch.ts';
import { createWorker } from '../../src/core/worker.ts';
import { BotError } from '../../src/errors.ts';
import { createCoreMessages } from '../../src/i18n/messages.ts';
import { keyspace } from '../../src/memory/redis/keys.ts';
import { contents, LIMITS, messageOf, sessionOf } from '../contracts/store/support.ts';
import { makeRedisFixture, type RedisFixture } from '../memory/redis-fixture.ts';

const logger = createLogger({ level: 'silent', secrets: [] });
const clock = { now: () => Date.now(), monotonic: () => performance.now() };
/** Only bounds what hangs. */
const PATIENTLY = { timeout: 60_000, interval: 20 };
const person = (n: number): SessionId => sessionOf({ user: `u${n}` });

/** What all workers of a test share: the data, the model that answers when it is let, and the platform. */
async function makeWorld() {
  const fixture = await makeRedisFixture(inject('redisUrl'))({ ...LIMITS, observer: { badElement() {}, error() {} } });
  onTestFinished(() => fixture.close());
  const asked: string[] = [];
  const ended: string[] = [];
  /** Deliveries that the platform does not take, from the next one on. */
  let refusals = 0;
  const gates = new Set<() => void>();
  let open = true;
  const chain: Chain = {
    async *stream({ message }, signal) {
      asked.push(message.text);
      if (!open) {
        await new Promise<void>((resolve, reject) => {
          gates.add(resolve);
          signal.addEventListener('abort', () => reject(signal.reason), { once: true });
        });
      }
      yield { kind: 'text', text: `answer to ${message.text.replace('text of ', '')}` };
    },
  };
  const replyTo = (turnId: string): Reply => ({
    showTyping() {},
    update() {},
    shown: () => '',
    async end(end) {
      const hinted = end.kind === 'answered' && end.rememberHint === true;
      ended.push(`${turnId}: ${end.text}${hinted ? ' (hint)' : ''}`);
      refusals -= 1;
      if (refusals >= 0) throw new BotError('platform_unavailable', 'away', { retryable: true, retryAfterMs: 0 });
    },
    async detach() {},
  });
  let processes = 0;
  return {
    ...{ fixture, asked, ended },
    refuse(deliveries: number) {
      refusals = deliveries;
    },
    closeGate() {
      open = false;
    },
    openGate() {
      open = true;
      for (const gate of gates) gate();
    },
    /** Lets the oldest answer that waits be written. */
    letOneBe() {
      const [gate] = gates;
      if (gate === undefined) throw new Error('Nobody waits.');
      gates.delete(gate);
      gate();
    },
    async join(concurrency = 4, change: (store: ConversationStore) => Partial<ConversationStore> = () => ({})) {
      processes += 1;
      const process = `process${processes}`;
      const opened = await fixture.open();
      const store = { ...opened, ...change(opened) };
      const worker = createWorker({
        ...{ store, chain, clock, logger, process, concurrency },
        files: { read: async () => ({ contents: new Map(), release() {} }) },
        replies: { openReply: async (_, { turnId }) => replyTo(turnId) },
        coreMessages: createCoreMessages(),
        metrics: createMetrics().turns,
        running: createRunningTurns(process),
        heartbeat: createHeartbeat(clock),
        bounds: {
          firstTokenMs: 60_000,
          betweenTokensMs: 60_000,
          answerMs: TURN_BUDGET_MS,
          maxMessageLength: 8_000,
          maxLength: 40_000,
        },
        window: 20,
        onPending() {},
      });
      await worker.start();
      onTestFinished(() => worker.stop(0));
      return worker;
    },
  };
}

async function expectAnswered({ store }: RedisFixture, session: SessionId, ids: readonly string[]): Promise<void> {
  await expect.poll(() => store.waiting(session), PATIENTLY).toEqual([]);
  expect(await contents(store, session)).toEqual(ids.flatMap((id) => [`text of ${id}`, `answer to ${id}`]));
}

describe('a worker', { timeout: 120_000 }, () => {
  it('runs what comes in at once, and the messages of a conversation in order, one after the other', async () => {
    const { fixture, asked, join } = await makeWorld();
    const worker = await join();
    const ids = ['m1', 'm2', 'm3'];
    expect(await worker.enqueue(messageOf(person(1), 'm1'))).toMatchObject({ kind: 'claimed' });
    for (const id of ids.slice(1)) await worker.enqueue(messageOf(person(1), id));
    await expectAnswered(fixture, person(1), ids);
    expect(asked).toEqual(ids.map((id) => `text of ${id}`));
    await expect.poll(() => fixture.store.countPending(), PATIENTLY).toBe(0);
  });

  it('with all slots full lets what waits longest go first, before what comes in later', async () => {
    const { fixture, asked, closeGate, letOneBe, openGate, join } = await makeWorld();
    const worker = await join(1);
    closeGate();
    await worker.enqueue(messageOf(person(1), 'a1'));
    await expect.poll(() => asked.length, PATIENTLY).toBe(1);
    for (const n of [2, 3, 4]) {
      await worker.enqueue(messageOf(person(n), `a${n}`));
      await expect.poll(() => fixture.store.countReady(), PATIENTLY).toBe(n - 1);
    }
    await worker.enqueue(messageOf(person(1), 'b1'));
    for (const n of [2, 3, 4]) {
      letOneBe();
      await expect.poll(() => asked.at(-1), PATIENTLY).toBe(`text of a${n}`);
    }
    openGate();
    await expectAnswered(fixture, person(1), ['a1', 'b1']);
    for (const n of [2, 3, 4]) await expectAnswered(fixture, person(n), [`a${n}`]);
    expect(asked).toHaveLength(5);
  });

  it('leaves to another one what it cannot run, and that one runs it', async () => {
    const { fixture, asked, closeGate, openGate, join } = await makeWorld();
    const full = await join(1);
    closeGate();
    await full.enqueue(messageOf(person(1), 'm1'));
    await full.enqueue(messageOf(person(2), 'm2'));
    await expect.poll(() => asked.length, PATIENTLY).toBe(1);
    await join(1);
    await expect.poll(() => asked.length, PATIENTLY).toBe(2);
    openGate();
    await expectAnswered(fixture, person(1), ['m1']);
    await expectAnswered(fixture, person(2), ['m2']);
  });

  it('gives its turn back when it closes, and another one goes on with it', async () => {
    const { fixture, asked, closeGate, openGate, join } = await makeWorld();
    const closing = await join();
    closeGate();
    await closing.enqueue(messageOf(person(1), 'm1'));
    await expect.poll(() => asked.length, PATIENTLY).toBe(1);
    await closing.stop(0);
    expect(await fixture.store.record(person(1), 'm1')).toMatchObject({ state: 'queued', takeovers: 0 });
    expect(await fixture.store.heads([person(1)])).toEqual([{ owner: undefined }]);
    openGate();
    await join();
    await expectAnswered(fixture, person(1), ['m1']);
    expect(asked).toHaveLength(2);
  });

  it('whose turn was broken off by a fault lets go of it, and it is taken up again', async () => {
    const { fixture, asked, ended, join } = await makeWorld();
    let faults = 0;
    await join(4, (store) => ({
      async complete(...args) {
        faults += 1;
        if (faults === 1) throw new TypeError('a fault of the program');
        return await store.complete(...args);
      },
    })).then((worker) => worker.enqueue(messageOf(person(1), 'm1')));
    await expectAnswered(fixture, person(1), ['m1']);
    expect(asked).toHaveLength(1);
    expect(new Set(ended)).toEqual(new Set(['m1: answer to m1']));
    expect(await fixture.store.record(person(1), 'm1')).toMatchObject({ state: 'finished', attempt: 2 });
  });

  it('goes on when the order of what waits and all signs of life are deleted, and answers everything once', async () => {
    const { fixture, ended, closeGate, openGate, join } = await makeWorld();
    const workers = [await join(1), await join(1)];
    const keys = keyspace(fixture.prefix);
    closeGate();
    for (const n of [1, 2, 3, 4]) await workers[n % 2]?.enqueue(messageOf(person(n), `m${n}`));
    await fixture.redis.del(keys.ready, keys.beat('process1.1'), keys.beat('process2.1'));
    // They find out within a second, and begin anew.
    await expect.poll(() => fixture.redis.exists(keys.beat('process1.2'), keys.beat('process2.2')), PATIENTLY).toBe(2);
    openGate();
    for (const n of [1, 2, 3, 4]) await expectAnswered(fixture, person(n), [`m${n}`]);
    expect(ended.toSorted()).toEqual([1, 2, 3, 4].map((n) => `m${n}: answer to m${n}`));
  });

  it('notes again what may be lost until that has succeeded', async () => {
    const { fixture, ended, closeGate, openGate, join } = await makeWorld();
    const keys = keyspace(fixture.prefix);
    let refusals = 0;
    const worker = await join(1, (store) => ({
      async markPending(sessionIds) {
        if (refusals === 2) return await store.markPending(sessionIds);
        refusals += 1;
        throw new BotError('store_unavailable', 'Away again.', { retryable: true });
      },
    }));
    closeGate();
    for (const n of [1, 2]) await worker.enqueue(messageOf(person(n), `m${n}`));
    await expect.poll(() => fixture.store.countReady(), PATIENTLY).toBe(1);
    // As where the server of the indexes was replaced by one that is behind.
    await fixture.redis.del(keys.pending, keys.ready, keys.beat('process1.1'));
    await expect.poll(() => fixture.redis.exists(keys.beat('process1.2')), PATIENTLY).toBe(1);
    openGate();
    for (const n of [1, 2]) await expectAnswered(fixture, person(n), [`m${n}`]);
    expect(ended.toSorted()).toEqual([1, 2].map((n) => `m${n}: answer to m${n}`));
    expect(refusals).toBe(2);
  });

  it('looks at every other sign of life only while nothing waits', async () => {
    const { join } = await makeWorld();
    const calls = { beats: 0, looks: 0 };
    await join(1, (store) => ({
      beats: {
        ...store.beats,
        renew: (...args) => {
          calls.beats += 1;
          return store.beats.renew(...args);
        },
      },
      countPending() {
        calls.looks += 1;
        return store.countPending();
      },
    }));
    await expect.poll(() => calls.beats, PATIENTLY).toBeGreaterThanOrEqual(6);
    expect(calls.looks).toBeGreaterThan(1);
    expect(calls.looks).toBeLessThanOrEqual(calls.beats / 2 + 1);
  });

  it('does not run what it claimed by an answer that came too late', async () => {
    const { fixture, asked, join } = await makeWorld();
    let late = true;
    const sleeper = await join(4, (store) => ({
      async enqueue(...args) {
        const stored = await store.enqueue(...args);
        if (late) await fixture.redis.del(keyspace(fixture.prefix).beat('process1.1'));
        if (late) await expect.poll(() => fixture.redis.exists(keyspace(fixture.prefix).beat('process1.2'))).toBe(1);
        late = false;
        return stored;
      },
    }));
    await sleeper.enqueue(messageOf(person(1), 'm1'));
    expect(asked).toEqual([]);
    await expectAnswered(fixture, person(1), ['m1']);
    expect(asked).toHaveLength(1);
  });

  it('shows the note about /remember under the same answer again when that is delivered again, and under no other', async () => {
    const { fixture, ended, refuse, join } = await makeWorld();
    const worker = await join();
    const text = 'remember that I live in Oslo';
    refuse(2);
    await worker.enqueue(messageOf(person(1), 'm1', { text }));
    await expect.poll(() => fixture.store.waiting(person(1)), PATIENTLY).toEqual([]);
    await worker.enqueue(messageOf(person(1), 'm2', { text }));
    await expect.poll(() => ended.length, PATIENTLY).toBe(4);
    expect(ended).toEqual([
      ...Array.from({ length: 3 }, () => `m1: answer to ${text} (hint)`),
      `m2: answer to ${text}`,
    ]);
    expect(await contents(fixture.store, person(1))).toEqual([text, `answer to ${text}`, text, `answer to ${text}`]);
  });
});
