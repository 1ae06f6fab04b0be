// Installs what the benchmarks compare with, in bench/, when it is missing or older than its lock. So whoever runs or
// checks the benchmarks need not know of it. `npm run bench` and the checks that read bench/ begin with it.
import { spawnSync } from 'node:child_process';
import { statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const BENCH = fileURLToPath(new URL('../bench', import.meta.url));

/** 0 for a file that is not there. */
const changedAt = (path) => statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;

/** npm writes the hidden lock when all else is in its place. */
const upToDate = () => changedAt(`${BENCH}/node_modules/.package-lock.json`) >= changedAt(`${BENCH}/package-lock.json`);

/** Prints only when it fails. @returns whether the packages are there. */
export function installBenchPackages() {
  if (upToDate()) return true;
  const npm = spawnSync('npm', ['ci', '--prefix', BENCH], { stdio: ['ignore', 'pipe', 'pipe'], encoding: 'utf8' });
  if (npm.status === 0) return true;
  process.stderr.write(
    `The packages of bench/ could not be installed (npm ci --prefix bench):\n${npm.error ?? npm.stderr}\n`,
  );
  return false;
}

if (process.argv[1] === fileURLToPath(import.meta.url) && !installBenchPackages()) process.exitCode = 1;
