/** The only module that reads the environment. It returns plain, frozen data. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseEnv } from 'node:util';
import type { Person, SessionScope } from '../core/session.ts';
import { BotError } from '../errors.ts';
import type { RedisTarget } from '../redis/target.ts';
import { checkTogether, suspiciousSettings, tracingWarnings } from './cross-checks.ts';
import type { RateLimit } from './parsers.ts';
import { readCa, redisTarget } from './redis.ts';
import { SETTINGS, settingsSchema, type Values } from './settings.ts';
import { findTypos } from './typos.ts';

export { SETTINGS } from './settings.ts';

/** 30 days, in seconds. */
const DEFAULT_FACTS_TTL = 2_592_000;

/** EX_CONFIG of sysexits.h: the exit code for invalid settings. */
export const EXIT_CONFIG = 78;

export type ModelConfig =
  /** Neither a key nor a server: the deterministic demo model. */
  | { readonly kind: 'demo' }
  | {
      readonly kind: 'openai';
      /** Absent for servers that need none (Ollama). */
      readonly apiKey?: string;
      /** Absent: OpenAI. */
      readonly baseUrl?: string;
      readonly name: string;
      /** Absent: the model's default. */
      readonly temperature?: number;
      /** Whether images are sent: until the server refuses them, always, or never. */
      readonly vision: 'auto' | 'on' | 'off';
    };

export interface SlackConfig {
  readonly botToken: string;
  readonly transport:
    | { readonly kind: 'socket'; readonly appToken: string }
    | { readonly kind: 'http'; readonly signingSecret: string; readonly host: string; readonly port: number };
  readonly apiUrl?: string;
  readonly dmScope: 'thread' | 'channel';
}

/** All settings, grouped by the module that uses them. TTLs are in seconds; fields named `…Ms` in milliseconds. */
export interface Config {
  readonly store: {
    /** Absent: the embedded store in `dataDir`. */
    readonly redis?: RedisTarget;
    readonly waitReplicas: number;
    /** Absolute. */
    readonly dataDir: string;
    readonly keyPrefix: string;
    readonly allowEviction: boolean;
  };
  readonly memory: {
    readonly defaultTtl: number;
    readonly minTtl: number;
    /** A turn is also kept for at most this long from when it was said. */
    readonly maxTtl: number;
    /** How long a fact is kept from when it was said. */
    readonly factsTtl: number;
    /** Newest messages that the model is shown. */
    readonly window: number;
    /** Messages kept per conversation; even. */
    readonly maxMessages: number;
    /** Bytes kept per conversation, as they are stored. */
    readonly maxBytes: number;
    /** Estimated tokens of recalled messages; 0: recall is off. */
    readonly recallTokens: number;
    /** Absent: what the model can take. */
    readonly maxContextTokens?: number;
    /** Estimated tokens of all files of a request. */
    readonly maxFileTokens: number;
    readonly scope: SessionScope;
  };
  readonly model: ModelConfig;
  /** `{date}` and `{time}` are not filled in yet. */
  readonly systemPrompt: string;
  /** Absent: off. */
  readonly discord?: { readonly token: string; readonly apiUrl?: string };
  /** Absent: off. */
  readonly slack?: SlackConfig;
  readonly http: {
    readonly host: string;
    readonly port: number;
    readonly apiKey?: string;
    readonly timeoutMs: number;
  };
  readonly turns: {
    readonly concurrency: number;
    /** Until the first token, and between two tokens. */
    readonly firstTokenMs: number;
    readonly betweenTokensMs: number;
    /** For a whole turn. */
    readonly answerMs: number;
    /** UTF-16 units. */
    readonly maxAnswerLength: number;
    readonly shutdownGraceMs: number;
    readonly rateLimit: RateLimit;
    /** Messages that may wait per conversation. */
    readonly maxWaiting: number;
    /** UTF-16 units. */
    readonly maxMessageLength: number;
  };
  readonly admins: readonly Person[];
  readonly log: {
    readonly level: 'debug' | 'info' | 'warn' | 'error' | 'silent';
    /** Absent: pretty on a terminal, else json. */
    readonly format?: 'pretty' | 'json';
    /** Tokens, keys and passwords, which must never appear in the log. */
    readonly secrets: readonly string[];
  };
  /** Likely mistakes that do not abort startup, each with its fix: misspelt names, settings without effect. */
  readonly warnings: readonly string[];
}

