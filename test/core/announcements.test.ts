import { describe, expect, it } from 'vitest';
import { createLogger } from '../../src/app/log.ts';
import { type Announcements, createAnnouncements } from '../../src/core/announcements.ts';
import type { Signals } from '../../src/core/ports.ts';
import type { TurnCheck } from '../../src/core/store.ts';
import { createRunningTurns } from '../../src/core/turn-watch.ts';
import type { JsonValue } from '../../src/core/types.ts';
import { sessionOf } from '../contracts/store/support.ts';

const SESSION = sessionOf();
const logger = createLogger({ level: 'silent', secrets: [] });

/** Processes on one wire, whose every word is kept. */
function createWire() {
  const ears = new Map<string, (payload: JsonValue) => void>();
  const sent: { readonly to: string; readonly payload: JsonValue }[] = [];
  const signalsOf = (process: string): Signals => ({
    process,
    async send(to, payload) {
      sent.push({ to, payload });
      ears.get(to)?.(payload);
    },
    async broadcast(payload) {
      sent.push({ to: 'all', payload });
      for (const [name, ear] of ears) if (name !== process) ear(payload);
    },
    async listen(listener) {
      ears.set(process, listener);
    },
  });
  return {
    sent,
    whisper: (to: string, payload: JsonValue) => ears.get(to)?.(payload),
    async join(process: string) {
      const running = createRunningTurns(process);
      const announcements = createAnnouncements({ signals: signalsOf(process), running, logger });
      await announcements.start();
      return { running, announcements };
    },
  };
}

/** Runs turn m1 in a process whose record names these followers. */
function run({ running }: Awaited<ReturnType<ReturnType<typeof createWire>['join']>>, followers: string[] = []) {
  const repeats: number[] = [];
  const check: TurnCheck = { state: 'held', followers };
  const watch = running.watch(
    { sessionId: SESSION, turnId: 'm1', token: 'here.1:1' },
    { signal: new AbortController().signal, alive: () => true },
    { check: async () => check, followers: [...followers], repeat: () => repeats.push(1) },
  );
  return { watch, repeats };
}

function hear(announcements: Announcements): JsonValue[] {
  const heard: JsonValue[] = [];
  announcements.follow(SESSION, 'm1', (event) => heard.push(event));
  return heard;
}

describe('what is announced of a turn', () => {
  it('is heard in its own process, and sent to nobody when nobody else follows', async () => {
    const wire = createWire();
    const here = await wire.join('here');
    await wire.join('there');
    const { watch } = run(here, ['here']);
    const heard = hear(here.announcements);
    await here.announcements.announce(SESSION, 'm1', 'text');
    expect(heard).toEqual(['text']);
    expect(wire.sent).toEqual([]);
    watch.end();
  });

  it('is sent to the processes that the record names, and to them alone', async () => {
    const wire = createWire();
    const here = await wire.join('here');
    const there = await wire.join('there');
    const { watch } = run(here, ['there']);
    const heard = hear(there.announcements);
    await here.announcements.announce(SESSION, 'm1', 'text');
    expect(heard).toEqual(['text']);
    expect(wire.sent.map(({ to }) => to)).toEqual(['there']);
    watch.end();
  });

  it('is told whole again when somebody comes in the middle of it, here or in another process', async () => {
    const wire = createWire();
    const here = await wire.join('here');
    const followers: string[] = [];
    const { watch, repeats } = run(here, followers);
    hear(here.announcements);
    expect(repeats).toHaveLength(1);
    await watch.checkNow();
    expect(repeats).toHaveLength(1);
    followers.push('there');
    await watch.checkNow();
    expect(repeats).toHaveLength(2);
    watch.end();
  });

  it('is not heard any more by who has left', async () => {
    const wire = createWire();
    const { announcements } = await wire.join('here');
    const heard: JsonValue[] = [];
    const leave = announcements.follow(SESSION, 'm1', (event) => heard.push(event));
    expect(announcements.isFollowed(SESSION, 'm1')).toBe(true);
    leave();
    expect(announcements.isFollowed(SESSION, 'm1')).toBe(false);
    await announcements.announce(SESSION, 'm1', 'late');
    expect(heard).toEqual([]);
  });

  it('reaches everybody when the turn does not run here', async () => {
    const wire = createWire();
    const here = await wire.join('here');
    const there = await wire.join('there');
    const heard = hear(there.announcements);
    await here.announcements.announce(SESSION, 'm1', 'changed');
    expect(heard).toEqual(['changed']);
  });
});

describe('a running turn', () => {
  it('looks at its record when another process says so', async () => {
    const wire = createWire();
    const here = await wire.join('here');
    const there = await wire.join('there');
    let looks = 0;
    const watch = here.running.watch(
      { sessionId: SESSION, turnId: 'm1', token: 'here.1:1' },
      { signal: new AbortController().signal, alive: () => true },
      {
        async check() {
          looks += 1;
          return { state: 'stopped', followers: [] };
        },
        followers: [],
        repeat() {},
      },
    );
    await there.announcements.wake(SESSION, 'other');
    expect(looks).toBe(0);
    await there.announcements.wake(SESSION, 'm1');
    await expect.poll(() => watch.interruption()).toBe('stopped');
    watch.end();
  });

  it('is not disturbed by what nobody can read', async () => {
    const wire = createWire();
    const here = await wire.join('here');
    const heard = hear(here.announcements);
    const stranger = { kind: 'event', sessionId: 'no session', turnId: 'm1', event: 1 };
    const unknown: JsonValue[] = [null, 'x', { kind: 'other' }, stranger, { kind: 'event', sessionId: SESSION }];
    for (const payload of unknown) wire.whisper('here', payload);
    expect(heard).toEqual([]);
  });
});
