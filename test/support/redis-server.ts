import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdtemp } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { freePort } from './free-port.ts';
import { type GuardedProcess, startGuarded } from './guarded-process.ts';
import { findRedisBinary, HOW_TO_GET_REDIS, type RedisBinary } from './redis-binary.ts';

/** A Redis of a test's own: on 127.0.0.1, append-only file synced every second, no eviction. */
export interface RedisServer {
  /** `redis://127.0.0.1:<port>` */
  readonly url: string;
  readonly port: number;
  /** Of the server that runs now; another one after a restart. (With Docker: of the client that runs it.) */
  readonly pid: number;
  /** Its folder. */
  readonly dir: string;
  /** Ends it and removes its folder. May be called twice. */
  stop(): Promise<void>;
  /** SIGKILL; resolves when the process is gone. */
  kill9(): Promise<void>;
  /** Starts it again on the same port and folder (after a SIGTERM if it runs); resolves when it answers. */
  restart(): Promise<void>;
}

export interface RedisServerOptions {
  /** Further command line options, for instance `['--maxmemory', '3mb']`; they win over the usual ones. */
  readonly args?: readonly string[];
}

/**
 * For a server that is killed by a test of what must not be lost: what it has acknowledged is in its file then. Synced every
 * second, it holds writes back, and acknowledges them all the same, while a sync is under way; a SIGKILL loses those.
 */
export const WRITES_AT_ONCE: readonly string[] = ['--appendfsync', 'no'];

/** The image that docker-compose.yml runs. */
const IMAGE = 'redis:7';
/** Only bounds the wait for a server that never answers. */
const READY_WITHIN_MS = 30_000;
const OUTPUT_KEPT = 4_000;

interface Command {
  readonly args: readonly string[];
  /** Shell that ends what a SIGKILL of the process leaves, and removes the folder. */
  readonly cleanup: string;
  readonly kill9: (process: GuardedProcess) => Promise<void>;
}

function serverOptions(port: number, dir: string, bind: string): string[] {
  return [
    ...['--port', String(port), '--bind', bind, '--dir', dir, '--daemonize', 'no', '--save', ''],
    ...['--appendonly', 'yes', '--appendfsync', 'everysec', '--maxmemory-policy', 'noeviction'],
  ];
}

function commandOf(binary: RedisBinary, port: number, dir: string, more: readonly string[]): Command {
  const removal = `rm -rf -- '${dir}'`;
  if (binary.kind === 'program') {
    return {
      args: [...serverOptions(port, dir, '127.0.0.1'), ...more],
      cleanup: removal,
      kill9: async (server) => server.kill('SIGKILL'),
    };
  }
  const name = `recollect-test-${randomUUID()}`;
  const owner = `${process.getuid?.() ?? 0}:${process.getgid?.() ?? 0}`;
  const run = ['run', '--rm', '--name', name, '--user', owner, '-p', `127.0.0.1:${port}:6379`, '-v', `${dir}:/data`];
  const options = [...serverOptions(6379, '/data', '0.0.0.0'), '--protected-mode', 'no', ...more];
  return {
    args: [...run, IMAGE, 'redis-server', ...options],
    cleanup: `'${binary.path}' rm -f ${name}; ${removal}`,
    kill9: async () => {
      await promisify(execFile)(binary.path, ['kill', '--signal', 'KILL', name]);
    },
  };
}

/** True for a PONG. Without a client library, so that it depends on nothing that is under test. */
function answersPing(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    const settle = (answer: boolean) => {
      socket.destroy();
      resolve(answer);
    };
    socket.once('error', () => settle(false));
    socket.once('close', () => settle(false));
    // While it reads its append-only file, it answers "-LOADING …".
    socket.once('data', (data) => settle(data.toString('latin1').startsWith('+PONG')));
    socket.write('PING\r\n');
  });
}

/** Keeps the end of what a process prints, for the error that says why it did not start. */
function keepOutput(server: GuardedProcess): () => string {
  let output = '';
  for (const stream of [server.stdout, server.stderr]) {
    stream.on('data', (data: Buffer) => {
      output = `${output}${data.toString()}`.slice(-OUTPUT_KEPT);
    });
  }
  return () => output;
}

/** @throws when the server ends, or does not answer in time */
async function untilReady(server: GuardedProcess, port: number): Promise<void> {
  const output = keepOutput(server);
  let ended: number | undefined;
  server.exited.then((code) => {
    ended = code;
  });
  const deadline = performance.now() + READY_WITHIN_MS;
  while (!(await answersPing(port))) {
    if (ended !== undefined) throw new Error(`Redis ended with code ${ended} before it answered:\n${output()}`);
    if (performance.now() > deadline) throw new Error(`Redis did not answer on port ${port}:\n${output()}`);
    await delay(20);
  }
}

/**
 * Starts a Redis of its own on a free port, with a folder of its own. It dies with the process that started it, however that
 * one ends; its folder goes too.
 * @throws when there is neither a server program nor Docker, saying what to install; when it does not start, its output
 */
export async function startRedis(options: RedisServerOptions = {}): Promise<RedisServer> {
  const binary = await findRedisBinary();
  if (binary === undefined) throw new Error(HOW_TO_GET_REDIS);
  const port = await freePort();
  const dir = await mkdtemp(join(tmpdir(), 'recollect-redis-'));
  const command = commandOf(binary, port, dir, options.args ?? []);
  // The guards of servers that have ended are kept until the end too: they remove the folder when the tests are killed.
  const started: GuardedProcess[] = [];

  const start = async (): Promise<GuardedProcess> => {
    const server = await startGuarded(binary.path, command.args, { cleanup: command.cleanup });
    started.push(server);
    await untilReady(server, port);
    return server;
  };
  const stop = async () => {
    for (const server of started.splice(0).reverse()) await server.release();
  };

  let current: GuardedProcess;
  try {
    current = await start();
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    url: `redis://127.0.0.1:${port}`,
    port,
    get pid() {
      return current.pid;
    },
    dir,
    stop,
    async kill9() {
      await command.kill9(current);
      await current.exited;
    },
    async restart() {
      current.kill('SIGTERM');
      await current.exited;
      current = await start();
    },
  };
}
