/**
 * The text of a message as people see it. Pure. In Discord's markup, ids are replaced by names, except in code, as in Discord's
 * own clients (https://docs.discord.com/developers/reference#message-formatting). Embeds, polls, stickers, attachments and
 * forwarded messages are described in words.
 */

import type { ComponentPayload, EmbedPayload, MessageBody, PollPayload, UserPayload } from '../payloads.ts';
import { attachmentName } from './attachments.ts';

/** The names of a server's channels and roles. Undefined for one that the bot does not know or that not everybody may see. */
export interface Names {
  channel(id: string): string | undefined;
  role(id: string): RoleName | undefined;
}

export interface RoleName {
  readonly name: string;
  /** The bot's own role, which Discord made for it. Autocompletion offers it beside the bot itself. */
  readonly own: boolean;
}

export type NamedUser = UserPayload & { readonly member?: { readonly nick?: string | null | undefined } | undefined };

export const NO_NAMES: Names = { channel: () => undefined, role: () => undefined };

/** Markup that has an id. Each repetition is bounded, so the expression is linear. */
const MARKUP =
  /<(?:@!?(\d{1,20})|@&(\d{1,20})|#(\d{1,20})|a?:(\w{1,32}):\d{1,20}|t:(-?\d{1,13})(?::([tTdDfFsSR]))?|\/([^<>:\n]{1,100}):\d{1,20}|id:(customize|browse|guide|linked-roles)(?::\d{1,20})?)>/g;

const PAGES: Readonly<Record<string, string>> = {
  customize: 'Channels & Roles',
  browse: 'Browse Channels',
  guide: 'Server Guide',
  'linked-roles': 'Linked Roles',
};

export function nameOf({ global_name, username }: UserPayload, nick?: string | null): string {
  return nick ?? global_name ?? username;
}

/** @param users The users whom Discord lists as mentioned. */
export function readable(content: string, users: readonly NamedUser[], names: Names): string {
  const called = new Map(users.map((user) => [user.id, nameOf(user, user.member?.nick)]));
  return outsideOfCode(content, (text) =>
    text.replace(
      MARKUP,
      (markup, user?: string, role?: string, channel?: string, emoji?: string, ...rest: unknown[]) => {
        const [time, style, command, page] = rest.map((part) => (typeof part === 'string' ? part : undefined));
        if (user !== undefined) return called.has(user) ? `@${called.get(user)}` : markup;
        if (role !== undefined) return `@${names.role(role)?.name ?? 'unknown-role'}`;
        if (channel !== undefined) return `#${names.channel(channel) ?? 'unknown'}`;
        if (emoji !== undefined) return `:${emoji}:`;
        if (time !== undefined) return timeText(Number(time), style) ?? markup;
        if (command !== undefined) return `/${command}`;
        return page === undefined ? markup : `#${PAGES[page]}`;
      },
    ),
  );
}

/** People see a time in their own zone, or as "in 3 days". The model is shown an absolute time in UTC. */
function timeText(seconds: number, style: string | undefined): string | undefined {
  const time = new Date(seconds * 1_000);
  if (Number.isNaN(time.getTime())) return undefined;
  const iso = time.toISOString();
  const at = iso.indexOf('T');
  const day = iso.slice(0, at);
  if (style === 'd' || style === 'D') return day;
  const clock = `${iso.slice(at + 1, at + (style === 'T' || style === 'S' ? 9 : 6))} UTC`;
  return style === 't' || style === 'T' ? clock : `${day} ${clock}`;
}

/** Applies `replace` to the text outside of inline code and code blocks. */
function outsideOfCode(content: string, replace: (text: string) => string): string {
  let shown = '';
  let at = 0;
  while (at < content.length) {
    const open = content.indexOf('`', at);
    if (open === -1) break;
    let start = open;
    while (content[start] === '`') start += 1;
    const end = endOfCode(content, start, content.slice(open, start)) ?? start;
    shown += replace(content.slice(at, open)) + content.slice(open, end);
    at = end;
  }
  return shown + replace(content.slice(at));
}

/** The end of code that was opened by this run of backticks: just after the next run of the same length. */
function endOfCode(content: string, from: number, backticks: string): number | undefined {
  for (let at = content.indexOf(backticks, from); at !== -1; ) {
    let end = at;
    while (content[end] === '`') end += 1;
    if (end - at === backticks.length) return end;
    at = content.indexOf(backticks, end);
  }
  return undefined;
}

/** Removes mentions of the bot at both ends of the text: they only say whom it is addressed to. */
export function withoutMentionOf(content: string, isBot: (mention: string) => boolean): string {
  let text = content.trim();
  let addressed = false;
  for (let mention = leading(text); mention !== undefined && isBot(mention); mention = leading(text)) {
    text = text.slice(mention.length).trimStart();
    addressed = true;
  }
  if (addressed) text = text.slice(/^[\s,:]*/.exec(text)?.[0].length ?? 0);
  for (let mention = trailing(text); mention !== undefined && isBot(mention); mention = trailing(text)) {
    text = text.slice(0, -mention.length).trimEnd();
  }
  return text;
}

function leading(text: string): string | undefined {
  return /^<@[!&]?\d{1,20}>/.exec(text)?.[0];
}

function trailing(text: string): string | undefined {
  // The longest mention has 25 characters.
  return /<@[!&]?\d{1,20}>$/.exec(text.slice(-25))?.[0];
}

/** Longest text of a quoted message, in UTF-16 units: Discord's own limit for most people. */
const MAX_QUOTE = 2_000;
/** Types of embeds that Discord makes of links. Nobody in the channel wrote their text. */
const LINK_PREVIEWS: ReadonlySet<string> = new Set(['link', 'article', 'image', 'video', 'gifv']);

/** Names of files and stickers. */
function attachmentNames({ attachments, sticker_items: stickers }: MessageBody): readonly string[] {
  return [...attachments.map(attachmentName), ...stickers.map(({ name }) => `sticker ${name}`)];
}

/** Everything a message shows, as text. Empty if there is nothing to read. */
export function shownText(message: MessageBody, names: Names): string {
  const { content, mentions, embeds, poll, components } = message;
  const show = (text: string) => readable(text, mentions, names);
  const files = attachmentNames(message);
  const parts = [
    show(content),
    ...componentTexts(components).map(show),
    ...embeds
      .filter(({ type }) => content === '' || !LINK_PREVIEWS.has(type ?? ''))
      .map((embed) => show(embedText(embed))),
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

/** The messages that were forwarded in this one. */
function forwardedTexts({ message_snapshots: snapshots }: MessageBody, names: Names): readonly string[] {
  return snapshots.map(({ message }) => shownText(message, names)).filter((text) => text !== '');
}

/** The question and the choices of a poll. */
export function pollText({ question, answers }: PollPayload): string {
  const choices = answers.flatMap(({ poll_media: { text } }) => (text == null ? [] : [`- ${text}`]));
  return ['[Poll]', question.text ?? '', ...choices].filter((line) => line !== '').join('\n');
}

/** Bots may lay out a message in components, without any `content`. */
function componentTexts(components: readonly ComponentPayload[]): readonly string[] {
  return components.flatMap((each) => [
    ...(each.content === undefined ? [] : [each.content]),
    ...componentTexts(each.components),
  ]);
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
