/** How many tokens a request may have: what the settings or the model give, until the server tells that it is less. */
import type { MemoryWindow } from '../core/ports.ts';
import { USABLE_SHARE } from './model.ts';
import type { ContextOverflow } from './wire/overflow.ts';

export interface Budget {
  /** Estimated tokens. */
  tokens(): number;
  /** The window within it. */
  readonly window: MemoryWindow;
  /** Makes it smaller than a request that was refused. `sent`: estimated tokens of that request. */
  shrink(overflow: ContextOverflow, sent: number): void;
}

/** A request that is still too long is made smaller by at least that share. */
const STEP = 0.75;

/** What is learnt holds for as long as the process lives. */
export function createBudget(initial: number, createWindow: (maxTokens: number) => MemoryWindow): Budget {
  let tokens = initial;
  let window = createWindow(tokens);
  return {
    tokens: () => tokens,
    window: { view: (history, reserved) => window.view(history, reserved) },
    shrink({ limit, requested }, sent) {
      // The server's count of the same request, where it told one, says how far our estimates are off.
      const scale = requested === undefined ? 1 : Math.min(4, Math.max(0.25, requested / Math.max(1, sent)));
      const fits = limit === undefined ? sent * STEP : Math.floor((limit * USABLE_SHARE) / Math.max(1, scale));
      const smaller = Math.floor(Math.min(fits, sent * STEP));
      if (smaller >= tokens) return;
      tokens = Math.max(1, smaller);
      window = createWindow(tokens);
    },
  };
}
