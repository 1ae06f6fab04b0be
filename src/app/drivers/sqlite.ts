import { COMMAND_LIMIT } from '../../commands/limit.ts';
import { createLocalSignals } from '../../queue/signals.ts';
import { createRateLimiter } from '../rate-limiter.ts';
import type { Driver } from './driver.ts';

/** The embedded store, for one process. */
export const sqliteDriver: Driver = {
  name: 'sqlite',
  chosen: () => true,
  banner: ({ dataDir }, startup) => startup.sqlite(dataDir),
  async open(config, options) {
    const { createSqliteStore } = await import('../../memory/sqlite/store.ts');
    const store = await createSqliteStore({ ...options, dataDir: config.store.dataDir });
    const signals = createLocalSignals();
    return {
      store,
      signals,
      limiter: createRateLimiter(config.turns.rateLimit),
      commandLimiter: createRateLimiter(COMMAND_LIMIT),
      health: () => ({ ok: true }),
      async close() {
        await signals.close();
        await store.close();
      },
    };
  },
};
