/** What people write in Slack, as a model reads it: Slack's tokens and escapes undone. */

/** Who the bot is in its workspace. */
export interface BotIdentity {
  readonly team: string;
  readonly user: string;
  readonly name: string;
  /** Absent for tokens of apps without a bot user's profile. */
  readonly bot?: string;
}

/** `<@U1>`, `<@U1|ada>`, `<#C1|general>`, `<!here>`, `<!subteam^S1|@crew>`, `<https://…|label>`, `<mailto:…>`. */
const TOKEN = /<([@#!]?)([^<>|]*)(?:\|([^<>]*))?>/g;

export function mentions(raw: string, user: string): boolean {
  return [...raw.matchAll(TOKEN)].some(([, sign, id]) => sign === '@' && id === user);
}

/** The message begins by speaking to somebody else. */
export function addressesAnother(raw: string, user: string): boolean {
  const first = /^\s*<@([A-Z0-9]+)(?:\|[^<>]*)?>/.exec(raw)?.[1];
  return first !== undefined && first !== user;
}

/** The text without the mention of the bot that it begins or ends with. */
export function plainText(raw: string, self: BotIdentity): string {
  const mention = `<@${self.user}(?:\\|[^<>]*)?>`;
  const own = raw
    .replace(new RegExp(`^\\s*(?:${mention}\\s*)+`), '')
    .replace(new RegExp(`(?:\\s*${mention})+\\s*$`), '');
  const replaced = own.replace(TOKEN, (_, sign: string, id: string, label: string | undefined) =>
    tokenText(sign, id, label, self),
  );
  return replaced.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&').trim();
}

function tokenText(sign: string, id: string, label: string | undefined, self: BotIdentity): string {
  switch (sign) {
    case '@':
      return `@${id === self.user ? self.name : (label ?? id)}`;
    case '#':
      return `#${label ?? id}`;
    case '!':
      return label ?? `@${id.split('^')[0]}`;
    default:
      return linkText(id, label);
  }
}

function linkText(url: string, label: string | undefined): string {
  const bare = url.replace(/^(?:mailto|tel):/, '');
  return label === undefined || label === url || label === bare ? bare : `${label} (${url})`;
}
