/** The channels of a bot of many servers: none waits for all others, and those with nothing to do take no room. */
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

function makeLanes(count: number) {
  const world = {
    read: new Set<string>(),
    reading: 0,
    most: 0,
    taken: [] as string[],
    left: [] as string[],
    unwatched: [] as string[],
    blocked: false,
  };
  const pauses = createDelays();
  const deps: ChannelWorkersDeps = {
    read: (message, channel, watched) =>
      readMessage(message, { botId: BOT, scope: 'user', channel, names: NO_NAMES, watched }),
    take: async ({ text }) => void world.taken.push(text),
    wasSentOut: async () => false,
    tellFull: async () => {},
    amend: async () => {},
    channels: {
      watch: async () => {},
      advance: async () => {},
      watched: async () => Array.from({ length: count }, (_, index) => ({ id: idOf(index), about, cursor: idOf(0) })),
      unwatch: async (_, ids) => void world.unwatched.push(...ids),
    },
    reader: {
      about: async () => about,
      async history(id) {
        world.reading += 1;
        world.most = Math.max(world.most, world.reading);
        if (world.blocked) await vi.waitFor(() => expect(world.blocked).toBe(false), { timeout: 60_000 });
        world.reading -= 1;
        world.read.add(id);
        return { messages: [], more: false };
      },
    },
    gone: () => {},
    left: (guild) => void world.left.push(guild),
    isMember: (guild) => guild !== 'left',
    ping: async () => {},
    clock: { now: () => Date.now(), monotonic: () => performance.now() },
    pauses,
    log: createLogger({ level: 'silent', secrets: [] }),
  };
  return { lanes: createChannelWorkers(deps), world };
}

test('100,000 are caught up on, some at a time', { timeout: 120_000 }, async () => {
  const { lanes, world } = makeLanes(CHANNELS);
  lanes.sessionBegan();
  await vi.waitFor(() => expect(world.read.size).toBe(CHANNELS), { timeout: 100_000, interval: 100 });
  expect(world.most).toBeLessThanOrEqual(50);
  await lanes.stop();
});

test('one in which something is said does not wait for those before it', async () => {
  const { lanes, world } = makeLanes(1_000);
  world.blocked = true;
  lanes.sessionBegan();
  await vi.waitFor(() => expect(world.reading).toBe(50));
  const id = idOf(999);
  const message = parsed({ channel_id: id, id: idOf(5_000), content: `<@${BOT}> hello`, mentions: [bot] });
  lanes.push(id, GUILD, { kind: 'message', message }, true);
  await vi.waitFor(() => expect(world.reading).toBe(51));
  world.blocked = false;
  await vi.waitFor(() => expect(world.taken).toEqual(['hello']));
  await vi.waitFor(() => expect(world.read.size).toBe(1_000));
  await lanes.stop();
});

test('what is gone is dropped with its threads, and is in the registry until that is done', async () => {
  const { lanes, world } = makeLanes(3);
  lanes.sessionBegan();
  await vi.waitFor(() => expect(world.read.size).toBe(3));
  const { idle, unwatch } = lanes.drop({ channel: idOf(1) });
  await idle;
  expect(world.unwatched).toEqual([]);
  await unwatch();
  expect(world.unwatched).toEqual([idOf(1)]);
  expect([0, 1, 2].map((number) => lanes.isWatched(idOf(number)))).toEqual([true, false, true]);
  await lanes.drop({ guild: GUILD }).unwatch();
  expect(lanes.isWatched(idOf(0))).toBe(false);
  await lanes.stop();
});
