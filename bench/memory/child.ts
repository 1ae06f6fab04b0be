/** Processes of the benchmark, so that each measures only itself and can be killed: one request at a time, answered. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { z } from 'zod';
import { nodeFlags } from '../../test/support/node-flags.ts';

export interface Child {
  /** Sends a request and waits for its answer. @throws what failed in the child, or when it has ended */
  ask(request: object): Promise<unknown>;
  /** SIGKILL; resolves when it is gone. */
  kill(): Promise<void>;
}

const reply = z.object({ ok: z.unknown().optional(), error: z.string().optional() });

/** Starts a program of this folder. It ends with this process. */
export function startChild(program: string, args: readonly string[]): Child {
  const child = fork(new URL(program, import.meta.url), [...args], {
    // All of them with what the product is started with.
    execArgv: [...process.execArgv, ...nodeFlags()],
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  const gone = once(child, 'exit');
  return {
    async ask(request) {
      const answered = answerOf(child);
      child.send(request);
      const answer = reply.parse(await answered);
      if (answer.error !== undefined) throw new Error(`${program}: ${answer.error}`);
      return answer.ok;
    },
    async kill() {
      child.kill('SIGKILL');
      await gone;
    },
  };
}

function answerOf(child: ChildProcess): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const ended = (code: number | null) => reject(new Error(`A process of the benchmark ended (${code}).`));
    child.once('exit', ended);
    child.once('message', (message) => {
      child.off('exit', ended);
      resolve(message);
    });
  });
}

/** The child's side: answers each request by `handle`, and ends when the parent has. */
export function serve(handle: (request: unknown) => Promise<unknown>): void {
  process.on('disconnect', () => process.exit());
  process.on('message', (request) => {
    handle(request).then(
      (ok) => process.send?.({ ok: ok ?? null }),
      (thrown: unknown) => process.send?.({ error: thrown instanceof Error ? (thrown.stack ?? '') : String(thrown) }),
    );
  });
}
