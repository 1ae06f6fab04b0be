/**
 * Discord's markup as people see it: the model is shown names in place of ids. Within code it stays as it is, as Discord's own
 * clients show it. https://docs.discord.com/developers/reference#message-formatting
 */
import type { EmbedPayload, MessageBody, PollPayload, UserPayload } from '../payloads.ts';

/** What a server calls its channels and roles; undefined for what the bot does not know, or not everybody there may see. */
export interface Names {
  channel(id: string): string | undefined;
  role(id: string): RoleName | undefined;
}

export interface RoleName {
  readonly name: string;
  /** The bot's own role, which Discord made for it: autocompletion offers it beside the bot. */
  readonly own: boolean;
}

export type NamedUser = UserPayload & { readonly member?: { readonly nick?: string | null | undefined } | undefined };

export const NO_NAMES: Names = { channel: () => undefined, role: () => undefined };

/** The parts of the markup that have an id; each is bounded, so the expression is linear. */
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

/** `users`: those that Discord says are mentioned. */
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

/** Each person sees it in their own time zone, and "in 3 days" instead: the model is told the time that stays true. */
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

/** What stands between the backticks of code, and the backticks, stays. */
function outsideOfCode(content: string, replace: (text: string) => string): string {
  let shown = '';
  let at = 0;
  while (at < content.length) {
    const open = content.indexOf('`', at);
    if (open === -1) break;
    let marks = open;
    while (content[marks] === '`') marks += 1;
    const fence = content.slice(open, marks);
    const close = closing(content, marks, fence);
    const end = close === undefined ? marks : close;
    shown += replace(content.slice(at, open)) + content.slice(open, end);
    at = end;
  }
  return shown + replace(content.slice(at));
}

/** The end of the code that was opened by this run of backticks: behind the next run of the same length. */
function closing(content: string, from: number, fence: string): number | undefined {
  for (let at = content.indexOf(fence, from); at !== -1; ) {
    let end = at;
    while (content[end] === '`') end += 1;
    if (end - at === fence.length) return end;
    at = content.indexOf(fence, end);
  }
  return undefined;
}

/** Takes off the mentions of the bot before and behind the text, which only say to whom it is. */
export function withoutAddress(content: string, isAddress: (mention: string) => boolean): string {
  let text = content.trim();
  let addressed = false;
  for (let mention = leading(text); mention !== undefined && isAddress(mention); mention = leading(text)) {
    text = text.slice(mention.length).trimStart();
    addressed = true;
  }
  if (addressed) text = text.slice(/^[\s,:]*/.exec(text)?.[0].length ?? 0);
  for (let mention = trailing(text); mention !== undefined && isAddress(mention); mention = trailing(text)) {
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
