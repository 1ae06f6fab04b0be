import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseEnv } from 'node:util';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Config, loadConfig, SETTINGS } from '../../src/config/config.ts';
import { BotError } from '../../src/errors.ts';

let cwd: string;
beforeEach(async () => {
  cwd = await mkdtemp(join(tmpdir(), 'recollect-config-'));
});
afterEach(() => rm(cwd, { recursive: true }));

const load = (env: Record<string, string> = {}): Config => loadConfig(env, { cwd });

function faultOf(env: Record<string, string>): BotError {
  try {
    load(env);
  } catch (error) {
    if (error instanceof BotError) return error;
    throw error;
  }
  throw new Error('No fault was found.');
}

const faultsOf = (env: Record<string, string>): string[] => faultOf(env).message.split('\n- ').slice(1);

const SLACK = { SLACK_BOT_TOKEN: 'xoxb-1', SLACK_APP_TOKEN: 'xapp-1' };

describe('without any setting', () => {
  it('uses the embedded store, the demo model and HTTP on the loopback address', () => {
    expect(load()).toEqual({
      store: {
        redis: undefined,
        waitReplicas: 0,
        dataDir: join(cwd, 'data'),
        keyPrefix: 'conversation',
        allowEviction: false,
      },
      memory: {
        defaultTtl: 1800,
        minTtl: 60,
        maxTtl: 2_592_000,
        factsTtl: 2_592_000,
        window: 20,
        maxMessages: 2_000,
        maxBytes: 524_288,
        maxContextTokens: undefined,
        maxFileTokens: 4_000,
        recallTokens: 1_950,
        scope: 'user',
      },
      model: { kind: 'demo' },
      systemPrompt: expect.not.stringMatching(/\{(date|time)\}/),
      http: { host: '127.0.0.1', port: 8000, apiKey: undefined, timeoutMs: 100_000 },
      turns: {
        concurrency: 32,
        firstTokenMs: 180_000,
        betweenTokensMs: 60_000,
        answerMs: 600_000,
        maxAnswerLength: 40_000,
        shutdownGraceMs: 20_000,
        rateLimit: { messages: 20, perMs: 60_000 },
        maxWaiting: 20,
        maxMessageLength: 8_000,
      },
      admins: [],
      log: { level: 'info', format: undefined, secrets: [] },
      warnings: [],
    });
  });

  it('facts are kept for 30 days, or for MAX_TTL if that is less', () => {
    expect(load({ MAX_TTL: '31536000' }).memory.factsTtl).toBe(2_592_000);
    expect(load({ MAX_TTL: '3600' }).memory.factsTtl).toBe(3600);
    expect(load({ MAX_TTL: '3600', FACTS_TTL: '60' }).memory.factsTtl).toBe(60);
  });

  it('an empty or blank value counts as not set', () => {
    expect(load({ REDIS_URL: '', PORT: '  ', OPENAI_API_KEY: '\n' })).toEqual(load());
  });
});

