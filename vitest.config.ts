import { fileURLToPath } from 'node:url';
import { configDefaults, defineConfig } from 'vitest/config';

const support = (name: string) => fileURLToPath(new URL(`./test/support/${name}`, import.meta.url));

/** The short tier, `npm test`: every test file but those of the long tier (vitest.long.config.ts). */
export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: [...configDefaults.exclude, 'test/**/*.long.test.ts'],
    provide: { tier: 'short' },
    globalSetup: [support('global-setup.ts')],
    setupFiles: [support('end-with-the-run.ts')],
    // Processes, not threads: native modules (libsql), signals and exit codes are real there.
    pool: 'forks',
    // A worker loads the product and its libraries once for all its files: that is half of what the unit tests cost.
    // A file that mocks a module calls vi.resetModules before and after.
    isolate: false,
    // More than the two cores that CI has: the tests of the whole bot wait for most of their time.
    maxWorkers: 6,
    // Bounds for what hangs, not expectations: a slow machine with two cores must not fail for being slow.
    testTimeout: 30_000,
    hookTimeout: 60_000,
    teardownTimeout: 30_000,
    // vitest's own is 1 s.
    expect: { poll: { timeout: 20_000 } },
    // A test.only left behind would switch all others off unseen.
    allowOnly: false,
    passWithNoTests: false,
  },
});
