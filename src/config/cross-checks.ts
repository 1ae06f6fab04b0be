/** Checks settings against each other. The only values in the messages are numbers. */
import { isIP } from 'node:net';
import { checkRedis, usesTls } from './redis.ts';
import type { SettingName, Values } from './settings.ts';

/** Whether the address is reachable from this machine only. */
function isLoopback(host: string): boolean {
  if (host.toLowerCase() === 'localhost' || host === '::1') return true;
  return isIP(host) === 4 && host.startsWith('127.');
}

/**
 * Problems of settings that are valid by themselves but not in combination, each with its fix.
 * @param invalid names of invalid settings, whose values are defaults here: checks that depend on them are skipped
 */
export function checkTogether(values: Values, invalid: ReadonlySet<string>): string[] {
  const problems: string[] = [];
  /** Reports `fix` unless `holds`. `names` are the settings that the check depends on. */
  const demand = (names: readonly SettingName[], holds: boolean, fix: string) => {
    if (!holds && !names.some((name) => invalid.has(name))) problems.push(fix);
  };
  checkRedis(values, demand);
  const { MIN_TTL, DEFAULT_TTL, MAX_TTL, FACTS_TTL, MEMORY_WINDOW, MAX_MESSAGES } = values;

  demand(
    ['MIN_TTL', 'DEFAULT_TTL'],
    MIN_TTL <= DEFAULT_TTL,
    `DEFAULT_TTL (${DEFAULT_TTL}) must not be less than MIN_TTL (${MIN_TTL}): raise it, or lower MIN_TTL`,
  );
  demand(
    ['DEFAULT_TTL', 'MAX_TTL'],
    DEFAULT_TTL <= MAX_TTL,
    `DEFAULT_TTL (${DEFAULT_TTL}) must not be greater than MAX_TTL (${MAX_TTL}): lower it, or raise MAX_TTL`,
  );
  demand(
    ['FACTS_TTL', 'MAX_TTL'],
    FACTS_TTL === undefined || FACTS_TTL <= MAX_TTL,
    `FACTS_TTL (${FACTS_TTL}) must not be greater than MAX_TTL (${MAX_TTL}): lower it, raise MAX_TTL, or leave FACTS_TTL unset`,
  );
  demand(
    ['MAX_MESSAGES'],
    MAX_MESSAGES % 2 === 0,
    `MAX_MESSAGES (${MAX_MESSAGES}) must be even, because a turn is two messages`,
  );
  demand(
    ['MAX_MESSAGES', 'MEMORY_WINDOW'],
    MAX_MESSAGES >= MEMORY_WINDOW,
    `MAX_MESSAGES (${MAX_MESSAGES}) must not be less than MEMORY_WINDOW (${MEMORY_WINDOW}): raise it, or lower MEMORY_WINDOW`,
  );

  const { SLACK_BOT_TOKEN, SLACK_APP_TOKEN, SLACK_SIGNING_SECRET } = values;
  demand(
    ['SLACK_BOT_TOKEN', 'SLACK_APP_TOKEN', 'SLACK_SIGNING_SECRET'],
    SLACK_BOT_TOKEN === undefined || SLACK_APP_TOKEN !== undefined || SLACK_SIGNING_SECRET !== undefined,
    'SLACK_BOT_TOKEN also needs SLACK_APP_TOKEN (Socket Mode) or SLACK_SIGNING_SECRET (HTTP)',
  );
  demand(
    ['SLACK_BOT_TOKEN', 'SLACK_APP_TOKEN'],
    SLACK_APP_TOKEN === undefined || SLACK_BOT_TOKEN !== undefined,
    'SLACK_APP_TOKEN also needs SLACK_BOT_TOKEN (xoxb-…)',
  );
  demand(
    ['SLACK_BOT_TOKEN', 'SLACK_SIGNING_SECRET'],
    SLACK_SIGNING_SECRET === undefined || SLACK_BOT_TOKEN !== undefined,
    'SLACK_SIGNING_SECRET also needs SLACK_BOT_TOKEN (xoxb-…)',
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
    'API_KEY must be set when HOST is not a loopback address; otherwise anybody who can reach it could read every HTTP conversation: ' +
      'set API_KEY to a long random string, or HOST to 127.0.0.1',
  );
  return problems;
}

/**
 * Settings that are valid but probably a mistake.
 * @param given names of everything that was set
 */
export function suspiciousSettings(values: Values, given: ReadonlySet<string>): string[] {
  const hasModel = values.OPENAI_API_KEY !== undefined || values.OPENAI_BASE_URL !== undefined;
  // TURN_TIMEOUT used to limit the whole answer, so an old setting may be far too high.
  const withoutEffect = (['FIRST_TOKEN_TIMEOUT', 'TURN_TIMEOUT'] as const).map(
    (name) =>
      [
        given.has(name) && values[name] > values.ANSWER_TIMEOUT,
        `${name} (${values[name]}) has no effect: ANSWER_TIMEOUT (${values.ANSWER_TIMEOUT}) ends every answer first. Lower it, or raise ANSWER_TIMEOUT`,
      ] as const,
  );
  const checks: readonly (readonly [boolean, string])[] = [
    [
      values.OPENAI_BASE_URL !== undefined && !given.has('OPENAI_MODEL'),
      `OPENAI_MODEL is not set: the server at OPENAI_BASE_URL is asked for ${values.OPENAI_MODEL}, which it may not have`,
    ],
    [
      !hasModel && (['OPENAI_MODEL', 'OPENAI_TEMPERATURE', 'OPENAI_VISION'] as const).some((name) => given.has(name)),
      'OPENAI_MODEL, OPENAI_TEMPERATURE and OPENAI_VISION have no effect without OPENAI_API_KEY or OPENAI_BASE_URL: the demo model answers',
    ],
    [
      values.SLACK_APP_TOKEN !== undefined && values.SLACK_SIGNING_SECRET !== undefined,
      'SLACK_APP_TOKEN and SLACK_SIGNING_SECRET are both set: Socket Mode is used. For HTTP, remove SLACK_APP_TOKEN',
    ],
    [
      values.API_KEY !== undefined && values.API_KEY.length < 16,
      'API_KEY has fewer than 16 characters and can be guessed: use a long random string',
    ],
    [
      values.REDIS_TLS_CA !== undefined && !usesTls(values),
      'REDIS_TLS_CA has no effect: no connection to Redis uses TLS. Write rediss:// in REDIS_URL, or set REDIS_TLS=true',
    ],
    ...withoutEffect,
  ];
  return checks.flatMap(([applies, warning]) => (applies ? [warning] : []));
}

/** LangChain reads these from the environment (not from `.env`); each makes it send messages to LangSmith. */
const TRACING = ['LANGSMITH_TRACING_V2', 'LANGCHAIN_TRACING_V2', 'LANGSMITH_TRACING', 'LANGCHAIN_TRACING'];

/** Tracing sends messages to a third party, which may not be intended. */
export function tracingWarnings(environment: Readonly<Record<string, string | undefined>>): string[] {
  return TRACING.filter((name) => environment[name] === 'true').map(
    (name) => `${name} is set: LangChain sends people's messages to LangSmith. Unset it unless that is intended.`,
  );
}
