/** The bot's processes in a soak run: the real binary, started again whenever it ends, as an orchestrator does. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { BotBuild, BotSettings } from '../support/bot-process.ts';
import { freePort } from '../support/free-port.ts';
import { type GuardedProcess, startGuarded } from '../support/guarded-process.ts';
import { nodeFlags } from '../support/node-flags.ts';

const OUTPUT_KEPT = 20_000;
/** EX_UNAVAILABLE: Redis or a platform was away at the start, and a restart tries again (src/app/process.ts). */
const UNAVAILABLE = 69;
const RESTART_PAUSE_MS = 250;
const LOOK_MS = 50;

/** One place in which a process of the bot runs; another one after each end. */
export interface Replica {
  readonly name: string;
  readonly url: string;
  /** Where it listens for Slack; undefined: it has a socket. */
  readonly slackUrl: string | undefined;
  /** Of the process that runs now; undefined between two. */
  readonly pid: number | undefined;
  /** It is ready to receive. */
  readonly isUp: boolean;
  signal(signal: NodeJS.Signals): void;
  /** Kills (or ends in good order) the process; resolves when it is gone. Another one is started at once. */
  end(signal: 'SIGKILL' | 'SIGTERM'): Promise<void>;
}

export interface Replicas {
  readonly all: readonly Replica[];
  /** Processes started so far. */
  readonly started: number;
  /** How processes ended that should not have. */
  readonly crashes: readonly string[];
  /** The end of what each printed. */
  output(): string;
  untilUp(): Promise<void>;
  close(): Promise<void>;
}

export interface ReplicasOptions {
  readonly build: BotBuild;
  readonly cwd: string;
  readonly count: number;
  readonly settings: BotSettings;
  /** Slack reaches every other one over HTTP, the others by a socket. */
  readonly slack: { readonly socket: BotSettings; readonly http: BotSettings };
}

export async function startReplicas(options: ReplicasOptions): Promise<Replicas> {
  const { build, cwd, count } = options;
  const crashes: string[] = [];
  let started = 0;
  let closing = false;

  async function keepOne(index: number) {
    const name = `r${index + 1}`;
    const [port, slackPort] = [await freePort(), await freePort()];
    const overHttp = index % 2 === 1;
    const url = `http://127.0.0.1:${port}`;
    const env = {
      PATH: process.env.PATH,
      ...options.settings,
      ...(overHttp ? { ...options.slack.http, SLACK_PORT: String(slackPort) } : options.slack.socket),
      PORT: String(port),
    };
    let output = '';
    let current: GuardedProcess | undefined;
    let expected = false;
    let isUp = false;

    async function untilHealthy(child: GuardedProcess): Promise<void> {
      while (current === child) {
        const { ok } = await fetch(`${url}/health`, { signal: AbortSignal.timeout(2_000) }).catch(() => ({
          ok: false,
        }));
        if (ok) isUp = true;
        if (ok) return;
        await sleep(LOOK_MS);
      }
    }

    async function keep(): Promise<void> {
      while (!closing) {
        started += 1;
        const child = await startGuarded(process.execPath, [...nodeFlags(), build.main], { cwd, env });
        for (const stream of [child.stdout, child.stderr]) {
          stream.on('data', (data: Buffer) => {
            output = `${output}${data.toString()}`.slice(-OUTPUT_KEPT);
          });
        }
        current = child;
        if (closing) child.kill('SIGKILL');
        const watch = untilHealthy(child);
        const code = await child.exited;
        const wanted = expected || closing;
        [current, isUp, expected] = [undefined, false, false];
        await Promise.all([watch, child.release()]);
        if (wanted ? code !== 0 && code !== 137 : code !== UNAVAILABLE) {
          crashes.push(`${name} ended with ${code} (${new Date().toISOString()}):\n${output.slice(-1_500)}`);
        }
        if (!wanted) await sleep(RESTART_PAUSE_MS);
      }
    }

    const kept = keep();
    const replica: Replica = {
      ...{ name, url, slackUrl: overHttp ? `http://127.0.0.1:${slackPort}/slack/events` : undefined },
      get pid() {
        return current?.pid;
      },
      get isUp() {
        return isUp;
      },
      signal: (signal) => current?.kill(signal),
      async end(signal) {
        const ending = current;
        if (ending === undefined) return;
        expected = true;
        ending.kill(signal);
        await ending.exited;
      },
    };
    return { replica, kept, output: () => `--- ${name}\n${output}`, kill: () => current?.kill('SIGKILL') };
  }

  const kept = await Promise.all(Array.from({ length: count }, (_, index) => keepOne(index)));
  const all = kept.map(({ replica }) => replica);
  return {
    all,
    crashes,
    get started() {
      return started;
    },
    output: () => kept.map(({ output }) => output()).join('\n'),
    async untilUp() {
      while (!all.every(({ isUp }) => isUp)) await sleep(LOOK_MS);
    },
    async close() {
      closing = true;
      for (const { kill } of kept) kill();
      await Promise.all(kept.map(({ kept: ended }) => ended));
    },
  };
}
