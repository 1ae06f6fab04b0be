/** The channels of a bot in many servers: none waits for all others, and those with nothing to do have no worker. */
import { expect, test, vi } from 'vitest';
import {
  type ChannelWorkersDeps,
  createChannelWorkers,
} from '../../../src/adapters/discord/channels/channel-workers.ts';
import { NO_NAMES } from '../../../src/adapters/discord/channels/message-text.ts';
import { readMessage } from '../../../src/adapters/discord/channels/normalize.ts';
import { createLogger } from '../../../src/app/log.ts';
import { createDelays } from '../../../src/lib/delay.ts';

import { BOT, bot, GUILD, parsed } from './payloads.ts';

const CHANNELS = 100_000;
const idOf = (number: number) => String(100_000_000_000_000_000n + BigInt(number));
const about = { guild: GUILD, direct: false };

function makeWorkers(count: number) {
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

test('100,000 channels catch up, some at a time', { timeout: 120_000 }, async () => {
  const { workers, world } = makeWorkers(CHANNELS);
  workers.sessionBegan();
  await vi.waitFor(() => expect(world.read.size).toBe(CHANNELS), { timeout: 100_000, interval: 100 });
  expect(world.most).toBeLessThanOrEqual(50);
  await workers.stop();
});

test('a channel with a new message does not wait for those before it', async () => {
  const { workers, world } = makeWorkers(1_000);
  world.blocked = true;
  workers.sessionBegan();
  await vi.waitFor(() => expect(world.reading).toBe(50));
  const id = idOf(999);
  const message = parsed({ channel_id: id, id: idOf(5_000), content: `<@${BOT}> hello`, mentions: [bot] });
  workers.push(id, GUILD, { kind: 'message', message }, true);
  await vi.waitFor(() => expect(world.reading).toBe(51));
  world.blocked = false;
  await vi.waitFor(() => expect(world.handled).toEqual(['hello']));
  await vi.waitFor(() => expect(world.read.size).toBe(1_000));
  await workers.stop();
});

test('a deleted channel is closed with its threads, and stays registered until it is erased', async () => {
  const { workers, world } = makeWorkers(3);
  workers.sessionBegan();
  await vi.waitFor(() => expect(world.read.size).toBe(3));
  const { settled, unwatch } = workers.close({ channel: idOf(1) });
  await settled;
  expect(world.unwatched).toEqual([]);
  await unwatch();
  expect(world.unwatched).toEqual([idOf(1)]);
  expect([0, 1, 2].map((number) => workers.isWatched(idOf(number)))).toEqual([true, false, true]);
  await workers.close({ guild: GUILD }).unwatch();
  expect(workers.isWatched(idOf(0))).toBe(false);
  await workers.stop();
});
