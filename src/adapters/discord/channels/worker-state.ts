/**
 * The states of a channel worker. Pure: the worker applies an event, then performs the step that the new state asks for.
 *
 *                 resume                 gap, queued
 *     paused ───────────────▶ idle ────────────────────▶ working
 *        ▲                     ▲                         │  │  ▲
 *        │ done                └──── done, nothing left ─┘  │  │
 *        │                                            pause ▼  │ resume
 *        └───────────────────────────────────────────── pausing
 *
 *     working ─ stop ─▶ draining ─ done, nothing left; failed ─▶ stopped        paused, pausing, idle ─ stop ─▶ stopped
 *     any ─ close ─▶ closed
 *
 * Steps of a worker that works:
 *
 *     catch-up   while there is a gap: what was missed comes before anything newer, else the cursor would pass it
 *     process    one event of the queue
 *     wait       after a failure, which leaves a gap; then catch up
 */

export type Step = 'catch-up' | 'process' | 'wait';

interface Progress {
  /** Messages may have been missed since the last catch-up began. */
  readonly gap: boolean;
  /** Failures in a row. */
  readonly failures: number;
}

export type WorkerState = Progress &
  (
    | {
        /**
         * `paused`: events are only queued. `idle`: nothing to do. `stopped`: the process ends. `closed`: the channel is gone,
         * for good.
         */
        readonly mode: 'paused' | 'idle' | 'stopped' | 'closed';
        readonly step?: never;
      }
    | {
        /** `pausing`: paused once the step is done. `draining`: the process ends; the queue is emptied if nothing was missed. */
        readonly mode: 'working' | 'pausing' | 'draining';
        /** The step that is performed now. */
        readonly step: Step;
      }
  );

export type WorkerEvent =
  | { readonly kind: 'pause' | 'stop' | 'close' }
  /** `gap`: messages may have been missed meanwhile. */
  | { readonly kind: 'resume'; readonly gap: boolean }
  /** An event was added to the queue. */
  | { readonly kind: 'queued' }
  /** A message was missed. */
  | { readonly kind: 'gap' }
  /** How the step ended. `interrupted`: the catch-up ended early, because the worker was stopped or closed. */
  | { readonly kind: 'done' | 'failed' | 'interrupted' };

/** A worker begins paused: what the registry knows of the channel has to be read first. */
export const INITIAL_STATE: WorkerState = { mode: 'paused', gap: false, failures: 0 };

/** @param queued The queue holds at least one event. */
export function transition(state: WorkerState, event: WorkerEvent, queued: boolean): WorkerState {
  const { gap, failures } = state;
  if (state.mode === 'closed') return state;
  switch (event.kind) {
    case 'close':
      return { mode: 'closed', gap: false, failures };
    case 'stop':
      if (state.mode === 'draining') return state;
      // A wait is always followed by a catch-up, which a worker that stops does not begin any more.
      if (state.mode !== 'working' || state.step === 'wait') return { mode: 'stopped', gap, failures };
      return { ...state, mode: 'draining' };
    case 'pause':
      if (state.mode === 'working') return { ...state, mode: 'pausing' };
      return state.mode === 'idle' ? { mode: 'paused', gap, failures } : state;
    case 'resume': {
      const resumed = { ...state, gap: gap || event.gap };
      if (resumed.mode === 'pausing') return { ...resumed, mode: 'working' };
      return resumed.mode === 'paused' || resumed.mode === 'idle' ? nextStep(resumed, queued) : resumed;
    }
    case 'queued':
      return state.mode === 'idle' ? nextStep(state, queued) : state;
    case 'gap':
      return state.mode === 'idle' ? nextStep({ gap: true, failures }, queued) : { ...state, gap: true };
    case 'done':
      return afterStep(state, gap, queued);
    case 'interrupted':
      return afterStep(state, true, queued);
    case 'failed':
      if (state.mode !== 'working' && state.mode !== 'pausing') return afterStep(state, true, queued);
      return { mode: state.mode, step: 'wait', gap: true, failures: failures + 1 };
  }
}

function afterStep(state: WorkerState, gap: boolean, queued: boolean): WorkerState {
  const failures = state.step === 'wait' ? state.failures : 0;
  switch (state.mode) {
    case 'working':
      return nextStep({ gap, failures }, queued);
    case 'pausing':
      return { mode: 'paused', gap, failures };
    case 'draining':
      return gap || !queued ? { mode: 'stopped', gap, failures } : { mode: 'draining', step: 'process', gap, failures };
    case 'paused':
    case 'idle':
    case 'stopped':
    case 'closed':
      return { ...state, gap };
  }
}

function nextStep({ gap, failures }: Progress, queued: boolean): WorkerState {
  // What is missed while it catches up is another gap.
  if (gap) return { mode: 'working', step: 'catch-up', gap: false, failures };
  return queued ? { mode: 'working', step: 'process', gap, failures } : { mode: 'idle', gap, failures };
}
