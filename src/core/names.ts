/** Names that people chose, of themselves and of files, as they are shown to models and people. */

/** Longest name shown, in UTF-16 units; Discord's limit is 32, Slack's 80. */
const MAX_NAME = 80;

/**
 * A user-chosen name as one short line without quotation marks and without control, bidirectional or invisible characters;
 * `somebody` if nothing is left.
 */
export function cleanName(name: string): string {
  const line = name
    .replace(/\p{Cc}/gu, ' ')
    .replace(/[\p{C}\p{Default_Ignorable_Code_Point}]/gu, '')
    .replace(/\s+/gu, ' ')
    .replace(/["`\u00AB\u00BB\u201C-\u201F\uFF02]/gu, "'")
    .trim();
  return (
    line
      .slice(0, MAX_NAME)
      .replace(/[\uD800-\uDBFF]$/, '')
      .trim() || 'somebody'
  );
}
