/** The platforms that the settings switch on. */
import type { Adapter } from '../adapters/adapter.ts';
import type { Config } from '../config/config.ts';
import type { Clock, Logger } from '../core/ports.ts';
import type { ConversationStore } from '../core/store.ts';
import type { Metrics } from './metrics.ts';

interface Parts {
  readonly store: Pick<ConversationStore, 'channels'>;
  readonly metrics: Metrics;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Loads only what is switched on: their libraries take longer to load than all the rest. */
export async function createPlatforms(config: Config, { store, metrics, clock, logger }: Parts): Promise<Adapter[]> {
  const { scope } = config.memory;
  const platforms: Adapter[] = [];
  if (config.discord !== undefined) {
    const { createDiscordAdapter } = await import('../adapters/discord/adapter.ts');
    platforms.push(
      createDiscordAdapter({
        ...config.discord,
        ...{ scope, clock, log: logger, channels: store.channels },
        unreconciled: () => metrics.turns.unreconciled('discord'),
        malformed: () => metrics.malformed('discord'),
      }),
    );
  }
  if (config.slack !== undefined) {
    const { createSlackAdapter } = await import('../adapters/slack/adapter.ts');
    platforms.push(
      createSlackAdapter({
        ...config.slack,
        ...{ scope, clock, logger },
        unreconciled: () => metrics.turns.unreconciled('slack'),
        malformed: () => metrics.malformed('slack'),
      }),
    );
  }
  return platforms;
}
