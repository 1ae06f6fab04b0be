/** Constants of the turn protocol (docs/turns.md). Times are in milliseconds. */

/** Failed attempts of a turn after which the bot gives up and tells the person. */
export const MAX_ATTEMPTS = 4;
/** How often a turn may be taken over from a worker that died. Then it is given up, so that the next messages are answered. */
export const MAX_TAKEOVERS = 5;
/**
 * The default of ANSWER_TIMEOUT, which limits a whole turn: one run lasts no longer, and no new attempt starts later than this after
 * the first claim, whatever the last failure was.
 */
export const TURN_BUDGET_MS = 600_000;
/** How long after ANSWER_TIMEOUT the delivery of a stored answer is retried. Then the answer stays in memory only. */
export const DELIVERY_BUDGET_MS = 15 * 60_000;
/** Interval for checking whether a running turn was stopped, forgotten, or lost to another worker. */
export const CHECK_MS = 1_000;
/** Interval of heartbeats, and of scans for waiting conversations. While nothing waits, every other scan is skipped. */
export const BEAT_MS = 1_000;
/** Interval for removing expired entries from the indexes. */
export const SWEEP_MS = 60_000;
/** Longest delay before the model is called again, unless its server asks for a longer one. */
export const MAX_BACKOFF_MS = 8_000;