describe('the values', () => {
  it('are parsed', () => {
    const config = load({
      REDIS_URL: 'rediss://:pass%40word@redis.example:6380/2',
      DATA_DIR: '/var/lib/bot',
      ALLOW_EVICTION: 'true',
      MAX_CONTEXT_TOKENS: '4000',
      SESSION_SCOPE: 'channel',
      OPENAI_TEMPERATURE: '0.7',
      OPENAI_VISION: 'off',
      OPENAI_API_KEY: ' sk-1\n',
      OPENAI_MODEL: 'small',
      RATE_LIMIT: '200/h',
      PORT: '0',
      LOG_FORMAT: 'json',
    });
    expect(config.store).toMatchObject({
      redis: { kind: 'server', url: 'rediss://:pass%40word@redis.example:6380/2' },
      dataDir: '/var/lib/bot',
    });
    expect(config.store.allowEviction).toBe(true);
    expect(config.memory).toMatchObject({ maxContextTokens: 4000, scope: 'channel' });
    expect(config.model).toEqual({
      kind: 'openai',
      apiKey: 'sk-1',
      baseUrl: undefined,
      name: 'small',
      temperature: 0.7,
      vision: 'off',
    });
    expect(config.turns.rateLimit).toEqual({ messages: 200, perMs: 3_600_000 });
    expect(config.http.port).toBe(0);
    expect(config.log.format).toBe('json');
  });

  it.each([
    ['1/s', { messages: 1, perMs: 1_000 }],
    ['20/min', { messages: 20, perMs: 60_000 }],
  ])('a rate limit of %s', (written, limit) => {
    expect(load({ RATE_LIMIT: written }).turns.rateLimit).toEqual(limit);
  });

  it('are deeply frozen', () => {
    const config = load({ ...SLACK, ADMIN_USER_IDS: 'discord:1' });
    const check = (value: unknown): void => {
      if (typeof value !== 'object' || value === null) return;
      expect(Object.isFrozen(value)).toBe(true);
      Object.values(value).forEach(check);
    };
    check(config);
  });

  it('an API key alone selects a small OpenAI model', () => {
    expect(load({ OPENAI_API_KEY: 'sk-1' }).model).toMatchObject({
      kind: 'openai',
      apiKey: 'sk-1',
      name: 'gpt-5.4-mini',
    });
  });

  it('a server without an API key is valid, as for Ollama', () => {
    const config = load({ OPENAI_BASE_URL: 'http://127.0.0.1:11434/v1', OPENAI_MODEL: 'llama3.2' });
    expect(config.model).toMatchObject({ kind: 'openai', apiKey: undefined, baseUrl: 'http://127.0.0.1:11434/v1' });
    expect(config.warnings).toEqual([]);
  });

  it('admins are Discord users and members of a Slack team', () => {
    expect(load({ ADMIN_USER_IDS: 'discord:80351110224678912, slack:T012AB3CD:U012A3CDE' }).admins).toEqual([
      { platform: 'discord', user: '80351110224678912' },
      { platform: 'slack', workspace: 'T012AB3CD', user: 'U012A3CDE' },
    ]);
  });

  it('platforms are enabled by their tokens', () => {
    expect(load({ DISCORD_TOKEN: 'abc.def' }).discord).toEqual({ token: 'abc.def', apiUrl: undefined });
    expect(load(SLACK).slack).toMatchObject({
      botToken: 'xoxb-1',
      transport: { kind: 'socket', appToken: 'xapp-1' },
      dmScope: 'thread',
    });
    expect(load({ SLACK_BOT_TOKEN: 'xoxb-1', SLACK_SIGNING_SECRET: 's', SLACK_PORT: '3001' }).slack?.transport).toEqual(
      {
        kind: 'http',
        signingSecret: 's',
        host: '127.0.0.1',
        port: 3001,
      },
    );
  });

  it('the secrets are listed for the log, passwords inside of URLs as well', () => {
    const { secrets } = load({
      ...SLACK,
      REDIS_URL: 'redis://bot:p%40ss@localhost',
      OPENAI_API_KEY: 'sk-1',
      OPENAI_BASE_URL: 'http://me:proxypass@localhost/v1',
      DISCORD_TOKEN: 'd',
      API_KEY: 'k',
    }).log;
    expect([...secrets].sort()).toEqual(
      ['redis://bot:p%40ss@localhost', 'p%40ss', 'p@ss', 'sk-1', 'proxypass', 'd', 'k', 'xoxb-1', 'xapp-1'].sort(),
    );
  });
});

