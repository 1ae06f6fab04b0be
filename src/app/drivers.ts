/** The store drivers. A new one needs a folder in src/memory, a file in src/app/drivers and an entry here. */
import type { Config } from '../config/config.ts';
import type { StoreOptions } from '../core/store.ts';
import type { Driver, DriverParts, Infrastructure } from './drivers/driver.ts';
import { redisDriver } from './drivers/redis.ts';
import { sqliteDriver } from './drivers/sqlite.ts';

/** The first one that the settings select is used. The last one is always available. */
const DRIVERS: readonly Driver[] = [redisDriver, sqliteDriver];

export function driverOf({ store }: Pick<Config, 'store'>): Driver {
  return DRIVERS.find(({ chosen }) => chosen(store)) ?? sqliteDriver;
}

/**
 * Opens the store, the signals and the rate limiters. Only the selected driver is loaded: on a Raspberry Pi the others would
 * delay startup.
 * @throws BotError if the store cannot be opened
 */
export async function createInfrastructure(config: Config, parts: DriverParts): Promise<Infrastructure> {
  const { defaultTtl, minTtl, maxTtl, factsTtl, maxMessages, maxBytes, window } = config.memory;
  const { maxWaiting, answerMs: turnBudgetMs } = config.turns;
  const { observer } = parts;
  const lifetimes = { defaultTtl, minTtl, maxTtl, factsTtl };
  const options: StoreOptions = { ...lifetimes, maxMessages, maxBytes, maxWaiting, window, turnBudgetMs, observer };
  return await driverOf(config).open(config, options, parts);
}
