/** Slack's markup as a model reads it: tokens and escapes become text. All functions are linear in the length of the text. Pure. */
import type { BotIdentity } from '../ids.ts';

/** A person, channel or user group that a text names by an id alone. */
export type NameKind = 'user' | 'channel' | 'group';
export interface Named {
  readonly kind: NameKind;
  readonly id: string;
}
/** The name; undefined where it is not known. */
export type NameOf = (named: Named) => string | undefined;

/**
 * `<@U1>`, `<@U1|ada>`, `<#C1|general>`, `<!here>`, `<!subteam^S1|@crew>`, `<!date^1^{date}|today>`, `<https://…|label>`,
 * `<mailto:…>` (docs.slack.dev/messaging/formatting-message-text).
 */
const TOKEN = /<([@#!]?)([^<>|]*)(?:\|([^<>]*))?>/g;
const GROUP = 'subteam^';

export function mentions(raw: string, user: string): boolean {
  if (!raw.includes(`<@${user}`)) return false;
  for (const [, sign, id] of raw.matchAll(TOKEN)) if (sign === '@' && id === user) return true;
  return false;
}

/** Whether the message begins with a mention of someone else. */
export function addressesAnother(raw: string, user: string): boolean {
  const first = /^<@([A-Z0-9]+)(?:\|[^<>]*)?>/.exec(raw.trimStart())?.[1];
  return first !== undefined && first !== user;
}

/** What the text names by an id alone, without duplicates, in order; at most `most`. */
export function namedIn(raw: string, self: BotIdentity, most: number): readonly Named[] {
  const found = new Map<string, Named>();
  for (const [, sign = '', id = '', label = ''] of raw.matchAll(TOKEN)) {
    const named = label === '' ? namedBy(sign, id) : undefined;
    if (named === undefined || named.id === self.user) continue;
    found.set(`${sign}${id}`, named);
    if (found.size >= most) break;
  }
  return [...found.values()];
}

/** The text without the bot's mentions at its beginning and end. */
export function plainText(raw: string, self: BotIdentity, nameOf: NameOf = () => undefined): string {
  const replaced = withoutOwn(raw, self).replace(TOKEN, (_, sign: string, id: string, label: string | undefined) =>
    tokenText(sign, id, label, self, nameOf),
  );
  return replaced.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&').trim();
}

/** Without a regular expression: one that looks for mentions at the end is quadratic in blanks. */
function withoutOwn(raw: string, { user }: BotIdentity): string {
  const own = `<@${user}`;
  let text = raw.trim();
  while (text.startsWith(own)) {
    const end = text.indexOf('>');
    if (end === -1 || !isOwn(text.slice(0, end + 1), own)) break;
    text = text.slice(end + 1).trimStart();
  }
  while (text.endsWith('>')) {
    const from = text.lastIndexOf('<');
    if (from === -1 || !isOwn(text.slice(from), own)) break;
    text = text.slice(0, from).trimEnd();
  }
  return text;
}

/** `<@U1>` or `<@U1|name>`. */
function isOwn(token: string, own: string): boolean {
  if (!token.startsWith(own)) return false;
  const rest = token.slice(own.length, -1);
  return rest === '' || (rest.startsWith('|') && !rest.includes('<'));
}

function namedBy(sign: string, id: string): Named | undefined {
  if (sign === '@' && id !== '') return { kind: 'user', id };
  if (sign === '#' && id !== '') return { kind: 'channel', id };
  return sign === '!' && id.startsWith(GROUP) ? { kind: 'group', id: id.slice(GROUP.length) } : undefined;
}

function tokenText(sign: string, id: string, label = '', self: BotIdentity, nameOf: NameOf): string {
  if (sign === '') return linkText(id, label);
  const named = namedBy(sign, id);
  const name = named?.id === self.user ? self.name : label || (named === undefined ? undefined : nameOf(named));
  // Names and labels of groups come with or without their sign.
  const signed = (text: string) => (/^[@#]/.test(text) ? text : `${sign === '#' ? '#' : '@'}${text}`);
  switch (named?.kind) {
    case 'user':
    case 'channel':
      return signed(name ?? named.id);
    case 'group':
      return signed(name ?? 'group');
    case undefined:
      // A date has its fallback as label, a broadcast its name as id.
      return label || `@${id.split('^', 1)[0]}`;
  }
}

function linkText(url: string, label: string): string {
  const bare = url.replace(/^(?:mailto|tel):/, '');
  return label === '' || label === url || label === bare ? bare : `${label} (${url})`;
}