describe('faults', () => {
  it('are all listed at once, each with its fix, as config_invalid', () => {
    const fault = faultOf({
      PORT: 'eighty',
      REDIS_URL: 'localhost:6379',
      SESSION_SCOPE: 'guild',
      MIN_TTL: '100',
      DEFAULT_TTL: '90',
      SLACK_APP_TOKEN: 'xapp-1',
      HOST: '0.0.0.0',
    });
    expect(fault.code).toBe('config_invalid');
    expect(fault.message.split('\n- ').slice(1)).toEqual([
      expect.stringMatching(/^REDIS_URL must be a URL of the form redis:\/\/… or rediss:\/\/…/),
      'SESSION_SCOPE must be one of: user, channel',
      'PORT must be a whole number from 0 to 65535',
      'DEFAULT_TTL (90) must not be less than MIN_TTL (100): raise it, or lower MIN_TTL',
      'SLACK_APP_TOKEN also needs SLACK_BOT_TOKEN (xoxb-…)',
      expect.stringMatching(/^API_KEY must be set when HOST is not a loopback address/),
    ]);
  });

  it.each([
    ['KEY_PREFIX', 'Bot:1'],
    ['KEY_PREFIX', '*'],
    ['REDIS_URL', 'http://localhost'],
    ['REDIS_URL', 'redis://'],
    ['REDIS_URL', 'redis://:100%@localhost'],
    ['ALLOW_EVICTION', 'maybe'],
    ['DEFAULT_TTL', '0'],
    ['DEFAULT_TTL', '-1'],
    ['DEFAULT_TTL', '1.5'],
    ['DEFAULT_TTL', '1e3'],
    ['DEFAULT_TTL', '0x40'],
    ['DEFAULT_TTL', '99999999999999999999'],
    ['MEMORY_WINDOW', '0'],
    ['MAX_MESSAGES', '201'],
    ['MAX_CONVERSATION_BYTES', '1023'],
    ['MAX_CONVERSATION_BYTES', '512KB'],
    ['OPENAI_TEMPERATURE', '2.1'],
    ['OPENAI_VISION', 'yes'],
    ['MAX_FILE_TOKENS', '0'],
    ['OPENAI_TEMPERATURE', 'NaN'],
    ['OPENAI_BASE_URL', 'localhost:11434'],
    ['OPENAI_API_KEY', 'two words'],
    ['OPENAI_API_KEY', 'schlüssel'],
    ['DISCORD_TOKEN', 'Bot abc'],
    ['SLACK_BOT_TOKEN', 'xapp-1'],
    ['SLACK_APP_TOKEN', 'xoxb-1'],
    ['HOST', 'http://127.0.0.1'],
    ['PORT', '65536'],
    ['FIRST_TOKEN_TIMEOUT', '0'],
    ['TURN_TIMEOUT', '3601'],
    ['ANSWER_TIMEOUT', '3601'],
    ['MAX_ANSWER_LENGTH', '0'],
    ['WORKER_CONCURRENCY', '0'],
    ['RATE_LIMIT', '20'],
    ['RATE_LIMIT', '0/min'],
    ['RATE_LIMIT', '20/day'],
    ['ADMIN_USER_IDS', '80351110224678912'],
    ['ADMIN_USER_IDS', 'slack:U012A3CDE'],
    ['LOG_LEVEL', 'loud'],
    ['LOG_FORMAT', 'xml'],
  ])('%s=%s is refused by name', (name, written) => {
    expect(faultsOf({ [name]: written })[0]).toMatch(new RegExp(`^${name} .*must`));
  });

  it.each([
    [{ MIN_TTL: '1801' }, /^DEFAULT_TTL \(1800\) must not be less than MIN_TTL \(1801\)/],
    [{ MAX_TTL: '1799' }, /^DEFAULT_TTL \(1800\) must not be greater than MAX_TTL \(1799\)/],
    [{ MAX_TTL: '3600', FACTS_TTL: '3601' }, /^FACTS_TTL \(3601\) must not be greater than MAX_TTL \(3600\): lower/],
    [{ MEMORY_WINDOW: '30', MAX_MESSAGES: '28' }, /^MAX_MESSAGES \(28\) must not be less than MEMORY_WINDOW \(30\)/],
    [{ SLACK_BOT_TOKEN: 'xoxb-1' }, /^SLACK_BOT_TOKEN also needs SLACK_APP_TOKEN .* or SLACK_SIGNING_SECRET/],
    [{ SLACK_SIGNING_SECRET: 's' }, /^SLACK_SIGNING_SECRET also needs SLACK_BOT_TOKEN/],
    [
      { SLACK_BOT_TOKEN: 'xoxb-1', SLACK_SIGNING_SECRET: 's', PORT: '3000' },
      /^PORT and SLACK_PORT must differ \(both are 3000\)/,
    ],
    [{ ADMIN_USER_IDS: 'http:ada' }, /^ADMIN_USER_IDS names an HTTP caller, who cannot be an admin/],
  ])('%j is refused', (env, text) => {
    expect(faultsOf(env)).toEqual([expect.stringMatching(text)]);
  });

  it.each<Record<string, string>>([
    { MIN_TTL: '1800', MAX_TTL: '1800' },
    { MAX_TTL: '1800', FACTS_TTL: '1800' },
    { MEMORY_WINDOW: '28', MAX_MESSAGES: '28' },
    { HOST: 'localhost' },
    { HOST: '::1' },
    { HOST: '127.8.9.1' },
    { HOST: '0.0.0.0', API_KEY: 'a-long-random-word' },
    { SLACK_BOT_TOKEN: 'xoxe.xoxb-1', SLACK_SIGNING_SECRET: 's', PORT: '0', SLACK_PORT: '0' },
    { ...SLACK, PORT: '3000' },
  ])('%j is just valid', (env) => {
    expect(load(env).warnings).toEqual([]);
  });

  it.each(['::', '10.0.0.1', '128.0.0.1', '127.0.0.1.example.org', 'bot.example.org'])(
    'HOST=%s requires an API_KEY',
    (host) => {
      expect(faultsOf({ HOST: host })).toEqual([expect.stringMatching(/^API_KEY must be set/)]);
    },
  );

  it('an invalid setting is not checked against others as well', () => {
    expect(faultsOf({ MIN_TTL: 'x', DEFAULT_TTL: '5' })).toEqual([expect.stringMatching(/^MIN_TTL must be/)]);
  });

  it('a problem in a list of people names the entry', () => {
    expect(faultsOf({ ADMIN_USER_IDS: 'discord:1 ada,http:x' })).toEqual([
      expect.stringMatching(/^ADMIN_USER_IDS must have the form .*\(entry 2\)$/),
      expect.stringMatching(/^ADMIN_USER_IDS names an HTTP caller.*\(entry 3\)$/),
    ]);
  });

  it('never repeat a value, whichever setting it was given to', () => {
    const word = fc.stringMatching(/^[A-Za-z]{12,20}$/);
    const forms = fc.constantFrom(
      '{}',
      'sk-{}',
      '{} {}',
      'xoxb-{}',
      'http://me:{}@',
      'redis://:{}%@host',
      'discord:{}',
    );
    fc.assert(
      fc.property(
        fc.dictionary(fc.constantFrom(...SETTINGS.map(({ name }) => name)), forms),
        word,
        (written, canary) => {
          const env = Object.fromEntries(
            Object.entries(written).map(([name, form]) => [name, form.replaceAll('{}', canary)]),
          );
          try {
            load(env);
          } catch (error) {
            expect(error).toMatchObject({ code: 'config_invalid' });
            expect(`${error}`).not.toContain(canary);
          }
        },
      ),
    );
  });
});

