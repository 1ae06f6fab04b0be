/** What the recording platform does wrong, on a script or by chance; chance is seeded, so a run can be had again. */

export type Route = 'post' | 'edit' | 'remove' | 'find' | 'think' | 'answer';

/**
 * `slow`: done late. `rate_limited`: 429, not done. `server_error`: 500, not done. `server_error_after`: done, but 500.
 * `refused`: 403, not done. `lost`: done, but the connection breaks before the answer. `cut`: the connection breaks and it
 * is not done. `hang`: neither done nor answered.
 */
export type FaultKind =
  | 'slow'
  | 'rate_limited'
  | 'server_error'
  | 'server_error_after'
  | 'refused'
  | 'lost'
  | 'cut'
  | 'hang';

export interface Fault {
  readonly kind: FaultKind;
  /** Milliseconds: how slow, or how long the rate limit holds. */
  readonly ms: number;
}

/** Strikes the requests that match all of what is named, `times` of them (default: 1). */
export interface ScriptedFault {
  readonly route: Route;
  readonly kind: FaultKind;
  readonly ms?: number;
  readonly trigger?: string;
  readonly part?: number;
  readonly times?: number;
}

/** Per route and kind: how likely it is to strike a request, 0 to 1. */
export type FaultRates = { readonly [R in Route]?: { readonly [K in FaultKind]?: number } };

export interface Faults {
  inject(fault: ScriptedFault): void;
  setRates(rates: FaultRates): void;
  /** What strikes this request; scripted ones first. */
  next(request: { readonly route: Route; readonly trigger?: string; readonly part?: number }): Fault | undefined;
}

const DEFAULT_MS = 200;

export function createFaults(random: () => number): Faults {
  const scripted: (ScriptedFault & { left: number })[] = [];
  let rates: FaultRates = {};
  return {
    inject(fault) {
      scripted.push({ ...fault, left: fault.times ?? 1 });
    },
    setRates(next) {
      rates = next;
    },
    next({ route, trigger, part }) {
      const match = scripted.find(
        (fault) =>
          fault.left > 0 &&
          fault.route === route &&
          (fault.trigger === undefined || fault.trigger === trigger) &&
          (fault.part === undefined || fault.part === part),
      );
      if (match !== undefined) {
        match.left -= 1;
        return { kind: match.kind, ms: match.ms ?? DEFAULT_MS };
      }
      for (const [kind, rate] of Object.entries(rates[route] ?? {})) {
        if (isFaultKind(kind) && random() < rate) return { kind, ms: 1 + Math.floor(random() * DEFAULT_MS) };
      }
      return undefined;
    },
  };
}

const KINDS: readonly string[] = [
  'slow',
  'rate_limited',
  'server_error',
  'server_error_after',
  'refused',
  'lost',
  'cut',
  'hang',
] satisfies FaultKind[];

function isFaultKind(kind: string): kind is FaultKind {
  return KINDS.includes(kind);
}

/** Random numbers from 0 to below 1 that are the same for the same seed (mulberry32). */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
