// `npm run bench`: sees that the packages of bench/ are there, then runs bench/main.ts. Arguments are those of bench/main.ts.
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { installBenchPackages } from './bench-packages.mjs';

if (installBenchPackages()) {
  const main = fileURLToPath(new URL('../bench/main.ts', import.meta.url));
  const bench = spawn(process.execPath, ['--import', 'tsx', main, ...process.argv.slice(2)], { stdio: 'inherit' });
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => bench.kill(signal));
  bench.once('exit', (code) => {
    process.exitCode = code ?? 1;
  });
} else {
  process.exitCode = 1;
}
