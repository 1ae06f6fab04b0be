// `npm test`: runs vitest once and closes with a line "N passed, N failed". Arguments go on to vitest.
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { constants, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'recollect-run-'));
const report = join(folder, 'report.json');
process.once('exit', () => rmSync(folder, { recursive: true, force: true }));

/** Passed and failed tests; a file that could not be loaded has no tests, and counts as one that failed. */
function count() {
  try {
    const { numPassedTests, numFailedTests, testResults } = JSON.parse(readFileSync(report, 'utf8'));
    const broken = testResults.filter(
      ({ status, assertionResults }) => status === 'failed' && assertionResults.length === 0,
    );
    return { passed: numPassedTests, failed: numFailedTests + broken.length };
  } catch {
    return { passed: 0, failed: 0 };
  }
}

const vitest = join(dirname(createRequire(import.meta.url).resolve('vitest/package.json')), 'vitest.mjs');
const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
const child = spawn(process.execPath, [vitest, 'run', ...reporters, ...process.argv.slice(2)], {
  cwd: root,
  stdio: ['ignore', 'inherit', 'inherit'],
});
for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
// The terminal sends it to both; this one stays for the last line.
process.on('SIGINT', () => undefined);

child.once('exit', (code, signal) => {
  const exitCode = code ?? 128 + (constants.signals[signal] ?? 0);
  const { passed, failed } = count();
  // Vitest can fail without a failed test: an unhandled rejection, no Redis, a crash, a kill.
  const told = exitCode !== 0 && failed === 0 ? 1 : failed;
  process.stdout.write(`${passed} passed, ${told} failed\n`);
  process.exitCode = exitCode === 0 && told > 0 ? 1 : exitCode;
});