type Texts = Readonly<Record<string, string | undefined>>;

export interface LoadOptions {
  /** Contains `.env`, and is the base of a relative DATA_DIR. Default: the working directory. */
  readonly cwd?: string;
}

/**
 * Reads all settings from the environment and from `.env`. The environment takes precedence; an empty variable there unsets the
 * one in `.env`.
 * @throws BotError `config_invalid` with every problem and its fix, but none of the values; the process should then exit with
 * {@link EXIT_CONFIG}
 */
export function loadConfig(env: Texts = process.env, { cwd = process.cwd() }: LoadOptions = {}): Config {
  const problems: string[] = [];
  const file = readEnvFile(resolve(cwd, '.env'), problems);
  const texts = trimmed({ ...file, ...env });

  const first = settingsSchema.safeParse(texts);
  const invalid = new Set<string>();
  for (const { path, message } of first.error?.issues ?? []) {
    const name = String(path[0]);
    invalid.add(name);
    problems.push(`${name} ${message}${name in env ? '' : ' (in .env)'}`);
  }
  // Valid settings are checked together even when others are invalid, so that all problems are reported at once.
  const values = settingsSchema.parse(Object.fromEntries(Object.entries(texts).filter(([name]) => !invalid.has(name))));
  problems.push(...checkTogether(values, invalid));
  const ca = values.REDIS_TLS_CA === undefined ? { ca: undefined } : readCa(values.REDIS_TLS_CA, cwd);
  if ('problem' in ca) problems.push(ca.problem);
  if (problems.length > 0) throw new BotError('config_invalid', `Invalid settings:\n- ${problems.join('\n- ')}`);

  const given = new Set(Object.keys(texts));
  const names = SETTINGS.map(({ name }) => name);
  const typos = findTypos(given, names).map(({ given, meant }) => `${given} is not a setting; did you mean ${meant}?`);
  return deepFreeze(
    arrange(values, redisTarget(values, 'ca' in ca ? ca.ca : undefined), cwd, [
      ...typos,
      ...suspiciousSettings(values, given),
      ...tracingWarnings(env),
    ]),
  );
}

/** An absent file counts as empty. */
function readEnvFile(path: string, problems: string[]): Texts {
  try {
    return parseEnv(readFileSync(path, 'utf8'));
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code !== 'ENOENT')
      problems.push(`.env cannot be read (${String(code)}): make it a readable file, or remove it`);
    return {};
  }
}

/** Trims values (a secret read from a file often ends with a line break) and drops empty ones, which count as not set. */
function trimmed(texts: Texts): Record<string, string> {
  const entries = Object.entries(texts).flatMap(([name, text]) => {
    const trimmedText = text?.trim() ?? '';
    return trimmedText === '' ? [] : [[name, trimmedText] as const];
  });
  return Object.fromEntries(entries);
}

