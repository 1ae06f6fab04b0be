import { configDefaults, defineConfig } from 'vitest/config';
import short from './vitest.config.ts';

/** The long tier, `npm run test:long`: the files `*.long.test.ts`. One of these may import a file of the short tier, to run its tests in full (test/support/tier.ts). */
export default defineConfig({
  test: {
    ...short.test,
    include: ['test/**/*.long.test.ts'],
    exclude: configDefaults.exclude,
    provide: { tier: 'long' },
    // Crash and soak runs compute more than they wait.
    maxWorkers: 4,
  },
});
