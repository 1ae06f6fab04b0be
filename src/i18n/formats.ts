/** Numbers, durations and dates in a person's language, all by Intl. */
import type { Locale } from '../core/types.ts';

export interface Formats {
  number(value: number): string;
  /** `one` or `many` with its number, for languages that tell them apart. */
  plural(value: number, one: string, many: string): string;
  /** A setting, exactly: 5400 seconds are "1 hour, 30 minutes". */
  exactly(seconds: number): string;
  /** What is left or has passed, in its two greatest units; parts of a second count as one. */
  roughly(ms: number): string;
  bytes(count: number): string;
  /** Date and time of day, without the zone. */
  time(unixMs: number): string;
  /** The zone that `time` shows. */
  readonly timeZone: string;
  /** "a, b, and c" */
  list(items: readonly string[]): string;
}

const UNITS = [
  ['day', 86_400],
  ['hour', 3600],
  ['minute', 60],
  ['second', 1],
] as const;

/** @param timeZone IANA name; one that this Node does not know (it comes from a platform) becomes UTC. */
export function createFormats(locale: Locale, timeZone = 'UTC'): Formats {
  const number = (value: number) => new Intl.NumberFormat(locale, { maximumFractionDigits: 1 }).format(value);
  const unit = (value: number, name: string, display: 'long' | 'short') =>
    new Intl.NumberFormat(locale, { style: 'unit', unit: name, unitDisplay: display, maximumFractionDigits: 1 }).format(
      value,
    );

  function duration(seconds: number, parts: number): string {
    const counted = UNITS.map(([name, size], index) => {
      const greater = UNITS[index - 1]?.[1] ?? Number.POSITIVE_INFINITY;
      return { name, value: Math.floor((seconds % greater) / size) };
    });
    const first = counted.findIndex(({ value }) => value > 0);
    if (first === -1) return unit(0, 'second', 'long');
    const shown = counted.slice(first, first + parts).filter(({ value }) => value > 0);
    return new Intl.ListFormat(locale, { type: 'unit', style: 'long' }).format(
      shown.map(({ name, value }) => unit(value, name, 'long')),
    );
  }

  const zone = knownZone(timeZone);
  return {
    number,
    plural: (value, one, many) =>
      `${number(value)} ${new Intl.PluralRules(locale).select(value) === 'one' ? one : many}`,
    exactly: (seconds) => duration(seconds, UNITS.length),
    roughly: (ms) => duration(Math.max(1, Math.ceil(ms / 1000)), 2),
    bytes: (count) => {
      if (count < 1000) return unit(count, 'byte', 'long');
      return count < 1_000_000 ? unit(count / 1000, 'kilobyte', 'short') : unit(count / 1_000_000, 'megabyte', 'short');
    },
    time: (unixMs) =>
      new Intl.DateTimeFormat(locale, { dateStyle: 'medium', timeStyle: 'short', timeZone: zone }).format(unixMs),
    timeZone: zone,
    list: (items) => new Intl.ListFormat(locale, { type: 'conjunction', style: 'long' }).format(items),
  };
}

function knownZone(timeZone: string): string {
  // Asking costs more than all the rest, and texts are made for every reply.
  if (timeZone === 'UTC') return timeZone;
  try {
    return new Intl.DateTimeFormat('en', { timeZone }).resolvedOptions().timeZone;
  } catch {
    return 'UTC';
  }
}
