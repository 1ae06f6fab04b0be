/** The workers of many channels over a registry and a reader in memory. */
import { expect, vi } from 'vitest';
import {
  type ChannelWorkersDeps,
  createChannelWorkers,
} from '../../../src/adapters/discord/channels/channel-workers.ts';
import { NO_NAMES } from '../../../src/adapters/discord/channels/message-text.ts';
import { readMessage } from '../../../src/adapters/discord/channels/normalize.ts';
import { createLogger } from '../../../src/app/log.ts';
import { createDelays } from '../../../src/lib/delay.ts';
import { BOT, GUILD } from './payloads.ts';

export const idOf = (number: number) => String(100_000_000_000_000_000n + BigInt(number));
const about = { guild: GUILD, direct: false };

export function makeWorkers(count: number) {
  const world = {
    read: new Set<string>(),
    reading: 0,
    most: 0,
    handled: [] as string[],
    left: [] as string[],
    unwatched: [] as string[],
    blocked: false,
  };
  const delays = createDelays();
  const deps: ChannelWorkersDeps = {
    read: (message, channel, watched) =>
      readMessage(message, { botId: BOT, scope: 'user', channel, names: NO_NAMES, watched }),
    handleMessage: async ({ text }) => void world.handled.push(text),
    isDismissed: async () => false,
    reportStoreFull: async () => {},
    applyChange: async () => {},
    channels: {
      watch: async () => {},
      advance: async () => {},
      watched: async () => Array.from({ length: count }, (_, index) => ({ id: idOf(index), about, cursor: idOf(0) })),
      unwatch: async (_, ids) => void world.unwatched.push(...ids),
    },
    reader: {
      channelInfo: async () => about,
      async history(id) {
        world.reading += 1;
        world.most = Math.max(world.most, world.reading);
        if (world.blocked) await vi.waitFor(() => expect(world.blocked).toBe(false), { timeout: 60_000 });
        world.reading -= 1;
        world.read.add(id);
        return { messages: [], more: false };
      },
    },
    onDeleted: () => {},
    onRemoved: (guild) => void world.left.push(guild),
    isMember: (guild) => guild !== 'left',
    ping: async () => {},
    clock: { now: () => Date.now(), monotonic: () => performance.now() },
    delays,
    log: createLogger({ level: 'silent', secrets: [] }),
  };
  return { workers: createChannelWorkers(deps), world };
}
