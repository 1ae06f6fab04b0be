/** The bot's processes in a crash run: started, killed, stopped, woken, replaced. */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { freePort } from '../support/free-port.ts';
import { type GuardedProcess, startGuarded } from '../support/guarded-process.ts';
import { nodeFlags } from '../support/node-flags.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const ENTRY = 'dist/replica/test/support/recording-replica.js';
const OUTPUT_KEPT = 20_000;

export interface Replica {
  readonly name: string;
  /** Where it listens for HTTP. */
  readonly url: string;
  /** SIGKILL; resolves when the process is gone. */
  kill9(): Promise<void>;
  signal(signal: NodeJS.Signals): void;
  readonly exited: Promise<number>;
}

export interface Replicas {
  /** Starts one more. It is ready when the platform knows it. */
  start(): Promise<Replica>;
  readonly alive: readonly Replica[];
  /** The end of what all of them printed, for a run that failed. */
  output(): string;
  /** How the processes ended that nobody killed: an exit code that is not 0. */
  readonly crashes: readonly string[];
  close(): Promise<void>;
}

/** Compiles the product with the recording platform's adapter, so that a replica starts as fast as the product does. */
export async function buildReplica(): Promise<void> {
  await promisify(execFile)('node_modules/.bin/tsc', ['-p', 'test/support/tsconfig.replica.json'], { cwd: ROOT });
  await promisify(execFile)(process.execPath, ['scripts/copy-lua.mjs', 'dist/replica/src'], { cwd: ROOT });
}

export interface ReplicasOptions {
  readonly platformUrl: string;
  readonly modelUrl: string;
  /** REDIS_URL or DATA_DIR, and what else the run wants. */
  readonly settings: Readonly<Record<string, string>>;
  readonly ready: (name: string) => Promise<void>;
  /** What the names of the replicas begin with. Default: `r`. */
  readonly prefix?: string;
}

export function createReplicas({ platformUrl, modelUrl, settings, ready, prefix = 'r' }: ReplicasOptions): Replicas {
  const alive: Replica[] = [];
  const crashes: string[] = [];
  const processes: GuardedProcess[] = [];
  let started = 0;
  let output = '';

  return {
    alive,
    crashes,
    output: () => output,
    async start() {
      started += 1;
      const name = `${prefix}${started}`;
      const port = String(await freePort());
      const child = await startGuarded(process.execPath, [...nodeFlags(), ENTRY, platformUrl, name], {
        cwd: ROOT,
        env: {
          PATH: process.env.PATH,
          HOME: process.env.HOME,
          PORT: port,
          OPENAI_BASE_URL: modelUrl,
          OPENAI_MODEL: 'fake',
          RATE_LIMIT: '100000/min',
          LOG_FORMAT: 'json',
          LOG_LEVEL: 'info',
          ...settings,
        },
      });
      processes.push(child);
      for (const stream of [child.stdout, child.stderr]) {
        stream.on('data', (data: Buffer) => {
          output = `${output}${name} ${data.toString()}`.slice(-OUTPUT_KEPT);
        });
      }
      let expected = false;
      const replica: Replica = {
        name,
        url: `http://127.0.0.1:${port}`,
        exited: child.exited,
        async kill9() {
          expected = true;
          child.kill('SIGKILL');
          await child.exited;
        },
        signal(signal) {
          child.kill(signal);
        },
      };
      alive.push(replica);
      child.exited.then((code) => {
        alive.splice(alive.indexOf(replica), 1);
        if (code !== 0 && !expected) crashes.push(`${name} ended with ${code}`);
      });
      await Promise.race([
        ready(name),
        child.exited.then((code) => {
          if (!expected) throw new Error(`Replica ${name} ended with ${code} before it was ready:\n${output}`);
        }),
      ]);
      return replica;
    },
    async close() {
      await Promise.all(processes.map((child) => child.release()));
    },
  };
}
