/** The platforms. A new one is a folder in src/adapters and one entry here, with its settings in src/config. */
import type { Adapter } from '../adapters/adapter.ts';
import { discordPlatform } from '../adapters/discord/descriptor.ts';
import { httpPlatform } from '../adapters/http/descriptor.ts';
import { slackPlatform } from '../adapters/slack/descriptor.ts';
import { webPlatform } from '../adapters/web/descriptor.ts';
import type { Config } from '../config/config.ts';
import type { PlatformDescriptor } from '../core/platform.ts';
import type { Clock, Logger } from '../core/ports.ts';
import type { SessionScope } from '../core/session.ts';
import type { ConversationStore } from '../core/store.ts';
import type { Metrics } from './metrics.ts';

/** Passed to every adapter in addition to its settings. */
interface AdapterParts {
  readonly scope: SessionScope;
  readonly channels: ConversationStore['channels'];
  readonly clock: Clock;
  readonly logger: Logger;
  /** Counts a message of a reply for which it could not be determined whether it was posted. */
  readonly unreconciled: () => void;
  /** Counts a malformed payload. */
  readonly malformed: () => void;
}

interface Platform {
  readonly descriptor: PlatformDescriptor;
  /** Undefined if the settings do not enable it. The composition root creates HTTP and the playground itself. */
  create(config: Config, parts: AdapterParts): Promise<Adapter> | undefined;
}

/** `load` imports the adapter only if it is enabled: platform libraries take longer to load than everything else. */
function platform<Settings>(
  descriptor: PlatformDescriptor,
  settingsOf: (config: Config) => Settings | undefined,
  load: () => Promise<(options: Settings & AdapterParts) => Adapter>,
): Platform {
  return {
    descriptor,
    create(config, parts) {
      const settings = settingsOf(config);
      return settings === undefined ? undefined : load().then((create) => create({ ...settings, ...parts }));
    },
  };
}

const builtIn = (descriptor: PlatformDescriptor): Platform => ({ descriptor, create: () => undefined });

const PLATFORMS: readonly Platform[] = [
  platform(
    discordPlatform,
    ({ discord }) => discord,
    async () => (await import('../adapters/discord/adapter.ts')).createDiscordAdapter,
  ),
  platform(
    slackPlatform,
    ({ slack }) => slack,
    async () => (await import('../adapters/slack/adapter.ts')).createSlackAdapter,
  ),
  builtIn(httpPlatform),
  builtIn(webPlatform),
];

export const DESCRIPTORS: readonly PlatformDescriptor[] = PLATFORMS.map(({ descriptor }) => descriptor);

interface Parts {
  readonly store: Pick<ConversationStore, 'channels'>;
  readonly metrics: Metrics;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** The adapters of the enabled platforms. */
export async function createPlatforms(config: Config, { store, metrics, clock, logger }: Parts): Promise<Adapter[]> {
  const created = PLATFORMS.flatMap(({ descriptor: { id }, create }) => {
    const adapter = create(config, {
      scope: config.memory.scope,
      channels: store.channels,
      ...{ clock, logger },
      unreconciled: () => metrics.turns.unreconciled(id),
      malformed: () => metrics.malformed(id),
    });
    return adapter === undefined ? [] : [adapter];
  });
  return await Promise.all(created);
}
