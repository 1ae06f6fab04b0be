/** Text that mentions nobody, and text without links. Pure. */

/** U+200B, zero width space: invisible, and after a `<` it breaks Slack's token. */
const BREAK = '\u200B';

/** Tokens that notify: broadcasts (`group` is an old one), user groups, people and channels. Dates notify nobody. */
const MENTION = /<(?=!(?:channel|here|everyone|group|subteam\^)|@[UWBS][A-Z0-9]|#[CDG][A-Z0-9])/gi;

/** The beginning of such a token, which the next piece of text could complete. */
const OPEN_END = /<(?:!(?:[a-z]{0,8}|subteam)|@[UWBS]?|#[CDG]?)?$/i;

/**
 * The text with its mentions broken, also in code; it reads the same. If one text begins with another, so do their escaped
 * forms, as streaming requires.
 */
export function escapeMentions(text: string): string {
  return text.replace(MENTION, `<${BREAK}`);
}

/** The beginning of a growing text that no further text can turn into a mention. */
export function stablePart(text: string): string {
  return text.replace(OPEN_END, '');
}

/** Undoes {@link escapeMentions}, for text that goes back into memory. */
export function unescapeMentions(text: string): string {
  return text.replaceAll(`<${BREAK}`, '<');
}

/**
 * For everything that is posted: Slack fetches no link to show a preview (docs.slack.dev/messaging/unfurling-links-in-messages).
 * A fetched link can carry someone's words to its server without a click.
 *
 * chat.startStream has no such argument (slackapi/node-slack-sdk#2389), so replies with links are not streamed. Edits need none:
 * Slack looks for links only when a message is posted (NousResearch/hermes-agent#97957). Nor do ephemeral messages
 * (slackapi/node-slack-sdk#614).
 */
export const NO_PREVIEWS = { unfurl_links: false, unfurl_media: false } as const;

/** A link, also in Markdown or in entities. Matches too much rather than too little: a false match only prevents streaming. */
const LINK =
  /:\/\/|\]\(|\]:|\bwww\.|&(?:#|colon;|sol;)|\\[:/]|<a\b|<(?:https?|mailto|tel|ftp|slack):|[\w-]\.[a-z]{2,24}[/?#]|[\w-]\.[a-z]{2,24}:\d/i;

/** Whether a text may hold a link. Linear: the expression has no unbounded repetition. */
export function mayHoldLink(text: string): boolean {
  return LINK.test(text);
}
