/** A bounded set of names that expire. */

/** Maximum number of names: a few megabytes. */
const MOST = 20_000;

export interface Recently {
  has(name: string): boolean;
  add(name: string): void;
}

/** @param ms milliseconds until a name expires */
export function createRecently(ms: number): Recently {
  const at = new Map<string, number>();
  return {
    has: (name) => performance.now() - (at.get(name) ?? Number.NEGATIVE_INFINITY) < ms,
    add(name) {
      at.delete(name);
      at.set(name, performance.now());
      const [oldest] = at.keys();
      if (at.size > MOST && oldest !== undefined) at.delete(oldest);
    },
  };
}
