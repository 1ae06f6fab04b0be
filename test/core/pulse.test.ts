import { describe, expect, it } from 'vitest';
import { createLogger } from '../../src/app/log.ts';
import { createHeartbeat } from '../../src/core/heartbeat.ts';
import { createPulse, type Held } from '../../src/core/pulse.ts';
import type { Beats } from '../../src/core/store.ts';

const logger = createLogger({ level: 'silent', secrets: [] });

/** Signs of life on a store whose answers, and a clock whose time, are the test's. */
function createBench(lifeMs = 3_000) {
  const listings = new Map<string, string>();
  let now = 1_000_000;
  let wall = 0;
  let answer: 'at once' | 'lost' | 'late' = 'at once';
  const late: (() => void)[] = [];
  const reply = async <T>(value: T): Promise<T> => {
    if (answer === 'lost') throw new Error('The answer was lost.');
    if (answer === 'late') await new Promise<void>((resolve) => late.push(resolve));
    return value;
  };
  const beats: Beats = {
    lifeMs,
    async begin(incarnation, listing) {
      if (listings.has(incarnation)) return false;
      listings.set(incarnation, listing);
      return await reply(true);
    },
    async renew(incarnation, listing) {
      if (!listings.has(incarnation)) return await reply('gone');
      listings.set(incarnation, listing);
      return await reply('renewed');
    },
    async end(incarnation) {
      listings.delete(incarnation);
    },
    read: async (incarnations) => incarnations.map((incarnation) => listings.get(incarnation)),
  };
  const clock = { now: () => now + wall, monotonic: () => now };
  const heartbeat = createHeartbeat(clock);
  let renewed = 0;
  const pulse = createPulse({
    ...{ beats, process: 'p', clock, heartbeat, logger },
    onRenewed() {
      renewed += 1;
    },
  });
  return {
    ...{ pulse, listings, heartbeat },
    renewed: () => renewed,
    pass(ms: number) {
      now += ms;
    },
    setClock(ms: number) {
      wall += ms;
    },
    answers(how: typeof answer) {
      answer = how;
    },
    letLateComeIn() {
      for (const resolve of late.splice(0)) resolve();
    },
    hold(): Held {
      const held = pulse.hold();
      if (held === undefined) throw new Error('No incarnation lives.');
      return held;
    },
  };
}

describe('the sign of life of a worker', () => {
  it('is acknowledged before anything is held', async () => {
    const bench = createBench();
    expect(bench.pulse.hold()).toBeUndefined();
    bench.answers('lost');
    await bench.pulse.beat();
    expect(bench.pulse.hold()).toBeUndefined();
    bench.answers('at once');
    await bench.pulse.beat();
    expect(bench.hold().lease.alive()).toBe(true);
  });

  it('lists what runs, so that neither that nor what is not known yet is an orphan', async () => {
    const bench = createBench();
    await bench.pulse.beat();
    const [first, second] = [bench.hold(), bench.hold()];
    const tokens = [first.token, second.token];
    expect(new Set(tokens).size).toBe(2);
    expect(await bench.pulse.orphans(tokens)).toEqual(new Set());
    await bench.pulse.beat();
    first.release();
    expect(await bench.pulse.orphans(tokens)).toEqual(new Set());
    await bench.pulse.beat();
    expect(await bench.pulse.orphans([...tokens, 'other.1:1', 'nonsense', ''])).toEqual(
      new Set([first.token, 'other.1:1', 'nonsense', '']),
    );
  });

  it.each(['monotonic', 'wall'] as const)(
    'ends each lease 3 s after its last beat was sent, by the %s clock',
    async (which) => {
      const bench = createBench();
      await bench.pulse.beat();
      const { lease } = bench.hold();
      const pass = which === 'wall' ? bench.setClock : bench.pass;
      pass(2_999);
      expect(lease.alive()).toBe(true);
      pass(1);
      expect(lease.alive()).toBe(false);
      expect(bench.pulse.hold()).toBeUndefined();
    },
  );

  it('is counted from when it was sent, and not from when its answer came', async () => {
    const bench = createBench();
    await bench.pulse.beat();
    const { lease } = bench.hold();
    bench.answers('late');
    bench.pass(1_000);
    const beating = bench.pulse.beat();
    bench.pass(1_900);
    bench.letLateComeIn();
    await beating;
    bench.pass(2_099);
    expect(lease.alive()).toBe(false);
  });

  it('that lapsed for half a second ends nothing', async () => {
    const bench = createBench();
    await bench.pulse.beat();
    const { lease, token } = bench.hold();
    bench.answers('lost');
    bench.pass(1_500);
    await bench.pulse.beat();
    bench.answers('at once');
    bench.pass(1_000);
    await bench.pulse.beat();
    expect(lease.alive()).toBe(true);
    bench.pass(2_500);
    expect(lease.alive()).toBe(true);
    expect(await bench.pulse.orphans([token])).toEqual(new Set());
  });

  it('that comes too late ends the incarnation for ever: its turns are aborted, and the next one begins', async () => {
    const bench = createBench();
    await bench.pulse.beat();
    const before = bench.hold();
    bench.pass(3_000);
    await bench.pulse.beat();
    expect(before.lease.signal.aborted).toBe(true);
    expect(before.lease.alive()).toBe(false);
    const after = bench.hold();
    expect(after.token.split(':')[0]).not.toBe(before.token.split(':')[0]);
    expect(after.lease.alive()).toBe(true);
    expect(bench.renewed()).toBe(1);
  });

  it('that is gone from the store ends the incarnation', async () => {
    const bench = createBench();
    await bench.pulse.beat();
    const { lease, token } = bench.hold();
    bench.listings.clear();
    expect(await bench.pulse.orphans([token])).toEqual(new Set([token]));
    await bench.pulse.beat();
    expect(lease.signal.aborted).toBe(true);
    expect(bench.hold().token).not.toBe(token);
  });

  it('ends leases only at the end of the process where nobody else can take the turns', async () => {
    const bench = createBench(Number.POSITIVE_INFINITY);
    await bench.pulse.beat();
    const { lease } = bench.hold();
    bench.pass(3_600_000);
    expect(lease.alive()).toBe(true);
    await bench.pulse.beat();
    expect(lease.alive()).toBe(true);
    bench.pulse.abortAll();
    expect(lease.signal.aborted).toBe(true);
    await bench.pulse.end();
    expect(bench.listings.size).toBe(0);
    await bench.pulse.beat();
    expect(bench.listings.size).toBe(0);
    expect(bench.pulse.hold()).toBeUndefined();
  });

  it('ends the lease of a turn that was revoked, and of no other', async () => {
    const bench = createBench();
    await bench.pulse.beat();
    const [first, second] = [bench.hold(), bench.hold()];
    first.revoke();
    await bench.pulse.beat();
    expect([first.lease.alive(), second.lease.alive()]).toEqual([false, true]);
    expect(await bench.pulse.orphans([first.token, second.token])).toEqual(new Set([first.token]));
  });
});