describe('.env', () => {
  it('is read from the working directory, and the environment takes precedence', async () => {
    await writeFile(join(cwd, '.env'), '# a comment\nPORT=9000\nKEY_PREFIX="from-file"\nSYSTEM_PROMPT="a\nb"\n');
    const config = load({ PORT: '9100' });
    expect(config.http.port).toBe(9100);
    expect(config.store.keyPrefix).toBe('from-file');
    expect(config.systemPrompt).toBe('a\nb');
  });

  it('an empty variable in the environment unsets a setting in it', async () => {
    await writeFile(join(cwd, '.env'), 'REDIS_URL=redis://localhost\n');
    expect(load({ REDIS_URL: '' }).store.redis).toBeUndefined();
  });

  it('a problem in it is reported with the file', async () => {
    await writeFile(join(cwd, '.env'), 'PORT=x\n');
    expect(faultsOf({ SLACK_PORT: 'y' })).toEqual([
      'SLACK_PORT must be a whole number from 0 to 65535',
      'PORT must be a whole number from 0 to 65535 (in .env)',
    ]);
  });

  it('that cannot be read is reported with the other problems', async () => {
    await mkdir(join(cwd, '.env'));
    expect(faultsOf({ PORT: 'x' })).toEqual([
      '.env cannot be read (EISDIR): make it a readable file, or remove it',
      'PORT must be a whole number from 0 to 65535',
    ]);
  });
});

