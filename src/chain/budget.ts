/** How many tokens a request may have: by the settings or the model, or fewer once the server has reported a lower limit. */
import { USABLE_SHARE } from './model.ts';
import type { ContextOverflow } from './wire/overflow.ts';

export interface Budget {
  /** Estimated tokens. */
  tokens(): number;
  /** Lowers the budget below a refused request. `sent`: estimated tokens of that request. */
  shrink(overflow: ContextOverflow, sent: number): void;
}

/** A request that is still too long is reduced at least to this share. */
const STEP = 0.75;

/** A lowered budget stays for the lifetime of the process. */
export function createBudget(initial: number): Budget {
  let tokens = initial;
  return {
    tokens: () => tokens,
    shrink({ limit, requested }, sent) {
      // The server's count of the same request, if it reports one, shows how far off our estimate is.
      const scale = requested === undefined ? 1 : Math.min(4, Math.max(0.25, requested / Math.max(1, sent)));
      const fits = limit === undefined ? sent * STEP : Math.floor((limit * USABLE_SHARE) / Math.max(1, scale));
      const smaller = Math.floor(Math.min(fits, sent * STEP));
      if (smaller < tokens) tokens = Math.max(1, smaller);
    },
  };
}
