/** Retention of a conversation's companion keys, in seconds. */

/**
 * Index entries live this much longer than needed, so that they are renewed once in that time and not with every turn of an active
 * conversation.
 */
export const KEEP_LISTED_S = 86_400;
/** Of inboxes, unfinished turn records and idempotency keys: longer than any turn. */
export const KEEP_S = 86_400;
/** Minimum for a TTL override. */
export const KEEP_CHOICE_S = 90 * 86_400;