function arrange(values: Values, redis: RedisTarget | undefined, cwd: string, warnings: readonly string[]): Config {
  const slack = slackOf(values);
  return {
    store: {
      redis,
      waitReplicas: values.REDIS_WAIT_REPLICAS,
      dataDir: resolve(cwd, values.DATA_DIR),
      keyPrefix: values.KEY_PREFIX,
      allowEviction: values.ALLOW_EVICTION,
    },
    memory: {
      defaultTtl: values.DEFAULT_TTL,
      minTtl: values.MIN_TTL,
      maxTtl: values.MAX_TTL,
      factsTtl: values.FACTS_TTL ?? Math.min(DEFAULT_FACTS_TTL, values.MAX_TTL),
      window: values.MEMORY_WINDOW,
      maxMessages: values.MAX_MESSAGES,
      maxBytes: values.MAX_CONVERSATION_BYTES,
      recallTokens: values.RECALL_TOKENS,
      maxContextTokens: values.MAX_CONTEXT_TOKENS,
      maxFileTokens: values.MAX_FILE_TOKENS,
      scope: values.SESSION_SCOPE,
    },
    model: modelOf(values),
    systemPrompt: values.SYSTEM_PROMPT,
    ...(values.DISCORD_TOKEN === undefined
      ? {}
      : { discord: { token: values.DISCORD_TOKEN, apiUrl: values.DISCORD_API_URL } }),
    ...(slack === undefined ? {} : { slack }),
    http: {
      host: values.HOST,
      port: values.PORT,
      apiKey: values.API_KEY,
      timeoutMs: values.HTTP_TIMEOUT * 1_000,
    },
    turns: {
      concurrency: values.WORKER_CONCURRENCY,
      firstTokenMs: values.FIRST_TOKEN_TIMEOUT * 1_000,
      betweenTokensMs: values.TURN_TIMEOUT * 1_000,
      answerMs: values.ANSWER_TIMEOUT * 1_000,
      maxAnswerLength: values.MAX_ANSWER_LENGTH,
      shutdownGraceMs: values.SHUTDOWN_GRACE * 1_000,
      rateLimit: values.RATE_LIMIT,
      maxWaiting: values.MAX_WAITING,
      maxMessageLength: values.MAX_MESSAGE_LENGTH,
    },
    admins: values.ADMIN_USER_IDS ?? [],
    log: { level: values.LOG_LEVEL, format: values.LOG_FORMAT, secrets: secretsOf(values) },
    warnings,
  };
}

function modelOf(values: Values): ModelConfig {
  const { OPENAI_API_KEY: apiKey, OPENAI_BASE_URL: baseUrl } = values;
  if (apiKey === undefined && baseUrl === undefined) return { kind: 'demo' };
  const { OPENAI_MODEL: name, OPENAI_TEMPERATURE: temperature, OPENAI_VISION: vision } = values;
  return { kind: 'openai', apiKey, baseUrl, name, temperature, vision };
}

function slackOf(values: Values): SlackConfig | undefined {
  const { SLACK_BOT_TOKEN: botToken, SLACK_APP_TOKEN: appToken, SLACK_SIGNING_SECRET: signingSecret } = values;
  if (botToken === undefined) return undefined;
  const common = { botToken, apiUrl: values.SLACK_API_URL, dmScope: values.SLACK_DM_SCOPE };
  if (appToken !== undefined) return { ...common, transport: { kind: 'socket', appToken } };
  if (signingSecret === undefined) return undefined;
  return { ...common, transport: { kind: 'http', signingSecret, host: values.HOST, port: values.SLACK_PORT } };
}

/** The secret settings, and the passwords in URLs, which may be printed by themselves. */
function secretsOf(values: Values): string[] {
  const byName: ReadonlyMap<string, unknown> = new Map(Object.entries(values));
  const whole = SETTINGS.filter(({ secret }) => secret).map(({ name }) => byName.get(name));
  const urls = [values.REDIS_URL, values.OPENAI_BASE_URL, values.DISCORD_API_URL, values.SLACK_API_URL];
  const passwords = urls.flatMap((url) => {
    const password = url === undefined ? '' : new URL(url).password;
    return [password, decodeURIComponent(password)];
  });
  const secrets = [...whole, ...passwords].flatMap((secret) => (typeof secret === 'string' && secret ? [secret] : []));
  return [...new Set(secrets)];
}

function deepFreeze<Value>(value: Value): Value {
  if (typeof value === 'object' && value !== null) {
    for (const part of Object.values(value)) deepFreeze(part);
    Object.freeze(value);
  }
  return value;
}
