/** The bot as its own process, started from the sources: what an operator starts, seen from outside only. */
import { createRequire } from 'node:module';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { freePort } from './free-port.ts';
import { startGuarded } from './guarded-process.ts';

const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url));
/** By its place, since the process runs in a folder of its own. */
const TSX = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href;
/** Only bounds the wait for a process that never answers. */
const READY_WITHIN_MS = 30_000;

/** Settings by their names; undefined ones are left out. */
export type BotSettings = Readonly<Record<string, string | undefined>>;

export interface BotProcess {
  /** `http://127.0.0.1:<port>` */
  readonly url: string;
  readonly port: number;
  /** Everything printed so far. */
  output(): string;
  /** Resolves when it has ended, with its exit code; 128 + n after signal n. */
  readonly exited: Promise<number>;
  /** Sends the signal and resolves with the exit code. */
  end(signal: NodeJS.Signals): Promise<number>;
  /** Ends it if it still runs. */
  release(): Promise<void>;
}

/** Starts `npm start`'s main with these settings and no others in the folder `cwd`; does not wait for anything. */
export async function launchBot(cwd: string, settings: BotSettings): Promise<BotProcess> {
  const port = Number(settings.PORT ?? (await freePort()));
  const bot = await startGuarded(process.execPath, ['--import', TSX, MAIN], {
    cwd,
    env: { PATH: process.env.PATH, LOG_FORMAT: 'json', ...settings, PORT: String(port) },
  });
  let output = '';
  for (const stream of [bot.stdout, bot.stderr]) {
    stream.on('data', (data: Buffer) => {
      output += data.toString();
    });
  }
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    output: () => output,
    exited: bot.exited,
    async end(signal) {
      bot.kill(signal);
      return await bot.exited;
    },
    async release() {
      bot.kill('SIGKILL');
      await bot.release();
    },
  };
}

/** The same, and resolves when it is healthy. @throws when it ends before, with what it printed */
export async function startBot(cwd: string, settings: BotSettings): Promise<BotProcess> {
  const bot = await launchBot(cwd, settings);
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
