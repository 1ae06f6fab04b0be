import { z } from 'zod';
import { TURN_BUDGET_MS } from '../core/limits.ts';
import {
  addresses,
  decimal,
  flag,
  host,
  keyPrefix,
  oneOf,
  people,
  rateLimit,
  redisUrl,
  secret,
  text,
  url,
  whole,
} from './parsers.ts';

interface About {
  /** What it means, in a line, the unit included. */
  readonly description: string;
  /** What holds when it is not set, written as it would be in the environment; without it, the description says so. */
  readonly fallback?: string;
  /** Masked in the log. */
  readonly secret?: boolean;
  /** Opens a group of settings in `.env.example`. */
  readonly heading?: string;
}

const about = z.registry<About>();

type More = Pick<About, 'secret' | 'heading'>;

/** Its value is undefined when it is not set. */
function optional<Schema extends z.ZodType<unknown, string>>(schema: Schema, description: string, more: More = {}) {
  return described(z.optional(schema), { description, ...more });
}

function withDefault<Schema extends z.ZodType<unknown, string>>(
  fallback: string,
  schema: Schema,
  description: string,
  more: More = {},
) {
  return described(z.string().prefault(fallback).pipe(schema), { description, fallback, ...more });
}

function described<Schema extends z.ZodType>(schema: Schema, description: About): Schema {
  const plain: z.ZodType = schema;
  about.add(plain, description);
  return schema;
}

const YEAR = 365 * 24 * 3600;

/** Longest of the time limits of a turn. */
const HOUR = 3_600;

