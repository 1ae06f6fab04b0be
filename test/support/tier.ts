/** How much of a test runs: `npm test` has the short tier, `npm run test:long` the long one. This is the only place that decides it. */
import { inject } from 'vitest';

declare module 'vitest' {
  interface ProvidedContext {
    /** Set by vitest.config.ts and vitest.long.config.ts. */
    tier: 'short' | 'long';
  }
}

/** The short tier has one run in so many of a property test. */
const SHORT_SHARE = 10;
/** But not fewer than this, where there are as many. */
const FEWEST_RUNS = 20;

/** How often a property is tried, or how many things there are: `full` in the long tier, a tenth of that in the short one. */
export function runs(full: number): number {
  if (inject('tier') === 'long') return full;
  return Math.min(full, Math.max(FEWEST_RUNS, Math.ceil(full / SHORT_SHARE)));
}

/** How long sequences are of which all are tried: one step shorter in the short tier. */
export function depth(full: number): number {
  return inject('tier') === 'long' ? full : full - 1;
}

/** Variants of a test: the first of them, or the first few, in the short tier; all of them in the long one. */
export function variants<const T>(all: readonly T[], short = 1): readonly T[] {
  return inject('tier') === 'long' ? all : all.slice(0, short);
}
