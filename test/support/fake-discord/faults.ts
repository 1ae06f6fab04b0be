/** What goes wrong at the fake Discord, when a test says so. */

/** `lost`: done, and the answer never comes (the connection is cut). `before`: cut before anything is done. */
export type Fault =
  | { readonly kind: 'rate_limited'; readonly retryAfterS: number; readonly global?: boolean }
  | { readonly kind: 'status'; readonly status: number }
  | { readonly kind: 'lost' | 'before' }
  | { readonly kind: 'slow'; readonly ms: number }
  /** The answer names another gateway. */
  | { readonly kind: 'elsewhere'; readonly gateway: string };

export interface Faults {
  /** The next `times` requests of this method whose path matches meet with the fault. */
  add(method: string, path: RegExp, fault: Fault, times?: number): void;
  next(method: string, path: string): Fault | undefined;
  /** Faults that nothing met with yet. */
  left(): number;
}

export function createFaults(): Faults {
  const planned: { readonly method: string; readonly path: RegExp; readonly fault: Fault; times: number }[] = [];
  return {
    add: (method, path, fault, times = 1) => void planned.push({ method, path, fault, times }),
    next(method, path) {
      const found = planned.find((each) => each.times > 0 && each.method === method && each.path.test(path));
      if (found === undefined) return undefined;
      found.times -= 1;
      return found.fault;
    },
    left: () => planned.reduce((sum, { times }) => sum + times, 0),
  };
}
