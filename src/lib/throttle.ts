/** Limits how often a log line or a message is repeated. */

/** Returns a function that is true for a name at most once in `ms` milliseconds. */
export function createThrottle(clock: { monotonic(): number }, ms: number): (name: string) => boolean {
  /** Names and the time until which they are suppressed. In order of that time, because all are suppressed for equally long. */
  const suppressed = new Map<string, number>();
  return (name) => {
    const now = clock.monotonic();
    for (const [old, until] of suppressed) {
      if (until > now) break;
      suppressed.delete(old);
    }
    if (suppressed.has(name)) return false;
    suppressed.set(name, now + ms);
    return true;
  };
}
