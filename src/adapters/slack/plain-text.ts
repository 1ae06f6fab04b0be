/** What people write in Slack, as a model reads it: Slack's tokens and escapes undone. All of it is linear in the text's length. */

/** Who the bot is in its workspace. */
export interface BotIdentity {
  readonly team: string;
  readonly user: string;
  readonly name: string;
  /** Absent for tokens of apps without a bot user's profile. */
  readonly bot?: string;
}

/** What a text names by an id alone. */
export type NameKind = 'user' | 'channel' | 'group';
export interface Named {
  readonly kind: NameKind;
  readonly id: string;
}
/** Gives the name of what is named by an id; undefined where it is not known. */
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

/** The message begins by speaking to somebody else. */
export function addressesAnother(raw: string, user: string): boolean {
  const first = /^<@([A-Z0-9]+)(?:\|[^<>]*)?>/.exec(raw.trimStart())?.[1];
  return first !== undefined && first !== user;
}

/** What of a text can only be named with a look-up, each once, in the order in which it comes; at most `most`. */
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

/** The text without the mentions of the bot that it begins or ends with. */
export function plainText(raw: string, self: BotIdentity, nameOf: NameOf = () => undefined): string {
  const replaced = withoutOwn(raw, self).replace(TOKEN, (_, sign: string, id: string, label: string | undefined) =>
    tokenText(sign, id, label, self, nameOf),
  );
  return replaced.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&').trim();
}

/** By hand, from both ends: an expression that looks for mentions before the end looks again at each blank before it. */
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
  // Names and labels of groups bring their sign along or not.
  const signed = (text: string) => (/^[@#]/.test(text) ? text : `${sign === '#' ? '#' : '@'}${text}`);
  switch (named?.kind) {
    case 'user':
    case 'channel':
      return signed(name ?? named.id);
    case 'group':
      return signed(name ?? 'group');
    case undefined:
      // A date has its fallback behind the bar, a broadcast its name in front of it.
      return label || `@${id.split('^', 1)[0]}`;
  }
}

function linkText(url: string, label: string): string {
  const bare = url.replace(/^(?:mailto|tel):/, '');
  return label === '' || label === url || label === bare ? bare : `${label} (${url})`;
}
