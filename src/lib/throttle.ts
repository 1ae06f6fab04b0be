/** What is worth saying once in a while, and not each time that it is noticed. */

/**
 * Makes a function that is true for a name when it was not asked for that name in the last `ms` milliseconds with the
 * answer true.
 */
export function createThrottle(clock: { monotonic(): number }, ms: number): (name: string) => boolean {
  /** Name to the end of its silence, in order: all silences have the same length. */
  const silent = new Map<string, number>();
  return (name) => {
    const now = clock.monotonic();
    for (const [old, until] of silent) {
      if (until > now) break;
      silent.delete(old);
    }
    if (silent.has(name)) return false;
    silent.set(name, now + ms);
    return true;
  };
}
