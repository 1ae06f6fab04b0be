import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';

const GUARD = fileURLToPath(new URL('./guard.sh', import.meta.url));

export interface GuardedOptions {
  readonly cwd?: string;
  /** The whole environment of the process; default: this one's. */
  readonly env?: NodeJS.ProcessEnv;
  /** A line of shell run after the process has ended and was released, also when the tests were killed. */
  readonly cleanup?: string;
}

/** A process that cannot outlive the test run, not even one ended by SIGKILL (see guard.sh). */
export interface GuardedProcess {
  /** Of the command itself, to be signalled. */
  readonly pid: number;
  readonly stdout: Readable;
  readonly stderr: Readable;
  /** Resolves when the process has ended, with its exit code; 128 + n after signal n. */
  readonly exited: Promise<number>;
  /** Sends a signal; does nothing when the process has ended. */
  kill(signal: NodeJS.Signals): void;
  /** Kills the process if it still runs, runs the cleanup and resolves when both are done. */
  release(): Promise<void>;
}

/** Starts a command under the guard. Resolves as soon as it has a pid; a command that is not there exits with 127. */
export async function startGuarded(
  command: string,
  args: readonly string[],
  options: GuardedOptions = {},
): Promise<GuardedProcess> {
  const guard = spawn('/bin/sh', [GUARD, options.cleanup ?? '', command, ...args], {
    cwd: options.cwd,
    env: options.env,
    detached: true,
    stdio: ['pipe', 'pipe', 'pipe', 'pipe'],
  });
  const reports = guard.stdio[3];
  if (!(reports instanceof Readable)) throw new Error('The guard has no report pipe.');
  const closed = once(guard, 'close');
  // Written to never, closed when the guard is gone: that may be reported here as EPIPE, and means nothing.
  guard.stdin.on('error', () => undefined);

  let running = true;
  let started: (pid: number) => void = () => undefined;
  let ended: (code: number) => void = () => undefined;
  const startedWith = new Promise<number>((resolve) => {
    started = resolve;
  });
  const exited = new Promise<number>((resolve) => {
    ended = resolve;
  });
  createInterface({ input: reports }).on('line', (line) => {
    const [event, number] = line.split(' ');
    if (event === 'started') started(Number(number));
    if (event !== 'exited') return;
    running = false;
    ended(Number(number));
  });
  const pid = await Promise.race([
    startedWith,
    closed.then(() => {
      throw new Error(`The guard of ${command} ended before it had started it.`);
    }),
  ]);

  return {
    pid,
    stdout: guard.stdout,
    stderr: guard.stderr,
    exited,
    kill(signal) {
      try {
        if (running) process.kill(pid, signal);
      } catch {
        // It has ended just now; the report of it is on its way.
      }
    },
    async release() {
      guard.stdin.end();
      // Nobody may be reading the output; unread, it would keep the guard from being seen to close.
      guard.stdout.resume();
      guard.stderr.resume();
      await closed;
    },
  };
}
