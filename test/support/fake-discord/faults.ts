/** Faults of the fake Discord that a test can order. */

/** `lost`: the request is carried out, but the connection is cut instead of a response. `before`: cut before it is carried out. */
export type Fault =
  | { readonly kind: 'rate_limited'; readonly retryAfterS: number; readonly global?: boolean }
  | { readonly kind: 'status'; readonly status: number }
  | { readonly kind: 'lost' | 'before' }
  | { readonly kind: 'slow'; readonly ms: number }
  /** The response names another gateway. */
  | { readonly kind: 'elsewhere'; readonly gateway: string };

export interface Faults {
  /** Applies the fault to the next `times` requests with this method and a matching path. */
  add(method: string, path: RegExp, fault: Fault, times?: number): void;
  next(method: string, path: string): Fault | undefined;
  /** Ordered faults that have not occurred yet. */
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
