/** The numbers of the turn protocol (docs/turns.md). Times in milliseconds. */

/** Failed attempts of one turn, each worth a retry, after which the person is told. */
export const MAX_ATTEMPTS = 4;
/** Times a turn may be taken over from a worker that died; after one more it is given up, so that the messages after it are answered. */
export const MAX_TAKEOVERS = 5;
/**
 * The default of ANSWER_TIMEOUT, which bounds a whole turn: one run of it lasts no longer, and no new attempt begins later
 * than this after the first take, whatever the reason of the last failure.
 */
export const TURN_BUDGET_MS = 600_000;
/** How long, after ANSWER_TIMEOUT, the delivery of a stored answer is retried before the answer stays in memory only. */
export const DELIVERY_BUDGET_MS = 15 * 60_000;
/** Between two checks of whether a running turn was stopped, forgotten, or lost to another worker. */
export const CHECK_MS = 1_000;
/** Between two signs of life of a worker, and two looks at what waits; where nothing waits every other look is left out. */
export const BEAT_MS = 1_000;
/** Between two times that what is overdue is taken out of the indexes. */
export const SWEEP_MS = 60_000;
/** Longest wait before the model is asked again, unless it named a longer one. */
export const MAX_BACKOFF_MS = 8_000;
