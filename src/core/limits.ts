/** The numbers of the turn protocol (docs/turns.md). Times in milliseconds. */

/** Times the model may fail in one turn, in a way worth a retry, before the person is told. */
export const MAX_ATTEMPTS = 4;
/** Times a turn may be taken over from a worker that died; one more and it is given up, so that its successors live. */
export const MAX_TAKEOVERS = 5;
/**
 * The default of ANSWER_TIMEOUT, which bounds a whole turn: one run of it lasts no longer, and no new attempt begins later
 * than this after the first take, whatever the reason of the last failure.
 */
export const TURN_BUDGET_MS = 600_000;
/** Behind ANSWER_TIMEOUT: how long the platform is asked to take a stored answer before it is left in memory only. */
export const DELIVERY_BUDGET_MS = 15 * 60_000;
/** Between two looks at what became of a running turn (stop, forget, lost to another worker). */
export const CHECK_MS = 1_000;
/** Between two sweeps over the pending conversations. */
export const SWEEP_MS = 2_000;
/** Longest wait before the model is asked again, unless it named a longer one. */
export const MAX_BACKOFF_MS = 8_000;
