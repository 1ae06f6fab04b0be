/** Markdown as Slack's messages. Pure. Whatever the text, it mentions nobody. */
import slackifyMarkdown from 'slackify-markdown';
import { isWithin, type MarkupBounds } from '../../../replies/markdown/limits.ts';
import { splitMarkdown, textOf } from '../../../replies/markdown/split.ts';
import { escapeMentions } from './safe-text.ts';

/**
 * Longest part of a reply in UTF-8 bytes. Slack accepts 12,000 characters in a markdown block, but has refused streams of 10,600
 * bytes and more.
 */
export const PART_LIMIT = 9_000;

/** Longest text for notifications and screen readers, in UTF-16 units; chat.update refuses more than 4,000. */
const FALLBACK_LIMIT = 1_000;
/** Longest text of a section (docs.slack.dev, section block), in UTF-16 units; split shorter, because escaping adds characters. */
const SECTION_LIMIT = 3_000;
const SECTION_SPLIT = 2_000;
/** For texts that escaping still makes too long: an ampersand takes five units. */
const ESCAPED_SPLIT = 500;
/** Markup beyond these bounds is not converted: up to them a piece takes at most about ten times as long as prose. */
const CONVERTIBLE: MarkupBounds = { depth: 16, delimiters: 400, marks: 400 };
/** Pieces of a reply that are cached: a part of {@link PART_LIMIT} has about five, and the fallback text. */
const CACHED = 16;
export interface Button {
  readonly type: 'button';
  readonly text: { readonly type: 'plain_text'; readonly text: string; readonly emoji: false };
  readonly action_id: string;
  readonly value: string;
  readonly style?: 'primary' | 'danger';
}

/** The blocks that the bot sends. */
export type SlackBlock =
  | { readonly type: 'markdown'; readonly text: string }
  | { readonly type: 'section'; readonly text: { readonly type: 'mrkdwn'; readonly text: string } }
  | { readonly type: 'actions'; readonly elements: Button[] };

export interface SlackText {
  /** For notifications; without blocks it is the message. */
  readonly text: string;
  readonly blocks?: SlackBlock[];
}

/** How a message can be written, best first. Which forms Slack accepts depends on the workspace and on the text. */
export const FORMS = ['markdown', 'sections', 'text'] as const;
export type Form = (typeof FORMS)[number];

/** From Markdown, at most {@link SECTION_SPLIT} units of it, to Slack's markup. */
export type Converter = (markdown: string) => string;

/** A message of Markdown. For a text that is written again as it grows, `convert` should be a {@link cachedConverter}. */
export function messageOf(markdown: string, form: Form, convert: Converter = slackMarkup): SlackText {
  switch (form) {
    case 'markdown':
      // Slack acts on tokens in this block, but not on entities that stand for tokens (measured: PostHog/posthog#95054).
      return { text: fallbackOf(markdown, convert), blocks: [{ type: 'markdown', text: escapeMentions(markdown) }] };
    case 'sections':
      return { text: fallbackOf(markdown, convert), blocks: sectionsOf(markdown, convert) };
    case 'text':
      return { text: escapeAll(markdown) };
  }
}

function sectionsOf(markdown: string, convert: Converter): SlackBlock[] {
  return splitMarkdown(markdown, { limit: SECTION_SPLIT })
    .flatMap((part) => sectionTexts(textOf(part), convert))
    .map((text) => ({ type: 'section', text: { type: 'mrkdwn', text } }));
}

/** One text, or several if escaping makes it too long for one section. */
function sectionTexts(markdown: string, convert: Converter): readonly string[] {
  const whole = convert(markdown).trimEnd();
  if (whole.length <= SECTION_LIMIT) return [whole];
  return splitMarkdown(markdown, { limit: ESCAPED_SPLIT }).map((part) =>
    cut(convert(textOf(part)).trimEnd(), SECTION_LIMIT),
  );
}

function fallbackOf(markdown: string, convert: Converter): string {
  return cut(convert(cut(markdown, FALLBACK_LIMIT)).trim(), FALLBACK_LIMIT) || '…';
}

/**
 * Caches the last few pieces: when a reply grows, only its end is converted again. One cache per reply, so that no text outlives
 * its reply.
 */
export function cachedConverter(convert: Converter = slackMarkup): Converter {
  const cache = new Map<string, string>();
  return (markdown) => {
    const converted = cache.get(markdown) ?? convert(markdown);
    cache.delete(markdown);
    cache.set(markdown, converted);
    for (const oldest of cache.keys()) {
      if (cache.size <= CACHED) break;
      cache.delete(oldest);
    }
    return converted;
  };
}

/** The start of a token other than a link; all of them do something (docs.slack.dev/messaging/formatting-message-text). */
const TOKEN = /<(?!(?:https?:\/\/|mailto:|tel:)[^<>\n]*>)/gi;

/**
 * A converter that never throws and whose result mentions nobody. `slackify` turns entities and escapes into `<`, and keeps what
 * looks like a mention, so its result is escaped, not its input.
 */
export function safeConverter(slackify: Converter = slackifyMarkdown): Converter {
  return (markdown) => {
    if (!isWithin(markdown, CONVERTIBLE)) return escapeAll(markdown);
    try {
      return slackify(markdown).replace(TOKEN, '&lt;');
    } catch {
      // It encodes URLs, which throws at half a surrogate pair. People still get to read the text.
      return escapeAll(markdown);
    }
  };
}

const slackMarkup = safeConverter();

function escapeAll(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

/** At most `limit` UTF-16 units, whole characters. */
function cut(text: string, limit: number): string {
  if (text.length <= limit) return text;
  const end = limit - 1;
  return `${text.slice(0, /[\uD800-\uDBFF]/.test(text[end - 1] ?? '') ? end - 1 : end)}…`;
}
