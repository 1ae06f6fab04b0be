/** Checks settings against each other. The texts contain numbers at most, never another value. */
import { isIP } from 'node:net';
import { checkRedis, usesTls } from './redis.ts';
import type { SettingName, Values } from './settings.ts';

/** Does the address reach this machine only? */
function isLoopback(host: string): boolean {
  if (host.toLowerCase() === 'localhost' || host === '::1') return true;
  return isIP(host) === 4 && host.startsWith('127.');
}

/**
 * Problems of settings that are valid by themselves but not together, each with its fix.
 * @param invalid names of invalid settings, whose values are defaults here: checks that depend on them are skipped
 */
export function checkTogether(values: Values, invalid: ReadonlySet<string>): string[] {
  const problems: string[] = [];
  /** Reports `fix` unless `holds`; `names` are the settings that it depends on. */
  const demand = (names: readonly SettingName[], holds: boolean, fix: string) => {
    if (!holds && !names.some((name) => invalid.has(name))) problems.push(fix);
  };
  checkRedis(values, demand);
  const { MIN_TTL, DEFAULT_TTL, MAX_TTL, MEMORY_WINDOW, MAX_MESSAGES } = values;

  demand(
    ['MIN_TTL', 'DEFAULT_TTL'],
    MIN_TTL <= DEFAULT_TTL,
    `DEFAULT_TTL (${DEFAULT_TTL}) must not be under MIN_TTL (${MIN_TTL}): raise the one or lower the other`,
  );
  demand(
    ['DEFAULT_TTL', 'MAX_TTL'],
    DEFAULT_TTL <= MAX_TTL,
    `DEFAULT_TTL (${DEFAULT_TTL}) must not be over MAX_TTL (${MAX_TTL}): lower the one or raise the other`,
  );
  demand(
    ['MAX_MESSAGES'],
    MAX_MESSAGES % 2 === 0,
    `MAX_MESSAGES (${MAX_MESSAGES}) must be even, because a turn is two messages`,
  );
  demand(
    ['MAX_MESSAGES', 'MEMORY_WINDOW'],
    MAX_MESSAGES >= MEMORY_WINDOW,
    `MAX_MESSAGES (${MAX_MESSAGES}) must not be under MEMORY_WINDOW (${MEMORY_WINDOW}): raise the one or lower the other`,
  );

  const { SLACK_BOT_TOKEN, SLACK_APP_TOKEN, SLACK_SIGNING_SECRET } = values;
  demand(
    ['SLACK_BOT_TOKEN', 'SLACK_APP_TOKEN', 'SLACK_SIGNING_SECRET'],
    SLACK_BOT_TOKEN === undefined || SLACK_APP_TOKEN !== undefined || SLACK_SIGNING_SECRET !== undefined,
    'SLACK_BOT_TOKEN needs SLACK_APP_TOKEN (Socket Mode) or SLACK_SIGNING_SECRET (HTTP) beside it',
  );
  demand(
    ['SLACK_BOT_TOKEN', 'SLACK_APP_TOKEN'],
    SLACK_APP_TOKEN === undefined || SLACK_BOT_TOKEN !== undefined,
    'SLACK_APP_TOKEN needs SLACK_BOT_TOKEN (xoxb-…) beside it',
  );
  demand(
    ['SLACK_BOT_TOKEN', 'SLACK_SIGNING_SECRET'],
    SLACK_SIGNING_SECRET === undefined || SLACK_BOT_TOKEN !== undefined,
    'SLACK_SIGNING_SECRET needs SLACK_BOT_TOKEN (xoxb-…) beside it',
  );
  const slackListens = SLACK_SIGNING_SECRET !== undefined && SLACK_APP_TOKEN === undefined;
  demand(
    ['PORT', 'SLACK_PORT'],
    !slackListens || values.PORT === 0 || values.PORT !== values.SLACK_PORT,
    `PORT and SLACK_PORT must differ (both are ${values.PORT})`,
  );
  demand(
    ['HOST', 'API_KEY'],
    isLoopback(values.HOST) || values.API_KEY !== undefined,
    'API_KEY must be set when HOST is not a loopback address, or anybody who reaches it could read every HTTP conversation: ' +
      'set API_KEY to a long random word, or HOST to 127.0.0.1',
  );
  return problems;
}

/**
 * Settings that are valid but probably a mistake.
 * @param given names of everything that was set
 */
export function noteOddities(values: Values, given: ReadonlySet<string>): string[] {
  const hasModel = values.OPENAI_API_KEY !== undefined || values.OPENAI_BASE_URL !== undefined;
  // TURN_TIMEOUT was once for the whole of an answer, so it may be set to far more than is meant now.
  const withoutEffect = (['FIRST_TOKEN_TIMEOUT', 'TURN_TIMEOUT'] as const).map(
    (name) =>
      [
        given.has(name) && values[name] > values.ANSWER_TIMEOUT,
        `${name} (${values[name]}) has no effect: ANSWER_TIMEOUT (${values.ANSWER_TIMEOUT}) ends every answer before. Lower the one or raise the other`,
      ] as const,
  );
  const oddities: readonly (readonly [boolean, string])[] = [
    [
      values.OPENAI_BASE_URL !== undefined && !given.has('OPENAI_MODEL'),
      `OPENAI_MODEL is not set: the server at OPENAI_BASE_URL is asked for ${values.OPENAI_MODEL}, which it may not have`,
    ],
    [
      !hasModel && (given.has('OPENAI_MODEL') || given.has('OPENAI_TEMPERATURE')),
      'OPENAI_MODEL and OPENAI_TEMPERATURE have no effect without OPENAI_API_KEY or OPENAI_BASE_URL: the demo model answers',
    ],
    [
      values.SLACK_APP_TOKEN !== undefined && values.SLACK_SIGNING_SECRET !== undefined,
      'SLACK_APP_TOKEN and SLACK_SIGNING_SECRET are both set: Socket Mode is used; for HTTP take SLACK_APP_TOKEN out',
    ],
    [
      values.API_KEY !== undefined && values.API_KEY.length < 16,
      'API_KEY has fewer than 16 characters and can be guessed: use a long random word',
    ],
    [
      values.REDIS_TLS_CA !== undefined && !usesTls(values),
      'REDIS_TLS_CA has no effect: no connection to Redis uses TLS. Write rediss:// in REDIS_URL, or set REDIS_TLS=true',
    ],
    ...withoutEffect,
  ];
  return oddities.flatMap(([odd, note]) => (odd ? [note] : []));
}

/** Variables of LangChain's own, read by it from the environment of the process (not from `.env`): each sends texts to LangSmith. */
const TRACING = ['LANGSMITH_TRACING_V2', 'LANGCHAIN_TRACING_V2', 'LANGSMITH_TRACING', 'LANGCHAIN_TRACING'];

/** With tracing on, messages are sent to a third party, which may not be intended. */
export function noteTracing(environment: Readonly<Record<string, string | undefined>>): string[] {
  return TRACING.filter((name) => environment[name] === 'true').map(
    (name) => `${name} is set: LangChain sends what people say to LangSmith. Unset it unless you mean it.`,
  );
}
