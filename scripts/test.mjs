// `npm test` and `npm run test:long`: runs vitest once and closes with a line "N passed, N failed". Arguments are vitest's.
//
// Vitest runs in this process and not in a child of it: killing this process kills the tests.
import { parseCLI, startVitest } from 'vitest/node';

/** The run, once it is over. */
let vitest;

/** Passed and failed tests. What broke outside of a test (a file that could not be loaded, an unhandled rejection) counts as one. */
function count() {
  const modules = vitest?.state.getTestModules() ?? [];
  const results = modules.flatMap((module) => [...module.children.allTests()].map((test) => test.result().state));
  const broken = modules.filter((module) => module.errors().length > 0).length;
  const outside = vitest?.state.getUnhandledErrors().length ?? 0;
  return {
    passed: results.filter((state) => state === 'passed').length,
    failed: results.filter((state) => state === 'failed').length + broken + outside,
  };
}

process.once('exit', (code) => {
  const { passed, failed } = count();
  // It can also fail before there is anything to count: a wrong option, no Redis, no test found.
  const told = code !== 0 && failed === 0 ? 1 : failed;
  process.stdout.write(`${passed} passed, ${told} failed\n`);
  if (told > 0 && code === 0) process.exitCode = 1;
});

const { filter, options } = parseCLI(['vitest', 'run', ...process.argv.slice(2)]);
vitest = await startVitest('test', filter, options);
await vitest.exit();
