const SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 };

/**
 * Reads `600`, `90s`, `10m`, `2h`, `7d` (whole seconds come out) or `default`. Undefined for anything else: signs,
 * fractions, other units, more than ten digits. Zero and what is out of bounds is read; bounds are the caller's business.
 */
export function parseDuration(text: string): number | 'default' | undefined {
  const lower = text.toLowerCase();
  if (lower === 'default') return 'default';
  const match = /^(\d{1,10})([smhd]?)$/.exec(lower);
  if (match === null) return undefined;
  const [, digits = '', unit = ''] = match;
  return Number(digits) * (SECONDS[unit] ?? 1);
}
