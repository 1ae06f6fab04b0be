/** Figures as people write them. */
import type { Locale } from './texts.ts';

function inUnit(count: number, unit: string, locale: Locale, maximumFractionDigits = 0): string {
  return new Intl.NumberFormat(locale, { style: 'unit', unit, unitDisplay: 'short', maximumFractionDigits }).format(
    count,
  );
}

/** The two largest units, rounded up to seconds: `1 hr 5 min`. */
export function duration(ms: number, locale: Locale): string {
  const seconds = Math.max(0, Math.ceil(ms / 1000));
  const parts = [
    { count: Math.floor(seconds / 86_400), unit: 'day' },
    { count: Math.floor(seconds / 3600) % 24, unit: 'hour' },
    { count: Math.floor(seconds / 60) % 60, unit: 'minute' },
    { count: seconds % 60, unit: 'second' },
  ];
  const first = parts.findIndex(({ count }) => count > 0);
  return parts
    .slice(first)
    .slice(0, 2)
    .filter(({ count }, index) => count > 0 || index === 0)
    .map(({ count, unit }) => inUnit(count, unit, locale))
    .join(' ');
}

/** Milliseconds below a second, else seconds with one decimal. */
export function milliseconds(ms: number, locale: Locale): string {
  return ms < 1000 ? inUnit(ms, 'millisecond', locale) : inUnit(ms / 1000, 'second', locale, 1);
}

export function bytes(count: number, locale: Locale): string {
  const units = ['byte', 'kilobyte', 'megabyte'];
  const step = Math.min(units.length, Math.floor(Math.log(Math.max(1, count)) / Math.log(1000)));
  return inUnit(count / 1000 ** step, units[step] ?? 'gigabyte', locale, step === 0 ? 0 : 1);
}
