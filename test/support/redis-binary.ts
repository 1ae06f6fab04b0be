import { execFile } from 'node:child_process';
import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Where a Redis server comes from: a program of this machine, or its Docker engine. */
export interface RedisBinary {
  readonly kind: 'program' | 'docker';
  /** Of the server, or of the Docker client. */
  readonly path: string;
}

export const HOW_TO_GET_REDIS =
  'The tests need a real Redis server (or Valkey). Install one (Debian and Ubuntu: apt install redis-server; macOS: ' +
  'brew install redis), or start Docker.';

async function onPath(name: string, path: string): Promise<string | undefined> {
  for (const folder of path.split(delimiter).filter((part) => part !== '')) {
    const file = join(folder, name);
    const executable = await access(file, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (executable) return file;
  }
  return undefined;
}

/**
 * `redis-server` or `valkey-server` on the PATH, else the Docker engine if one answers; undefined when there is neither.
 * @param path folders to search, as in PATH
 */
export async function findRedisBinary(path = process.env.PATH ?? ''): Promise<RedisBinary | undefined> {
  const program = (await onPath('redis-server', path)) ?? (await onPath('valkey-server', path));
  if (program !== undefined) return { kind: 'program', path: program };
  const docker = await onPath('docker', path);
  if (docker === undefined) return undefined;
  // The client alone proves nothing: `docker version` fails when no engine answers it.
  return run(docker, ['version'], { timeout: 10_000, killSignal: 'SIGKILL' }).then(
    () => ({ kind: 'docker', path: docker }),
    () => undefined,
  );
}

/** Installs Debian's redis-server, as root, with apt. Says on stderr why it takes a while, and why it failed. */
export async function installRedis(): Promise<void> {
  if (process.getuid?.() !== 0 || (await onPath('apt-get', process.env.PATH ?? '')) === undefined) return;
  process.stderr.write('There is no Redis on this machine: installing redis-server with apt for the tests.\n');
  const options = {
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    timeout: 300_000,
    maxBuffer: 64 * 1024 * 1024,
  };
  const waitForOthers = ['-o', 'DPkg::Lock::Timeout=120'];
  try {
    await run('apt-get', [...waitForOthers, 'update'], options);
    await run('apt-get', [...waitForOthers, 'install', '-y', '--no-install-recommends', 'redis-server'], options);
  } catch (error) {
    process.stderr.write(`apt could not install it: ${error instanceof Error ? error.message : String(error)}\n`);
  }
}
