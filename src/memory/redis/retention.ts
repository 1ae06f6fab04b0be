/** How long the companions of a conversation are kept, in seconds. */

/**
 * What an index is given beyond what is needed, so that a conversation that goes on needs its people listed anew once in that
 * time and not at every turn.
 */
export const KEEP_LISTED_S = 86_400;
/** Inboxes, unfinished records and idempotency keys: longer than any turn. */
export const KEEP_S = 86_400;
/** A TTL choice, at least. */
export const KEEP_CHOICE_S = 90 * 86_400;
