/** For log lines and notices that would otherwise be repeated at every occurrence. */

/** Makes a function that is true for a name at most once in `ms` milliseconds. */
export function createThrottle(clock: { monotonic(): number }, ms: number): (name: string) => boolean {
  /** From a name to the time until which it is suppressed, oldest first: all are suppressed for equally long. */
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
