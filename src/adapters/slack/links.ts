/**
 * What Slack might fetch by itself, to show a preview: whoever writes a link with somebody's words in it would get them without
 * a click. Posts say that nothing is to be unfurled. Streams can't: chat.startStream takes no such argument
 * (slackapi/node-slack-sdk#2389), so they carry no links. Edits bring no previews: Slack looks for links when a message is
 * posted (NousResearch/hermes-agent#97957). Ephemeral messages have none (slackapi/node-slack-sdk#614).
 */

/** For everything that is posted (docs.slack.dev/messaging/unfurling-links-in-messages). */
export const NO_PREVIEWS = { unfurl_links: false, unfurl_media: false } as const;

/**
 * An address, also one in Markdown or in entities; in doubt too much is taken for one: it only costs the reply its stream.
 * Linear: no repetition without a bound.
 */
const LINK =
  /:\/\/|\]\(|\]:|\bwww\.|&(?:#|colon;|sol;)|\\[:/]|<a\b|<(?:https?|mailto|tel|ftp|slack):|[\w-]\.[a-z]{2,24}[/?#]|[\w-]\.[a-z]{2,24}:\d/i;

/** Whether a text holds what might be a link. */
export function mayHoldLink(text: string): boolean {
  return LINK.test(text);
}
