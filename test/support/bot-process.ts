/** The bot as its own process: what an operator starts, seen from outside only. */
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay, setImmediate as nextTurn } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { freePort } from './free-port.ts';
import { startGuarded } from './guarded-process.ts';
import { nodeFlags } from './node-flags.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
/** Only bounds the wait for a process that never answers. */
const READY_WITHIN_MS = 60_000;

/** The product, compiled as `npm run build` does it. */
export interface BotBuild {
  readonly main: string;
  remove(): Promise<void>;
}

/** Makes a folder for a build: under `dist`, where the packages are found. */
export async function makeBuildFolder(): Promise<string> {
  await mkdir(join(ROOT, 'dist'), { recursive: true });
  return await mkdtemp(join(ROOT, 'dist', 'e2e-'));
}

/** The playground's page alone, into `folder`; by default to where a bot that runs from source has it. */
export async function buildPage(folder = 'dist'): Promise<void> {
  for (const script of ['scripts/copy-lua.mjs', 'scripts/build-page.mjs']) {
    await promisify(execFile)(process.execPath, [script, folder], { cwd: ROOT });
  }
}

/** Compiles into a folder of its own, so that nobody else's build changes it while it runs; into `given` when there is one. */
export async function buildBot(given?: string): Promise<BotBuild> {
  const folder = given ?? (await makeBuildFolder());
  // Types are checked by `npm run check`.
  const options = ['--incremental', 'false', '--noCheck'];
  const args = ['-p', 'tsconfig.build.json', '--outDir', folder, ...options];
  await promisify(execFile)('node_modules/.bin/tsc', args, { cwd: ROOT });
  await buildPage(folder);
  return { main: join(folder, 'main.js'), remove: () => rm(folder, { recursive: true, force: true }) };
}

/** What is started: a build, by the Node that runs the tests unless `node` names another. */
export interface BotProgram extends Pick<BotBuild, 'main'> {
  /** Path of a Node binary. */
  readonly node?: string;
}

/** Settings by their names; undefined ones are left out. */
export type BotSettings = Readonly<Record<string, string | undefined>>;

/** A bot that a test talks to. */
export interface RunningBot {
  /** `http://127.0.0.1:<port>` */
  readonly url: string;
  readonly port: number;
  /** Everything printed so far. */
  output(): string;
  /** Ends it if it still runs. */
  release(): Promise<void>;
}

export interface BotProcess extends RunningBot {
  readonly pid: number;
  /** Resolves when it has ended and all it printed was read, with its exit code; 128 + n after signal n. */
  readonly exited: Promise<number>;
  /** Sends the signal and resolves with the exit code. */
  end(signal: NodeJS.Signals): Promise<number>;
}

/** Starts it as `npm start` does, with these settings and no others in the folder `cwd`; does not wait for anything. */
export async function launchBot(build: BotProgram, cwd: string, settings: BotSettings): Promise<BotProcess> {
  const port = Number(settings.PORT ?? (await freePort()));
  const bot = await startGuarded(build.node ?? process.execPath, [...nodeFlags(), build.main], {
    cwd,
    env: { PATH: process.env.PATH, LOG_FORMAT: 'json', ...settings, PORT: String(port) },
  });
  let output = '';
  for (const stream of [bot.stdout, bot.stderr]) {
    stream.on('data', (data: Buffer) => {
      output += data.toString();
    });
  }
  // What it printed last has come when its end is reported, and is read in the same turn of the event loop, maybe behind that.
  const exited = bot.exited.then((code) => nextTurn(code));
  return {
    pid: bot.pid,
    url: `http://127.0.0.1:${port}`,
    port,
    output: () => output,
    exited,
    async end(signal) {
      bot.kill(signal);
      return await exited;
    },
    async release() {
      bot.kill('SIGKILL');
      await bot.release();
    },
  };
}

/** The same, and resolves when it is healthy. @throws when it ends before, with what it printed */
export async function startBot(build: BotProgram, cwd: string, settings: BotSettings): Promise<BotProcess> {
  const bot = await launchBot(build, cwd, settings);
  let code: number | undefined;
  bot.exited.then((ended) => {
    code = ended;
  });
  const deadline = performance.now() + READY_WITHIN_MS;
  for (;;) {
    const healthy = await fetch(`${bot.url}/health`).then(
      ({ ok }) => ok,
      () => false,
    );
    if (healthy) return bot;
    if (code !== undefined || performance.now() > deadline) {
      await bot.release();
      throw new Error(`The bot ${code === undefined ? 'is not ready' : `ended with code ${code}`}:\n${bot.output()}`);
    }
    await delay(25);
  }
}
