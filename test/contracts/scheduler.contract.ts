/** What every DrainScheduler must do. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { DrainScheduler, Lease } from '../../src/core/ports.ts';
import type { SessionId } from '../../src/core/session.ts';
import { sessionOf } from './store/support.ts';

const session = (n: number): SessionId => sessionOf({ channel: `c${n}` });

/** A drain that waits until the test lets it go. */
interface Gate {
  readonly started: readonly SessionId[];
  readonly leases: readonly Lease[];
  running(): number;
  most(): number;
  /** Lets the oldest running drain end. */
  letOneEnd(): void;
  letAllEnd(): void;
  readonly drain: (sessionId: SessionId, lease: Lease) => Promise<void>;
}

function createGate(): Gate {
  const started: SessionId[] = [];
  const leases: Lease[] = [];
  const waiting: (() => void)[] = [];
  let open = false;
  let running = 0;
  let most = 0;
  return {
    started,
    leases,
    running: () => running,
    most: () => most,
    letOneEnd: () => waiting.shift()?.(),
    letAllEnd() {
      open = true;
      for (const end of waiting.splice(0)) end();
    },
    async drain(sessionId, lease) {
      started.push(sessionId);
      leases.push(lease);
      running += 1;
      most = Math.max(most, running);
      if (!open) {
        await new Promise<void>((resolve) => {
          waiting.push(resolve);
          lease.signal.addEventListener('abort', () => resolve(), { once: true });
        });
      }
      running -= 1;
    },
  };
}

export function describeScheduler(name: string, make: () => Promise<DrainScheduler>): void {
  describe(`the DrainScheduler ${name}`, () => {
    let scheduler: DrainScheduler;
    let gate: Gate;
    beforeEach(async () => {
      scheduler = await make();
      gate = createGate();
    });
    afterEach(async () => {
      gate.letAllEnd();
      await scheduler.close(0);
    });
    const until = (condition: () => boolean) => expect.poll(condition, { timeout: 20_000, interval: 10 }).toBe(true);

    test('drains what was scheduled before and after it began to work', async () => {
      await scheduler.schedule(session(1));
      gate.letAllEnd();
      await scheduler.process(gate.drain, 4);
      await scheduler.schedule(session(2));
      await until(() => gate.started.length === 2);
      expect(new Set(gate.started)).toEqual(new Set([session(1), session(2)]));
    });

    test('drains a conversation once, however often it was scheduled while it waited', async () => {
      for (let n = 0; n < 5; n += 1) await scheduler.schedule(session(1));
      await scheduler.schedule(session(2));
      gate.letAllEnd();
      await scheduler.process(gate.drain, 1);
      await until(() => gate.started.includes(session(2)) && gate.running() === 0);
      expect(gate.started.filter((id) => id === session(1))).toHaveLength(1);
    });

    test('drains it once more when it was scheduled while it was drained, and not beside', async () => {
      await scheduler.process(gate.drain, 4);
      await scheduler.schedule(session(1));
      await until(() => gate.running() === 1);
      for (let n = 0; n < 3; n += 1) await scheduler.schedule(session(1));
      await scheduler.schedule(session(2));
      await until(() => gate.running() === 2);
      expect(gate.started).toEqual([session(1), session(2)]);
      gate.letAllEnd();
      await until(() => gate.started.length === 3 && gate.running() === 0);
      expect(gate.started[2]).toBe(session(1));
    });

    test('drains as many conversations at a time as it was told, and says when others wait', async () => {
      await scheduler.process(gate.drain, 2);
      for (const n of [1, 2]) await scheduler.schedule(session(n));
      await until(() => gate.running() === 2);
      expect(await scheduler.othersWait()).toBe(false);
      for (const n of [3, 4, 5]) await scheduler.schedule(session(n));
      await until(() => gate.started.length >= 2);
      expect(await scheduler.othersWait()).toBe(true);
      gate.letAllEnd();
      await until(() => gate.started.length === 5 && gate.running() === 0);
      expect(gate.most()).toBe(2);
    });

    test('goes on when a drain fails', async () => {
      gate.letAllEnd();
      let failures = 0;
      await scheduler.process(async (sessionId, lease) => {
        if (sessionId === session(1) && failures === 0) {
          failures += 1;
          throw new Error('the store is away');
        }
        await gate.drain(sessionId, lease);
      }, 1);
      await scheduler.schedule(session(1));
      await scheduler.schedule(session(2));
      await until(() => gate.started.includes(session(2)));
      // The sweep of the worker schedules it again.
      await scheduler.schedule(session(1));
      await until(() => gate.started.includes(session(1)));
      expect(failures).toBe(1);
    });

    test('has living leases, and ends them when the grace time is over', async () => {
      await scheduler.process(gate.drain, 4);
      await scheduler.schedule(session(1));
      await until(() => gate.running() === 1);
      const [lease] = gate.leases;
      expect(lease?.alive()).toBe(true);
      expect(lease?.signal.aborted).toBe(false);
      const closing = scheduler.close(50);
      expect(await scheduler.othersWait()).toBe(true);
      await closing;
      expect(lease?.signal.aborted).toBe(true);
      expect(lease?.alive()).toBe(false);
      expect(gate.running()).toBe(0);
    });

    test('waits for drains that end within the grace time', async () => {
      await scheduler.process(gate.drain, 4);
      await scheduler.schedule(session(1));
      await until(() => gate.running() === 1);
      const closing = scheduler.close(20_000);
      gate.letOneEnd();
      await closing;
      expect(gate.leases[0]?.signal.aborted).toBe(false);
    });
  });
}
