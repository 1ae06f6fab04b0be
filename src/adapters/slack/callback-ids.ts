/** By what Slack's buttons and shortcuts are known again. */

/** The beginning of a message shortcut's callback_id; the command's name follows. */
export const SHORTCUT_PREFIX = 'memory_';
export const SHORTCUT_IDS = /^memory_/;

/** The beginning of every action_id; what is meant stands in the value. */
export const ACTION_PREFIX = 'memory_';
export const ACTION_IDS = /^memory_/;
