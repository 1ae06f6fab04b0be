/** What `npm run soak` is told on the command line. */
import { parseArgs } from 'node:util';

export interface SoakOptions {
  /** How long people talk, in minutes; the end of what they began comes behind it. */
  readonly minutes: number;
  readonly seed: number;
  /** Messages per second, on all platforms together. */
  readonly rate: number;
  readonly replicas: number;
  readonly verbose: boolean;
}

export const USAGE = 'npm run soak -- [--minutes N] [--seed N] [--rate messages/s] [--replicas N] [--verbose]';

/** @throws Error that names what is wrong, for whoever typed it */
export function readOptions(args: readonly string[], now: number): SoakOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      minutes: { type: 'string', default: '10' },
      seed: { type: 'string', default: String(now % 1_000_000) },
      rate: { type: 'string', default: '8' },
      replicas: { type: 'string', default: '3' },
      verbose: { type: 'boolean', default: false },
    },
  });
  return {
    minutes: numberOf('minutes', values.minutes, { min: 0.1, max: 7 * 24 * 60 }),
    seed: wholeOf('seed', values.seed, { min: 0, max: Number.MAX_SAFE_INTEGER }),
    rate: numberOf('rate', values.rate, { min: 0.1, max: 1_000 }),
    // One is never killed, so one alone would never be; Slack gives an app at most 10 sockets.
    replicas: wholeOf('replicas', values.replicas, { min: 2, max: 8 }),
    verbose: values.verbose,
  };
}

interface Bounds {
  readonly min: number;
  readonly max: number;
}

function numberOf(name: string, text: string, { min, max }: Bounds): number {
  const value = /^\d+(\.\d+)?$/.test(text) ? Number(text) : Number.NaN;
  if (!(value >= min && value <= max))
    throw new Error(`--${name} must be a number from ${min} to ${max}, not "${text}".`);
  return value;
}

function wholeOf(name: string, text: string, bounds: Bounds): number {
  const value = numberOf(name, text, bounds);
  if (!Number.isInteger(value)) throw new Error(`--${name} must be a whole number, not "${text}".`);
  return value;
}