describe('warnings', () => {
  it('warns of a time limit that exceeds the limit of the whole turn', () => {
    expect(load({ TURN_TIMEOUT: '900', FIRST_TOKEN_TIMEOUT: '601' }).warnings).toEqual([
      expect.stringMatching(/^FIRST_TOKEN_TIMEOUT \(601\) has no effect: ANSWER_TIMEOUT \(600\)/),
      expect.stringMatching(/^TURN_TIMEOUT \(900\) has no effect: ANSWER_TIMEOUT \(600\)/),
    ]);
    expect(load({ TURN_TIMEOUT: '600', FIRST_TOKEN_TIMEOUT: '600' }).warnings).toEqual([]);
    // Defaults are not warned about.
    expect(load({ ANSWER_TIMEOUT: '3' }).warnings).toEqual([]);
  });

  it('warns that LangChain tracing sends messages to LangSmith', () => {
    for (const name of ['LANGSMITH_TRACING_V2', 'LANGCHAIN_TRACING_V2', 'LANGSMITH_TRACING', 'LANGCHAIN_TRACING']) {
      expect(load({ [name]: 'true' }).warnings).toEqual([expect.stringContaining(`${name} is set: LangChain sends`)]);
      expect(load({ [name]: 'false' }).warnings).toEqual([]);
    }
  });

  it.each([
    ['OPENAI_MODLE', 'OPENAI_MODEL'],
    ['REDIS_URI', 'REDIS_URL'],
    ['REDISURL', 'REDIS_URL'],
    ['DISCORD_BOT_TOKEN', 'DISCORD_TOKEN'],
    ['SLACK_SIGNING_SECERT', 'SLACK_SIGNING_SECRET'],
    ['SLACK_TOKEN', 'SLACK_BOT_TOKEN'],
    ['OPENAI_KEY', 'OPENAI_API_KEY'],
    ['openai_api_key', 'OPENAI_API_KEY'],
    ['DEFAULT_TLL', 'DEFAULT_TTL'],
  ])('%s is reported as a likely misspelling of %s', (given, meant) => {
    expect(load({ [given]: 'x' }).warnings).toEqual([`${given} is not a setting; did you mean ${meant}?`]);
  });

  it('variables of other programs are ignored', () => {
    const others = [
      'PATH',
      'HOME',
      'HOSTNAME',
      'POST',
      'LOGNAME',
      'OPENAI_ORG_ID',
      'REDISCLI_AUTH',
      'ANTHROPIC_API_KEY',
    ];
    const env = Object.fromEntries(
      [...others, 'npm_config_prefix', 'NODE_ENV', 'TZ', 'SSH_TTY'].map((name) => [name, 'x']),
    );
    expect(load(env).warnings).toEqual([]);
  });

  it('a likely misspelling is not reported when the right name is set as well', () => {
    expect(load({ REDIS_TLS_URL: 'rediss://a', REDIS_URI: 'redis://b', REDIS_URL: 'redis://c' }).warnings).toEqual([]);
  });

  it.each([
    [{ OPENAI_BASE_URL: 'http://localhost:1/v1' }, /^OPENAI_MODEL is not set: .* asked for gpt-5\.4-mini/],
    [{ OPENAI_MODEL: 'm' }, /have no effect without OPENAI_API_KEY/],
    [{ OPENAI_VISION: 'off' }, /have no effect without OPENAI_API_KEY/],
    [{ ...SLACK, SLACK_SIGNING_SECRET: 's' }, /Socket Mode is used/],
    [{ API_KEY: 'short' }, /^API_KEY has fewer than 16 characters/],
  ])('%j works with a warning', (env, text) => {
    expect(load(env).warnings).toEqual([expect.stringMatching(text)]);
  });
});

/** The text of `.env.example`, from the table of settings. `npx vitest run test/config/config.test.ts -u` regenerates the file. */
function renderExample(): string {
  const quoted = (written: string) => (/^[\w.:/-]*$/.test(written) ? written : `"${written}"`);
  const settings = SETTINGS.map(({ name, description, fallback = '', heading }) => {
    const title = heading === undefined ? '' : `\n## ${heading}\n`;
    return `${title}\n# ${description}\n# ${name}=${quoted(fallback)}\n`;
  });
  return [
    '# All settings of the bot. Copy this file to .env and uncomment the lines NAME=value that you change.\n',
    '# None is required. The value after each name is the default. Environment variables take precedence over this file.\n',
    ...settings,
  ].join('');
}

describe('.env.example', () => {
  it('matches the table of settings', async () => {
    await expect(renderExample()).toMatchFileSnapshot('../../.env.example');
  });

  it('changes nothing as it is, nor with every line uncommented', async () => {
    const example = await readFile(new URL('../../.env.example', import.meta.url), 'utf8');
    expect(parseEnv(example)).toEqual({});
    const without = load();
    await writeFile(join(cwd, '.env'), example.replaceAll(/^# (?=[A-Z_]+=)/gm, ''));
    const names = Object.keys(parseEnv(await readFile(join(cwd, '.env'), 'utf8')));
    expect(names.sort()).toEqual(SETTINGS.map(({ name }) => name).sort());
    expect(load()).toEqual({
      ...without,
      warnings: [expect.stringMatching(/^OPENAI_MODEL, OPENAI_TEMPERATURE and OPENAI_VISION have no effect/)],
    });
  });
});
