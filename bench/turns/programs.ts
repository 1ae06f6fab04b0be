/** The programs that are measured: the product as it is built, the bare bots beside it, the model that takes no time. */
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { z } from 'zod';
import {
  type BotProcess,
  type BotSettings,
  buildBot,
  launchBot,
  makeBuildFolder,
} from '../../test/support/bot-process.ts';
import { startGuarded } from '../../test/support/guarded-process.ts';
import { nodeFlags } from '../../test/support/node-flags.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const readyLine = z.object({ ready: z.literal(true), address: z.object({ port: z.number() }).nullable() });

export interface Program {
  readonly pid: number;
  /** `http://127.0.0.1:<port>`; of a program that listens nowhere a useless one. */
  readonly url: string;
  /** What it has printed; of a bare bot its errors only. */
  output(): string;
  stop(): Promise<void>;
}

export interface Product extends Program {
  /** Milliseconds from before its start to the first time that it said it is healthy. */
  readonly readyMs: number;
}

export type BareBot = 'model' | 'http' | 'discord' | 'slack';

export interface Programs {
  /** Preloaded, it lifts discord.js's own limit of requests a second: for NODE_OPTIONS. */
  readonly liftLimits: string;
  /** The product, healthy, in a folder of its own. */
  startProduct(settings: BotSettings): Promise<Product>;
  /** One of bench/bots, ready. */
  startBare(name: BareBot, settings: BotSettings): Promise<Program>;
  remove(): Promise<void>;
}

/** Between two looks whether the product is healthy: what its start is measured to. */
const LOOK_MS = 5;
const HEALTHY_WITHIN_MS = 60_000;

/** Compiles everything, so that no program pays for being TypeScript. */
export async function buildPrograms(): Promise<Programs> {
  const product = await buildBot();
  const folder = await makeBuildFolder();
  const remove = async () => {
    await product.remove();
    await rm(folder, { recursive: true, force: true });
  };
  const args = ['-p', 'bench/bots/tsconfig.json', '--outDir', folder];
  await promisify(execFile)('node_modules/.bin/tsc', args, { cwd: ROOT }).catch(async (thrown: unknown) => {
    await remove();
    throw thrown;
  });
  const fileOf = (name: string) => join(folder, 'bench', 'bots', `${name}.js`);
  return {
    liftLimits: `--import=${fileOf('lift-limits')}`,
    async startProduct(settings) {
      const cwd = await mkdtemp(join(tmpdir(), 'recollect-bench-'));
      const startedAt = performance.now();
      const bot = await launchBot(product, cwd, settings);
      const stop = async () => {
        await bot.release();
        await rm(cwd, { recursive: true, force: true });
      };
      try {
        await healthy(bot);
      } catch (thrown) {
        await stop();
        throw thrown;
      }
      return { ...{ pid: bot.pid, url: bot.url, output: bot.output, stop }, readyMs: performance.now() - startedAt };
    },
    async startBare(name, settings) {
      const env = { PATH: process.env.PATH, ...settings };
      const started = await startGuarded(process.execPath, [...nodeFlags(), fileOf(name)], { env });
      let errors = '';
      started.stderr.on('data', (data: Buffer) => {
        errors += data.toString();
      });
      const line: unknown = await Promise.race([
        once(createInterface({ input: started.stdout }), 'line').then(([first]) => JSON.parse(String(first))),
        started.exited.then((code) => {
          throw new Error(`The bare bot '${name}' ended with code ${code} before it was ready:\n${errors}`);
        }),
      ]);
      const { address } = readyLine.parse(line);
      return {
        pid: started.pid,
        url: `http://127.0.0.1:${address?.port ?? 0}`,
        output: () => errors,
        stop: () => started.release(),
      };
    },
    remove,
  };
}

/** @throws when it ends before, or never is, with what it printed */
async function healthy(bot: BotProcess): Promise<void> {
  let ended: number | undefined;
  bot.exited.then((code) => {
    ended = code;
  });
  const deadline = performance.now() + HEALTHY_WITHIN_MS;
  while (!(await saysHealthy(bot.url))) {
    if (ended !== undefined) throw new Error(`The product ended with code ${ended}:\n${bot.output()}`);
    if (performance.now() > deadline) throw new Error(`The product is not healthy:\n${bot.output()}`);
    await delay(LOOK_MS);
  }
}

async function saysHealthy(url: string): Promise<boolean> {
  return await fetch(`${url}/health`).then(
    ({ ok }) => ok,
    () => false,
  );
}