const SHAPE = {
  REDIS_URL: optional(
    redisUrl,
    'redis://, rediss:// (TLS) or unix:///path; unset: the embedded SQLite store in DATA_DIR, for one process only',
    { secret: true, heading: 'Where conversations are kept' },
  ),
  REDIS_SENTINELS: optional(
    addresses,
    'in place of REDIS_URL: Sentinels as host:port, by commas, which name the primary in REDIS_MASTER',
  ),
  REDIS_MASTER: optional(text, 'name of the primary that the Sentinels watch'),
  REDIS_CLUSTER: optional(addresses, 'in place of REDIS_URL: some nodes of a Redis Cluster as host:port, by commas'),
  REDIS_USER: optional(
    text,
    'user of Redis, with REDIS_SENTINELS, REDIS_CLUSTER or unix://; REDIS_URL has it in itself',
  ),
  REDIS_PASSWORD: optional(secret(), 'password of Redis, likewise', { secret: true }),
  REDIS_TLS: withDefault('false', flag, 'true: TLS to the servers behind REDIS_SENTINELS or REDIS_CLUSTER'),
  REDIS_SENTINEL_USER: optional(text, 'user of the Sentinels'),
  REDIS_SENTINEL_PASSWORD: optional(secret(), 'password of the Sentinels', { secret: true }),
  REDIS_SENTINEL_TLS: withDefault('false', flag, 'true: TLS to the Sentinels'),
  REDIS_TLS_CA: optional(
    text,
    'file with the certificates (PEM) of the CAs that sign for Redis and its Sentinels; unset: those this machine trusts',
  ),
  REDIS_WAIT_REPLICAS: withDefault(
    '0',
    whole(0, 10),
    'replicas that must have a message, an answer or an erasure within 100 ms before it counts as stored; 0: none',
  ),
  DATA_DIR: withDefault('./data', text, 'folder of the embedded store'),
  KEY_PREFIX: withDefault('conversation', keyPrefix, 'first part of the conversation keys in Redis, of a-z 0-9 _ -'),
  ALLOW_EVICTION: withDefault(
    'false',
    flag,
    'true: start even on a Redis that may evict keys, and so lose conversations',
  ),

  DEFAULT_TTL: withDefault('1800', whole(1, 10 * YEAR, 'seconds'), 'seconds until a silent conversation is forgotten', {
    heading: 'What is remembered',
  }),
  MIN_TTL: withDefault('60', whole(1, 10 * YEAR, 'seconds'), 'shortest TTL a person may choose, in seconds'),
  MAX_TTL: withDefault('2592000', whole(1, 10 * YEAR, 'seconds'), 'longest TTL a person may choose, in seconds'),
  MEMORY_WINDOW: withDefault('20', whole(2, 10_000), 'newest messages of the conversation that the model is shown'),
  MAX_MESSAGES: withDefault('200', whole(2, 100_000), 'messages kept of a conversation, an even number'),
  MAX_CONTEXT_TOKENS: optional(
    whole(256, 10_000_000),
    'bound in tokens on what the model is shown; unset: what the model can take',
  ),
  SESSION_SCOPE: withDefault(
    'user',
    oneOf(['user', 'channel']),
    'user: a conversation per person and channel or thread; channel: one shared by all in it',
  ),
  SLACK_DM_SCOPE: withDefault(
    'thread',
    oneOf(['thread', 'channel']),
    'in a Slack DM: thread: each thread its own conversation; channel: the whole DM one',
  ),

  OPENAI_API_KEY: optional(secret(), 'key of OpenAI, or of the server at OPENAI_BASE_URL; neither: the demo model', {
    secret: true,
    heading: 'The model',
  }),
  OPENAI_BASE_URL: optional(
    url('http', 'https'),
    'any OpenAI-compatible server, such as http://127.0.0.1:11434/v1 (Ollama); unset: OpenAI',
  ),
  OPENAI_MODEL: withDefault('gpt-5.4-mini', text, 'name of the model, as its server knows it'),
  OPENAI_TEMPERATURE: optional(decimal(0, 2), "0 to 2; unset: the model's own"),
  SYSTEM_PROMPT: withDefault(
    'You are a helpful assistant in a chat. Be brief, and answer in the language you are spoken to.',
    text,
    'what the model is told first; {date} and {time} are filled in, which spoils prompt caches: without them each message has its time',
  ),

  DISCORD_TOKEN: optional(
    secret(/^(?!Bot$)/i, 'the bot token alone, without "Bot" before it'),
    "the bot's token: turns Discord on",
    { secret: true, heading: 'Discord' },
  ),
  DISCORD_API_URL: optional(url('http', 'https'), "a proxy or test server in place of Discord's API"),

  SLACK_BOT_TOKEN: optional(
    secret(/^(xoxe\.)?xoxb-/, 'a bot token, which begins with xoxb- (Slack app: OAuth & Permissions)'),
    'xoxb-…: turns Slack on, together with one of the next two',
    { secret: true, heading: 'Slack' },
  ),
  SLACK_APP_TOKEN: optional(
    secret(/^xapp-/, 'an app-level token, which begins with xapp- (Slack app: Basic Information)'),
    'xapp-…: Slack in Socket Mode',
    { secret: true },
  ),
  SLACK_SIGNING_SECRET: optional(secret(), 'Slack over HTTP, at /slack/events of SLACK_PORT', { secret: true }),
  SLACK_PORT: withDefault('3000', whole(0, 65_535), 'port of Slack over HTTP, on HOST'),
  SLACK_API_URL: optional(url('http', 'https'), "a proxy or test server in place of Slack's API"),

  HOST: withDefault('127.0.0.1', host, 'address that the HTTP API and the playground listen on', {
    heading: 'HTTP API and playground',
  }),
  PORT: withDefault('8000', whole(0, 65_535), 'their port; 0: any free one'),
  API_KEY: optional(
    secret(),
    'what HTTP callers must send as "Authorization: Bearer …"; required when HOST is not a loopback address, or a proxy is in front',
    { secret: true },
  ),
  HTTP_TIMEOUT: withDefault(
    '100',
    whole(1, 600, 'seconds'),
    'seconds an HTTP caller waits for an answer before it gets a 202; stay under the timeout of a proxy in front',
  ),

  WORKER_CONCURRENCY: withDefault('32', whole(1, 1_000), 'conversations answered at the same time by this process', {
    heading: 'Turns',
  }),
  FIRST_TOKEN_TIMEOUT: withDefault(
    '180',
    whole(1, HOUR, 'seconds'),
    'seconds until the first sign of the model (a local one may have to be loaded); then it is asked again',
  ),
  TURN_TIMEOUT: withDefault(
    '60',
    whole(1, HOUR, 'seconds'),
    'seconds without a further token after which the model is asked again',
  ),
  ANSWER_TIMEOUT: withDefault(
    String(TURN_BUDGET_MS / 1_000),
    whole(1, HOUR, 'seconds'),
    'seconds for a whole turn with all its attempts; what is written of the answer by then is the answer, cut off',
  ),
  MAX_ANSWER_LENGTH: withDefault(
    '40000',
    whole(1, 1_000_000),
    'longest answer of the model, in characters; it is cut off there',
  ),
  SHUTDOWN_GRACE: withDefault(
    '20',
    whole(0, 600, 'seconds'),
    'seconds that running turns may take to end after SIGTERM; the rest is handed over',
  ),
  RATE_LIMIT: withDefault('20/min', rateLimit, 'messages a person may send, per s, min or h'),
  MAX_WAITING: withDefault('20', whole(1, 1_000), 'messages that may wait in one conversation'),
  MAX_MESSAGE_LENGTH: withDefault(
    '8000',
    whole(1, 100_000),
    "longest message of a person, in characters (Slack's are up to 40000)",
  ),

  ADMIN_USER_IDS: optional(
    people,
    'discord:<id>, slack:<team>:<id>, by commas: who may see server details and wipe shared conversations; unset: nobody',
    { heading: 'Operation' },
  ),
  LOG_LEVEL: withDefault(
    'info',
    oneOf(['debug', 'info', 'warn', 'error', 'silent']),
    'debug, info, warn, error or silent',
  ),
  LOG_FORMAT: optional(oneOf(['pretty', 'json']), 'pretty or json; unset: pretty on a terminal, else json'),
};

/** All settings as one schema: from their texts to their values. */
export const settingsSchema = z.object(SHAPE);

export type Values = z.output<typeof settingsSchema>;
export type SettingName = keyof Values;

export interface Setting extends About {
  readonly name: string;
  readonly parse: z.ZodType<unknown, string | undefined>;
}

/** Every setting there is. `.env.example` is exactly this table. */
export const SETTINGS: readonly Setting[] = Object.entries(SHAPE).map(([name, parse]) => {
  const known = about.get(parse);
  if (known === undefined) throw new Error(`The setting ${name} is not described.`);
  return { name, parse, ...known };
});
