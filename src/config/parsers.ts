/**
 * Schemas for the values of settings. An error says what the value must be and never repeats the value: it may be a secret
 * that was set under the wrong name.
 */
import { z } from 'zod';
import type { Person } from '../core/session.ts';
import type { Address } from '../redis/target.ts';

const must = (what: string) => ({ error: `must be ${what}` });

export const text = z.string();

/** An integer in plain digits. `unit` appears only in the error. */
export function whole(min: number, max: number, unit = '') {
  const error = must(`a whole number${unit && ` of ${unit}`} from ${min} to ${max}`);
  return z.string().regex(/^\d+$/, error).transform(Number).pipe(z.int(error).min(min, error).max(max, error));
}

export function decimal(min: number, max: number) {
  const error = must(`a number from ${min} to ${max}`);
  return z
    .string()
    .regex(/^\d+(\.\d+)?$/, error)
    .transform(Number)
    .pipe(z.number(error).min(min, error).max(max, error));
}

export const flag = z
  .enum(['true', 'false', '1', '0'], must('true or false'))
  .transform((written) => written === 'true' || written === '1');

export function oneOf<const Words extends readonly [string, ...string[]]>(words: Words) {
  return z.enum(words, must(`one of: ${words.join(', ')}`));
}

/** Undefined if it is no URL, or its password is not percent-encoded. */
function parseUrl(written: string): URL | undefined {
  try {
    const parsed = new URL(written);
    decodeURIComponent(parsed.password);
    return parsed;
  } catch {
    return undefined;
  }
}

/** A URL of one of the protocols (given without the colon). The value is left as written. */
export function url(...protocols: readonly string[]) {
  const forms = protocols.map((protocol) => `${protocol}://…`).join(' or ');
  return z.string().refine(
    (written) => {
      const parsed = parseUrl(written);
      return parsed !== undefined && parsed.hostname !== '' && protocols.includes(parsed.protocol.slice(0, -1));
    },
    must(`a URL of the form ${forms} (percent-encode special characters in the password: @ is %40)`),
  );
}

/** `redis://` or `rediss://`; the path is empty or a database number. */
const serverUrl = url('redis', 'rediss').refine(
  (written) => /^\/?\d*$/.test(parseUrl(written)?.pathname ?? ''),
  must('a URL whose path is empty or a database number, such as redis://localhost:6379/2'),
);
/** `unix:///path`, with `?db=2` for a database other than 0. */
const socketUrl = z
  .string()
  .regex(
    /^unix:\/\/\/[^?#]+(\?db=\d{1,5})?$/,
    must('a URL of the form unix:///path/to/redis.sock, with ?db=2 for database 2'),
  );

/** The URL of a Redis server. */
export const redisUrl = z.string().superRefine((written, context) => {
  const { error } = (written.startsWith('unix:') ? socketUrl : serverUrl).safeParse(written);
  for (const { message } of error?.issues ?? []) context.addIssue({ code: 'custom', message });
});

const ADDRESS = /^(?:\[([0-9a-fA-F:]{2,45})\]|([A-Za-z0-9._-]{1,253})):([1-9]\d{0,4})$/;

/** A list of `host:port`, separated by commas or spaces. IPv6 addresses are in brackets. */
export const addresses = z.string().transform((written, context): readonly Address[] => {
  const entries = written.split(/[\s,]+/).filter((entry) => entry !== '');
  return entries.flatMap((entry, index) => {
    const [, ipv6, name, port = ''] = ADDRESS.exec(entry) ?? [];
    const host = ipv6 ?? name;
    if (host !== undefined && Number(port) <= 65_535) return [{ host, port: Number(port) }];
    const message = `must be a list of host:port, separated by commas, such as 10.0.0.1:26379,10.0.0.2:26379 (entry ${index + 1})`;
    context.addIssue({ code: 'custom', message });
    return [];
  });
});

/** A token or key: matches `pattern` and has no whitespace. */
export function secret(pattern = /^\S+$/, form = 'one word without spaces or line breaks') {
  return z
    .string()
    .regex(/^[\x21-\x7e]+$/, must('one word without spaces or line breaks'))
    .regex(pattern, must(form));
}

export const keyPrefix = z.string().regex(/^[a-z0-9_-]+$/, must('made of a-z, 0-9, _ and - only'));

export const host = z.string().regex(/^[A-Za-z0-9.:_-]+$/, must('an IP address or a host name'));

export interface RateLimit {
  readonly messages: number;
  readonly perMs: number;
}

const RATE_UNITS: ReadonlyMap<string, number> = new Map([
  ['s', 1_000],
  ['min', 60_000],
  ['h', 3_600_000],
]);

/** `20/min`, `1/s`, `200/h` */
export const rateLimit = z.string().transform((written, context): RateLimit => {
  const [, count = '', unit = ''] = /^([1-9]\d{0,5})\/(s|min|h)$/.exec(written) ?? [];
  const perMs = RATE_UNITS.get(unit);
  if (perMs !== undefined) return { messages: Number(count), perMs };
  context.addIssue({ code: 'custom', message: 'must be a number of messages per s, min or h, such as 20/min' });
  return z.NEVER;
});

/** Discord: snowflakes (https://discord.com/developers/docs/reference#snowflakes). */
const DISCORD_USER = /^discord:(\d{1,20})$/;
/** Slack: T… (or E…, an organisation) and U… (or W…). */
const SLACK_USER = /^slack:([TE][A-Z0-9]+):([UW][A-Z0-9]+)$/;

function parsePerson(written: string): Person | undefined {
  const [, discordUser] = DISCORD_USER.exec(written) ?? [];
  if (discordUser !== undefined) return { platform: 'discord', user: discordUser };
  const [, workspace, user] = SLACK_USER.exec(written) ?? [];
  return workspace === undefined || user === undefined ? undefined : { platform: 'slack', workspace, user };
}

/** A list of `discord:<id>` and `slack:<team>:<id>`, separated by commas or spaces. A Discord id is valid in every server. */
export const people = z.string().transform((written, context): readonly Person[] => {
  const entries = written.split(/[\s,]+/).filter((entry) => entry !== '');
  return entries.flatMap((entry, index) => {
    const person = parsePerson(entry);
    if (person !== undefined) return [person];
    const fix = entry.startsWith('http:')
      ? 'names an HTTP caller, who cannot be an admin, because anybody can send any user_id. Remove it'
      : 'must have the form discord:<user id> or slack:<team id>:<user id>, such as discord:80351110224678912 or slack:T012AB3CD:U012A3CDE';
    context.addIssue({ code: 'custom', message: `${fix} (entry ${index + 1})` });
    return [];
  });
});
