/** Bounds the bytes of large request bodies that this process holds at once, across all requests. */

/**
 * A body takes several times its size while it is received, parsed and stored (the chunks, their text, the parsed strings, the
 * stored message), so that this is about 150 MB at most.
 */
const MAX_BYTES = 32_000_000;

export interface BodyRoom {
  /** Reserves room for a body; gives the function that frees it (once), or undefined when there is not enough room now. */
  take(bytes: number): (() => void) | undefined;
}

export function createBodyRoom(maxBytes = MAX_BYTES): BodyRoom {
  let used = 0;
  return {
    take(bytes) {
      if (used + bytes > maxBytes) return undefined;
      used += bytes;
      let held = bytes;
      return () => {
        used -= held;
        held = 0;
      };
    },
  };
}
