/** The states of a channel worker, whatever happens in whatever order. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  INITIAL_STATE,
  transition,
  type WorkerEvent,
  type WorkerState,
} from '../../../src/adapters/discord/channels/worker-state.ts';

/** What happens to a worker. `step`: the step that is performed ends like this, if there is one. */
type Action =
  | {
      readonly act: 'event';
      readonly event: Exclude<WorkerEvent, { kind: 'queued' | 'done' | 'failed' | 'interrupted' }>;
    }
  | { readonly act: 'push' }
  | { readonly act: 'step'; readonly end: 'done' | 'failed' };

const action: fc.Arbitrary<Action> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.constantFrom<Action>(
      { act: 'step', end: 'done' },
      { act: 'step', end: 'done' },
      { act: 'step', end: 'failed' },
    ),
  },
  { weight: 3, arbitrary: fc.constant<Action>({ act: 'push' }) },
  {
    weight: 3,
    arbitrary: fc.constantFrom<Action>(
      { act: 'event', event: { kind: 'pause' } },
      { act: 'event', event: { kind: 'resume', gap: false } },
      { act: 'event', event: { kind: 'resume', gap: true } },
      { act: 'event', event: { kind: 'gap' } },
    ),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom<Action>(
      { act: 'event', event: { kind: 'stop' } },
      { act: 'event', event: { kind: 'close' } },
    ),
  },
);

interface Moment {
  readonly before: WorkerState;
  readonly action: Action;
  readonly after: WorkerState;
  /** Events in the queue, afterwards. */
  readonly queued: number;
}

/** Plays actions as the worker does: it performs one step at a time, and a step that processes takes one event. */
function play(actions: readonly Action[]): readonly Moment[] {
  let state = INITIAL_STATE;
  let queued = 0;
  return actions.map((next) => {
    const before = state;
    if (next.act === 'push') {
      queued += 1;
      state = transition(state, { kind: 'queued' }, true);
    } else if (next.act === 'event') {
      state = transition(state, next.event, queued > 0);
    } else if (state.step !== undefined) {
      if (state.step === 'process' && next.end === 'done') queued = Math.max(0, queued - 1);
      // A wait does not fail.
      state = transition(state, { kind: state.step === 'wait' ? 'done' : next.end }, queued > 0);
    }
    return { before, action: next, after: state, queued };
  });
}

function always(check: (moment: Moment, index: number, moments: readonly Moment[]) => void): void {
  fc.assert(
    fc.property(fc.array(action, { maxLength: 60 }), (actions) => play(actions).forEach(check)),
    {
      numRuns: 2_000,
    },
  );
}

test('an idle worker has nothing left to do', () => {
  always(({ after, queued }) => {
    if (after.mode === 'idle') expect([after.gap, queued]).toEqual([false, 0]);
  });
});

test('no step is chosen that processes an event while there is a gap before it', () => {
  always(({ before, after }) => {
    if (after !== before && before.step !== 'process' && after.step === 'process') expect(after.gap).toBe(false);
  });
});

test('a gap is closed only by a catch-up that begins after it, and a failure always leaves one', () => {
  always(({ before, action: { act }, after }) => {
    if (before.gap && !after.gap && after.mode !== 'closed') expect(after.step).toBe('catch-up');
    if (act === 'step' && after.step === 'wait' && before.step !== 'wait') expect(after.gap).toBe(true);
  });
});

test('only a step’s end ends a step, except for closing and stopping', () => {
  always(({ before, action: next, after }) => {
    if (before.step === undefined || next.act === 'step' || ['stopped', 'closed'].includes(after.mode)) return;
    expect(after.step).toBe(before.step);
  });
});

test('a paused worker begins nothing until it is resumed', () => {
  always(({ before, action: next, after }) => {
    if (before.mode !== 'paused' || (next.act === 'event' && next.event.kind === 'resume')) return;
    expect(after.step).toBeUndefined();
  });
});

test('a stopped worker begins no catch-up and does not wait; it and a closed one stay so', () => {
  always(({ before, after }) => {
    if (before.mode === 'draining' && after !== before)
      expect(['process', before.step, undefined]).toContain(after.step);
    if (before.mode === 'stopped') expect(['stopped', 'closed']).toContain(after.mode);
    if (before.mode === 'closed') expect(after).toBe(before);
  });
});

test('whatever happened: once it is resumed and its steps succeed, everything is processed and it is idle', () => {
  fc.assert(
    fc.property(fc.array(action, { maxLength: 60 }), (actions) => {
      const kept = actions.filter((next) => next.act !== 'event' || !['stop', 'close'].includes(next.event.kind));
      const resumed: Action = { act: 'event', event: { kind: 'resume', gap: false } };
      const steps = Array.from({ length: 2 * actions.length + 4 }, (): Action => ({ act: 'step', end: 'done' }));
      const last = play([...kept, resumed, ...steps]).at(-1);
      expect([last?.after.mode, last?.queued]).toEqual(['idle', 0]);
    }),
    { numRuns: 2_000 },
  );
});

test('every mode is reached', () => {
  const modes = new Set<string>();
  always(({ after }) => void modes.add(after.mode));
  expect([...modes].sort()).toEqual(['closed', 'draining', 'idle', 'paused', 'pausing', 'stopped', 'working']);
});
