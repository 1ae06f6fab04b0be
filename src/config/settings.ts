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
  /** One line, with the unit. */
  readonly description: string;
  /** The default, as it would be written in the environment. If absent, the description says what applies. */
  readonly fallback?: string;
  /** Masked in the log. */
  readonly secret?: boolean;
  /** Opens a group of settings in `.env.example`. */
  readonly heading?: string;
}

const about = z.registry<About>();

type More = Pick<About, 'secret' | 'heading'>;

/** A setting whose value is undefined when it is not set. */
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
    'redis://, rediss:// (TLS) or unix:///path; unset: the embedded SQLite store in DATA_DIR, for a single process',
    { secret: true, heading: 'Storage' },
  ),
  REDIS_SENTINELS: optional(
    addresses,
    'instead of REDIS_URL: Sentinels as host:port, separated by commas; also set REDIS_MASTER',
  ),
  REDIS_MASTER: optional(text, 'name of the primary that the Sentinels monitor'),
  REDIS_CLUSTER: optional(
    addresses,
    'instead of REDIS_URL: some nodes of a Redis Cluster as host:port, separated by commas',
  ),
  REDIS_USER: optional(text, 'Redis user for REDIS_SENTINELS, REDIS_CLUSTER and unix://; other URLs contain it'),
  REDIS_PASSWORD: optional(secret(), 'Redis password, likewise', { secret: true }),
  REDIS_TLS: withDefault('false', flag, 'true: connect to the servers of REDIS_SENTINELS or REDIS_CLUSTER with TLS'),
  REDIS_SENTINEL_USER: optional(text, 'Sentinel user'),
  REDIS_SENTINEL_PASSWORD: optional(secret(), 'Sentinel password', { secret: true }),
  REDIS_SENTINEL_TLS: withDefault('false', flag, 'true: connect to the Sentinels with TLS'),
  REDIS_TLS_CA: optional(text, "file with the CA certificates (PEM) for Redis and its Sentinels; unset: the system's"),
  REDIS_WAIT_REPLICAS: withDefault(
    '0',
    whole(0, 10),
    'number of replicas that must confirm a message, an answer or an erasure within 100 ms before it counts as stored',
  ),
  DATA_DIR: withDefault('./data', text, 'directory of the embedded store'),
  KEY_PREFIX: withDefault('conversation', keyPrefix, 'prefix of the keys in Redis: a-z 0-9 _ -'),
  ALLOW_EVICTION: withDefault('false', flag, 'true: start even if Redis may evict keys, which loses conversations'),

  DEFAULT_TTL: withDefault('1800', whole(1, 10 * YEAR, 'seconds'), 'seconds until a silent conversation is forgotten', {
    heading: 'What is remembered',
  }),
  MIN_TTL: withDefault('60', whole(1, 10 * YEAR, 'seconds'), 'shortest TTL a person may choose, in seconds'),
  MAX_TTL: withDefault(
    '2592000',
    whole(1, 10 * YEAR, 'seconds'),
    'longest TTL a person may choose, and how long a message is kept at most, in seconds',
  ),
  FACTS_TTL: optional(
    whole(1, 10 * YEAR, 'seconds'),
    'seconds until a fact that a person told the bot to remember expires; at most MAX_TTL; unset: 30 days, or MAX_TTL if that is less',
  ),
  MEMORY_WINDOW: withDefault('20', whole(2, 10_000), 'newest messages of the conversation that the model is shown'),
  MAX_MESSAGES: withDefault('2000', whole(2, 100_000), 'messages kept of a conversation, an even number'),
  MAX_CONVERSATION_BYTES: withDefault(
    '524288',
    whole(1_024, 100_000_000),
    'bytes kept of a conversation as it is stored; the oldest turns go first, the newest is kept whatever its size',
  ),
  RECALL_TOKENS: withDefault(
    '1950',
    whole(0, 1_000_000),
    'bound in tokens on older messages that are shown because they match the newest one; 0: none are',
  ),
  MAX_CONTEXT_TOKENS: optional(
    whole(256, 10_000_000),
    'bound in tokens on what the model is shown; unset: what the model can take',
  ),
  MAX_FILE_TOKENS: withDefault(
    '4000',
    whole(1, 1_000_000),
    'bound in tokens on the files that the model is shown, images included; at most a quarter of what the model can take',
  ),
  SESSION_SCOPE: withDefault(
    'user',
    oneOf(['user', 'channel']),
    'user: a conversation per person and channel or thread; channel: one shared by all in it',
  ),
  SLACK_DM_SCOPE: withDefault(
    'thread',
    oneOf(['thread', 'channel']),
    'thread: in a Slack DM, each thread is a conversation; channel: the whole DM is one',
  ),

  OPENAI_API_KEY: optional(
    secret(),
    'API key of OpenAI or of the server at OPENAI_BASE_URL; if neither is set, the demo model answers',
    {
      secret: true,
      heading: 'The model',
    },
  ),
  OPENAI_BASE_URL: optional(
    url('http', 'https'),
    'any OpenAI-compatible server, such as http://127.0.0.1:11434/v1 (Ollama); unset: OpenAI',
  ),
  OPENAI_MODEL: withDefault('gpt-5.4-mini', text, 'model name'),
  OPENAI_TEMPERATURE: optional(decimal(0, 2), "0 to 2; unset: the model's default"),
  OPENAI_VISION: withDefault(
    'auto',
    oneOf(['auto', 'on', 'off']),
    'auto: images are sent until the server refuses them; on: a refusal is an error; off: no images are sent',
  ),
  SYSTEM_PROMPT: withDefault(
    'You are a helpful assistant in a chat. Be brief, and answer in the language you are spoken to.',
    text,
    'system message; {date} and {time} are filled in but defeat prompt caching; without them, each message carries its time',
  ),

  DISCORD_TOKEN: optional(
    secret(/^(?!Bot$)/i, 'the bot token alone, without "Bot" before it'),
    'bot token; enables Discord',
    { secret: true, heading: 'Discord' },
  ),
  DISCORD_API_URL: optional(url('http', 'https'), "proxy or test server to use instead of Discord's API"),

  SLACK_BOT_TOKEN: optional(
    secret(/^(xoxe\.)?xoxb-/, 'a bot token, which begins with xoxb- (Slack app: OAuth & Permissions)'),
    'xoxb-…; enables Slack, together with one of the next two',
    { secret: true, heading: 'Slack' },
  ),
  SLACK_APP_TOKEN: optional(
    secret(/^xapp-/, 'an app-level token, which begins with xapp- (Slack app: Basic Information)'),
    'xapp-…; uses Socket Mode',
    { secret: true },
  ),
  SLACK_SIGNING_SECRET: optional(secret(), 'receives events over HTTP, at /slack/events on SLACK_PORT', {
    secret: true,
  }),
  SLACK_PORT: withDefault('3000', whole(0, 65_535), 'port for Slack events over HTTP, on HOST'),
  SLACK_API_URL: optional(url('http', 'https'), "proxy or test server to use instead of Slack's API"),

  HOST: withDefault('127.0.0.1', host, 'address on which the HTTP API and the playground listen', {
    heading: 'HTTP API and playground',
  }),
  PORT: withDefault('8000', whole(0, 65_535), 'their port; 0: any free port'),
  API_KEY: optional(
    secret(),
    'HTTP callers must send it as "Authorization: Bearer …"; required if HOST is not a loopback address or a proxy is in front',
    { secret: true },
  ),
  HTTP_TIMEOUT: withDefault(
    '100',
    whole(1, 600, 'seconds'),
    'seconds an HTTP caller waits for an answer before it gets a 202; keep it below the timeout of any proxy in front',
  ),

  WORKER_CONCURRENCY: withDefault('32', whole(1, 1_000), 'conversations that this process answers concurrently', {
    heading: 'Turns',
  }),
  FIRST_TOKEN_TIMEOUT: withDefault(
    '180',
    whole(1, HOUR, 'seconds'),
    'seconds to wait for the first token before retrying (a local model may have to be loaded first)',
  ),
  TURN_TIMEOUT: withDefault('60', whole(1, HOUR, 'seconds'), 'seconds to wait for each further token before retrying'),
  ANSWER_TIMEOUT: withDefault(
    String(TURN_BUDGET_MS / 1_000),
    whole(1, HOUR, 'seconds'),
    'seconds for a whole turn with all its attempts; an unfinished answer is cut off there',
  ),
  MAX_ANSWER_LENGTH: withDefault(
    '40000',
    whole(1, 1_000_000),
    'longest answer, in characters; longer ones are cut off',
  ),
  SHUTDOWN_GRACE: withDefault(
    '20',
    whole(0, 600, 'seconds'),
    'seconds that running turns get to finish after SIGTERM; the rest are handed over to other processes',
  ),
  RATE_LIMIT: withDefault('20/min', rateLimit, 'messages per person, per s, min or h'),
  MAX_WAITING: withDefault('20', whole(1, 1_000), 'messages that may wait in one conversation'),
  MAX_MESSAGE_LENGTH: withDefault(
    '8000',
    whole(1, 100_000),
    'longest message that is accepted, in characters (Slack allows up to 40000)',
  ),

  ADMIN_USER_IDS: optional(
    people,
    'discord:<id> or slack:<team>:<id>, separated by commas: people who may see server details and erase shared conversations; unset: nobody',
    { heading: 'Operation' },
  ),
  LOG_LEVEL: withDefault(
    'info',
    oneOf(['debug', 'info', 'warn', 'error', 'silent']),
    'debug, info, warn, error or silent',
  ),
  LOG_FORMAT: optional(oneOf(['pretty', 'json']), 'pretty or json; unset: pretty on a terminal, else json'),
};

/** One schema for all settings. */
export const settingsSchema = z.object(SHAPE);

export type Values = z.output<typeof settingsSchema>;
export type SettingName = keyof Values;

export interface Setting extends About {
  readonly name: string;
  readonly parse: z.ZodType<unknown, string | undefined>;
}

/** All settings. `.env.example` is generated from this table. */
export const SETTINGS: readonly Setting[] = Object.entries(SHAPE).map(([name, parse]) => {
  const known = about.get(parse);
  if (known === undefined) throw new Error(`The setting ${name} is not described.`);
  return { name, parse, ...known };
});
