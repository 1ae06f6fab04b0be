/** The environment: whatever the settings are, the bot starts or says which are wrong, and never repeats a secret. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { EXIT_CONFIG, loadConfig, SETTINGS } from '../../../src/config/config.ts';
import { BotError } from '../../../src/errors.ts';
import { launchBot } from '../../support/bot-process.ts';
import { createTally, type FuzzEdge, type FuzzRun, type Tally } from '../edge.ts';
import { inputsOf, nastyText } from '../inputs.ts';

type Environment = Readonly<Record<string, string>>;

const GOOD = [
  '1',
  '60',
  '600',
  'true',
  'false',
  'user',
  'channel',
  'info',
  'json',
  'redis://127.0.0.1:1',
  'http://127.0.0.1:1',
  '127.0.0.1',
  '20/min',
];
const value = fc.oneof({ weight: 2, arbitrary: nastyText }, { weight: 1, arbitrary: fc.constantFrom(...GOOD) });
const name = fc.oneof(
  { weight: 8, arbitrary: fc.constantFrom(...SETTINGS.map((setting) => setting.name)) },
  { weight: 1, arbitrary: nastyText },
);
const SECRETS = new Set<string>(SETTINGS.flatMap((setting) => (setting.secret ? [setting.name] : [])));
/** Stands in every secret, so that one that is repeated is known. */
const MARK = 'do-not-repeat-me';
const environment: fc.Arbitrary<Environment> = fc
  .array(fc.tuple(name, value), { maxLength: 8 })
  .map((entries) =>
    Object.fromEntries(entries.map(([key, text]) => [key, SECRETS.has(key) ? `${text}${MARK}` : text])),
  );

/** One in so many inputs is tried on the real process; at most so many. */
const START_SHARE = 60;
const MOST_STARTS = 40;

export const fuzzEnvironment: FuzzEdge = async (run) => {
  const tally = createTally();
  const cwd = await mkdtemp(join(tmpdir(), 'recollect-fuzz-'));
  try {
    for (const env of inputsOf(environment, run.runs, run.seed)) tally.count(read(env, cwd, tally));
    const starts = Math.min(MOST_STARTS, Math.ceil(run.runs / START_SHARE));
    for (const env of inputsOf(environment, starts, run.seed + 1)) await start(run, env, cwd, tally);
  } finally {
    await rm(cwd, { recursive: true, force: true });
  }
  return tally;
};

function read(env: Environment, cwd: string, tally: Tally): string {
  try {
    loadConfig(env, { cwd });
    return 'taken';
  } catch (thrown) {
    if (!(thrown instanceof BotError) || thrown.code !== 'config_invalid') {
      tally.complain(String(thrown), env);
      return 'crashed';
    }
    judge(thrown.message, env, tally);
    return 'refused';
  }
}

/** A refusal names a setting that was given, and no secret. */
function judge(text: string, env: Environment, tally: Tally): void {
  if (!SETTINGS.some((setting) => text.includes(setting.name))) tally.complain(`names no setting: ${text}`, env);
  if (text.includes(MARK)) tally.complain(`repeats a secret: ${text}`, env);
}

/** As the operating system takes it: no NUL, no `=` in names; and nothing that listens elsewhere than here. */
async function start({ build }: FuzzRun, given: Environment, cwd: string, tally: Tally): Promise<void> {
  const clean = Object.entries(given).filter(([key, text]) => key !== '' && !/[=\0]/.test(key) && !text.includes('\0'));
  const kept = clean.filter(([key]) => key !== 'PORT');
  const settings = { ...Object.fromEntries(kept), HOST: '127.0.0.1', DATA_DIR: 'data', LOG_FORMAT: 'json' };
  const bot = await launchBot(build, cwd, settings);
  try {
    const code = await Promise.race([bot.exited, untilUp(bot.url, bot.exited)]);
    tally.count(code === undefined ? 'started' : `ended with ${code}`);
    // 69: what the settings name is not there; a token that nobody takes is a setting that is wrong.
    if (code !== undefined && code !== EXIT_CONFIG && code !== 69)
      tally.complain(`ended with ${code}: ${bot.output()}`, settings);
    if (code === EXIT_CONFIG) judge(bot.output(), settings, tally);
    if (/\n\s+at .*\.js/.test(bot.output())) tally.complain(`a stack: ${bot.output()}`, settings);
  } finally {
    await bot.release();
  }
}

/** Undefined when it listens; never when it ends before. */
async function untilUp(url: string, exited: Promise<number>): Promise<undefined> {
  let ended = false;
  void exited.then(() => {
    ended = true;
  });
  while (!ended) {
    const up = await fetch(`${url}/health`).then(
      () => true,
      () => false,
    );
    if (up) return undefined;
    await new Promise((resolve) => setTimeout(resolve, 30));
  }
  return await new Promise(() => {});
}
