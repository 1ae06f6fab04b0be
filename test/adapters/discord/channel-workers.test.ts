/** The channels of a bot in many servers: none waits for all others, and those with nothing to do have no worker. */
import { expect, test, vi } from 'vitest';
import { idOf, makeWorkers } from './channel-workers-support.ts';
import { BOT, bot, GUILD, parsed } from './payloads.ts';

test('all watched channels catch up, some at a time', async () => {
  const { workers, world } = makeWorkers(1_000);
  workers.sessionBegan();
  await vi.waitFor(() => expect(world.read.size).toBe(1_000));
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
