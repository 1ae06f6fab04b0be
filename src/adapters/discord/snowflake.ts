/** Discord's ids (snowflakes): 64-bit numbers as decimal digits. A greater id is a later message. */

/** Unix milliseconds of the snowflake 0. https://docs.discord.com/developers/reference#snowflakes */
const EPOCH_MS = 1_420_070_400_000;
/** Bits below the timestamp. */
const TIME_SHIFT = 22n;

/** Less than any id. */
export const LOWEST = '0';

export function isNewer(id: string, than: string): boolean {
  return id.length === than.length ? id > than : id.length > than.length;
}

export function newest(one: string, other: string): string {
  return isNewer(other, one) ? other : one;
}

/** The greatest id that is smaller. */
export function justBefore(id: string): string {
  return String(BigInt(id) - 1n);
}

/** The smallest id of this instant, in Unix milliseconds. */
export function firstAt(unixMs: number): string {
  return String(BigInt(Math.max(0, unixMs - EPOCH_MS)) << TIME_SHIFT);
}

/** Unix milliseconds. */
export function timeOf(id: string): number {
  return Number(BigInt(id) >> TIME_SHIFT) + EPOCH_MS;
}
