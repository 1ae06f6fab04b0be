// `npm run check`: types, lint, dead code, dependency rules and the cost of regular expressions, in parallel. The last line is "N passed, N failed".
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { installBenchPackages } from './bench-packages.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const CHECKS = ['types', 'lint', 'dead', 'deps', 'regex'];

/** Runs one `npm run check:…` and collects its output. */
function check(name) {
  return new Promise((resolve) => {
    const npm = spawn('npm', ['run', '--silent', `check:${name}`], { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
    const output = [];
    for (const stream of [npm.stdout, npm.stderr]) stream.on('data', (data) => output.push(data));
    npm.once('error', (error) => resolve({ name, ok: false, output: error.message }));
    npm.once('close', (code) => resolve({ name, ok: code === 0, output: Buffer.concat(output).toString() }));
  });
}

// Once, before the checks need them. If it fails, the checks report it.
installBenchPackages();

let failed = 0;
for (const running of CHECKS.map(check)) {
  const { name, ok, output } = await running;
  if (!ok) failed += 1;
  process.stdout.write(`check:${name} ${ok ? 'passed' : 'FAILED'}\n${ok ? '' : output}`);
}
process.stdout.write(`${CHECKS.length - failed} passed, ${failed} failed\n`);
process.exitCode = failed === 0 ? 0 : 1;
