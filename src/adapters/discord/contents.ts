/** What a message shows besides its plain text, as text: embeds, polls, stickers, attachments, forwarded messages. Pure. */
import { type Names, readable } from './markup.ts';
import type { EmbedPayload, MessageBody, PollPayload } from './payloads.ts';

/** Longest text of one message in a quote, in UTF-16 units: a whole message of most people. */
const MAX_QUOTE = 2_000;
/** What Discord makes itself, of a link in the text: what it leads to was not said by anybody. */
const PREVIEWS: ReadonlySet<string> = new Set(['link', 'article', 'image', 'video', 'gifv']);

/** Files, and stickers, by their names: none of them is read. */
export function attachmentNames({ attachments, sticker_items: stickers }: MessageBody): readonly string[] {
  return [...attachments.map(({ filename }) => filename), ...stickers.map(({ name }) => `sticker ${name}`)];
}

/** All that a message shows, as text; empty when it shows nothing that can be read. */
export function shownText(message: MessageBody, names: Names): string {
  const { content, mentions, embeds, poll } = message;
  const show = (text: string) => readable(text, mentions, names);
  const files = attachmentNames(message);
  const parts = [
    show(content),
    ...embeds.filter(({ type }) => content === '' || !PREVIEWS.has(type ?? '')).map((embed) => show(embedText(embed))),
    poll == null ? '' : pollText(poll),
    files.length === 0 ? '' : `[attached: ${files.join(', ')}]`,
    ...forwardedTexts(message, names),
  ];
  return parts
    .map((part) => part.trim())
    .filter((part) => part !== '')
    .join('\n')
    .slice(0, MAX_QUOTE);
}

/** The messages that were forwarded with this one; a forward of a forward may hold another. */
export function forwardedTexts({ message_snapshots: snapshots }: MessageBody, names: Names): readonly string[] {
  return snapshots.map(({ message }) => shownText(message, names)).filter((text) => text !== '');
}

/** What was asked, and what may be chosen: the words of whoever made the poll. */
export function pollText({ question, answers }: PollPayload): string {
  const choices = answers.flatMap(({ poll_media: { text } }) => (text == null ? [] : [`- ${text}`]));
  return ['[Poll]', question.text ?? '', ...choices].filter((line) => line !== '').join('\n');
}

function embedText({ author, title, description, fields, footer }: EmbedPayload): string {
  const lines = [
    author?.name,
    title,
    description,
    ...fields.map(({ name, value }) => `${name}: ${value}`),
    footer?.text,
  ];
  return lines.filter((line) => line != null && line.trim() !== '').join('\n');
}
