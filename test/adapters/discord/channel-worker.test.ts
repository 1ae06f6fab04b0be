/** One channel: which events are processed, in which order, and how far the cursor moves. */
import { expect, test, vi } from 'vitest';
import type { ChannelEvent } from '../../../src/adapters/discord/channels/channel-queue.ts';
import { createChannelWorker } from '../../../src/adapters/discord/channels/channel-worker.ts';
import type {
  ChannelWorkerDeps,
  ChannelWorkerStart,
} from '../../../src/adapters/discord/channels/channel-worker-deps.ts';
import { startAt } from '../../../src/adapters/discord/channels/channel-workers.ts';
import { NO_NAMES } from '../../../src/adapters/discord/channels/message-text.ts';
import { readMessage } from '../../../src/adapters/discord/channels/normalize.ts';
import type { MessagePayload } from '../../../src/adapters/discord/payloads.ts';
import { firstAt, isNewer, timeOf } from '../../../src/adapters/discord/snowflake.ts';
import { createLogger } from '../../../src/app/log.ts';
import { BotError } from '../../../src/errors.ts';
import { createDelays } from '../../../src/lib/delay.ts';
import { BOT, bob, bot, CHANNEL, GUILD, parsed } from './payloads.ts';

const PAGE = 100;
const FIRST = 100_000_000_000_000_000n;
const idOf = (number: number) => String(FIRST + BigInt(number));
const info = { guild: GUILD, direct: false };

/** The `number`th message of the channel; to the bot unless `to` says otherwise. */
function say(number: number, to: 'bot' | 'nobody' = 'bot'): MessagePayload {
  const id = idOf(number);
  if (to === 'nobody') return parsed({ id, author: bob, content: `${number}` });
  return parsed({ id, content: `<@${BOT}> ${number}`, mentions: [bot] });
}

const event = (message: MessagePayload): ChannelEvent => ({ kind: 'message', message });
const unavailable = new BotError('store_unavailable', 'away', { retryable: true });

function makeWorker(start: Partial<ChannelWorkerStart> = {}, more: Partial<ChannelWorkerDeps> = {}) {
  const delays = createDelays();
  /** What Discord has of the channel. */
  const channel: MessagePayload[] = [];
  const world = {
    handled: [] as string[],
    changes: [] as (string | null)[],
    saved: [] as string[],
    down: false,
    reads: [] as string[],
  };
  const known = new Set<string>();
  const reach = () => {
    if (world.down) throw unavailable;
  };
  const worker = createChannelWorker(
    {
      channelInfo: async () => info,
      read: (message, channelInfo, watched) =>
        readMessage(message, { botId: BOT, scope: 'user', channel: channelInfo, names: NO_NAMES, watched }),
      isDismissed: async () => false,
      async reportStoreFull({ text }) {
        world.handled.push(`full: ${text}`);
      },
      async applyChange(_, id, message) {
        reach();
        world.changes.push(message === null ? `gone ${id}` : message.content);
      },
      async saveCursor(_, cursor) {
        reach();
        world.saved.push(cursor);
      },
      async readHistory(after) {
        world.reads.push(after);
        const found = channel.filter(({ id }) => isNewer(id, after)).slice(0, PAGE);
        return { messages: found, more: found.length === PAGE };
      },
      async untilStoreAnswers() {
        await vi.waitFor(() => expect(world.down || delays.ended()).toBe(delays.ended()), { interval: 1 });
      },
      oldestId: () => '0',
      onIdle() {},
      clock: { monotonic: () => performance.now() },
      delays,
      log: createLogger({ level: 'silent', secrets: [] }),
      ...more,
      async handleMessage(message, here, how) {
        // The store knows messages by their ids.
        if (how.isEdited && known.has(message.id)) return;
        if (more.handleMessage === undefined) {
          reach();
          world.handled.push(message.text);
        } else await more.handleMessage(message, here, how);
        known.add(message.id);
      },
    },
    { info, cursor: idOf(0), watched: true, ...start },
  );
  const push = (...messages: readonly MessagePayload[]) => {
    for (const message of messages) {
      channel.push(message);
      worker.push(event(message));
    }
  };
  const stop = () => {
    delays.end();
    worker.stop();
  };
  return { worker, world, channel, stop, push };
}

test('processes nothing before it is resumed, then missed messages before queued ones', async () => {
  const { worker, world, channel, push } = makeWorker();
  channel.push(say(1), say(2));
  push(say(3));
  await worker.settled();
  expect(world.handled).toEqual([]);
  worker.resume();
  await worker.settled();
  expect(world.handled).toEqual(['1', '2', '3']);
});

test('the cursor passes a stored message with a write, an ignored one without', async () => {
  const { worker, world, push } = makeWorker();
  worker.resume();
  push(say(1), say(2, 'nobody'));
  await worker.settled();
  expect(world.saved).toEqual([idOf(1)]);
  expect(worker.unsavedCursor()).toBe(idOf(2));
  worker.cursorSaved(idOf(2));
  expect(worker.unsavedCursor()).toBeUndefined();
});

test('a message that could not be stored, and all after it, are stored once the store is back, each once', async () => {
  const { worker, world, push } = makeWorker();
  worker.resume();
  push(say(1));
  await worker.settled();
  world.down = true;
  push(say(2), say(3, 'nobody'), say(4));
  await vi.waitFor(() => expect(world.reads.length).toBeGreaterThan(0));
  expect(worker.unsavedCursor()).toBeUndefined();
  expect(world.saved.at(-1)).toBe(idOf(1));
  world.down = false;
  await worker.settled();
  expect(world.handled).toEqual(['1', '2', '4']);
  expect(world.saved.at(-1)).toBe(idOf(4));
});

test('the first message of a channel is registered before it is stored, with a cursor just before it', async () => {
  const order: string[] = [];
  const first = say(7);
  const { worker, push } = makeWorker(
    { ...startAt(event(first)) },
    {
      handleMessage: async (message) => void order.push(`stored ${message.text}`),
      saveCursor: async (_, cursor) => void order.push(`saved ${cursor}`),
    },
  );
  worker.resume();
  push(first);
  await worker.settled();
  expect(order).toEqual([`saved ${idOf(6)}`, 'stored 7', `saved ${idOf(7)}`]);
});

test('a registry that is behind the worker’s first message wins', async () => {
  const live = say(9);
  const { worker, world, channel } = makeWorker(startAt(event(live)));
  channel.push(say(4), say(5), live);
  worker.push(event(live));
  worker.resume({ known: { info, cursor: idOf(4), watched: true } });
  await worker.settled();
  expect(world.handled).toEqual(['5', '9']);
});

test('a message that is not stored yet is not skipped when another replica began later', async () => {
  const { worker, world, push } = makeWorker(startAt(event(say(7))));
  push(say(7), say(9));
  worker.resume({ known: { info, cursor: idOf(8), watched: true } });
  await worker.settled();
  expect(world.handled).toEqual(['7', '9']);
});

test('messages that another replica has processed are not processed again', async () => {
  const { worker, world, channel } = makeWorker({ cursor: idOf(1) });
  channel.push(say(2), say(3));
  worker.resume({ known: { info, cursor: idOf(2), watched: true } });
  await worker.settled();
  expect(world.handled).toEqual(['3']);
});

test('a new session pauses the worker until the registry was read again', async () => {
  const { worker, world, channel, push } = makeWorker();
  worker.resume();
  await worker.settled();
  worker.pause();
  channel.push(say(1));
  push(say(2));
  await worker.settled();
  expect(world.handled).toEqual([]);
  worker.resume();
  await worker.settled();
  expect(world.handled).toEqual(['1', '2']);
});

test('after a long outage, more messages than the queue holds are read over REST, page by page, in order', async () => {
  const { worker, world, push } = makeWorker();
  worker.resume();
  world.down = true;
  const all = Array.from({ length: 450 }, (_, index) => say(index + 1));
  push(...all);
  world.down = false;
  await worker.settled();
  expect(world.handled).toEqual(all.map((_, index) => String(index + 1)));
});

test('messages that are too old are left out', async () => {
  const { worker, world, channel } = makeWorker({}, { oldestId: () => idOf(2) });
  channel.push(say(1), say(2), say(3));
  worker.resume();
  await worker.settled();
  expect(world.handled).toEqual(['3']);
});

test('queued events are processed even if the history cannot be read any more', async () => {
  const { worker, world, push } = makeWorker(
    {},
    {
      readHistory: async () => {
        throw new BotError('platform_refused', 'no access');
      },
    },
  );
  push(say(1));
  worker.resume();
  await worker.settled();
  expect(world.handled).toEqual(['1']);
});

test('asks again when Discord does not answer', async () => {
  let tries = 0;
  const { worker, world, push } = makeWorker(
    {},
    {
      readHistory: async () => {
        tries += 1;
        if (tries === 1) throw new BotError('platform_unavailable', 'away', { retryable: true });
        return { messages: [say(1)], more: false };
      },
    },
  );
  push(say(2));
  worker.resume();
  await worker.settled();
  expect(world.handled).toEqual(['1', '2']);
});

test('an event that cannot be processed does not block the events after it', async () => {
  const done: string[] = [];
  const { worker, push } = makeWorker(
    {},
    {
      handleMessage: async ({ text }) => {
        if (text === '2') throw new BotError('session_invalid', 'no session');
        done.push(text);
      },
      applyChange: async (_, id) => {
        if (id === idOf(2)) throw new BotError('session_invalid', 'no session');
        done.push(`gone ${id}`);
      },
    },
  );
  worker.resume();
  push(say(1), say(2), say(3));
  await worker.settled();
  worker.push({ kind: 'deleted', ids: [idOf(1), idOf(2), idOf(3)] });
  await worker.settled();
  expect(done).toEqual(['1', '3', `gone ${idOf(1)}`, `gone ${idOf(3)}`]);
});

/** A worker whose first `handleMessage` waits until `enter` is called; what was done with each event, in order. */
function makeSlowWorker(more: Partial<ChannelWorkerDeps> = {}) {
  const order: string[] = [];
  let enter = (_failure?: BotError) => {};
  let begun = false;
  const made = makeWorker(
    {},
    {
      async handleMessage({ text, attachments }) {
        if (!begun) {
          begun = true;
          const failure = await new Promise<BotError | undefined>((resolve) => (enter = resolve));
          if (failure !== undefined) throw failure;
        }
        order.push([text, ...(attachments ?? [])].join(' '));
      },
      applyChange: async (_, id, message) => void order.push(message === null ? `gone ${id}` : message.content),
      ...more,
    },
  );
  return {
    ...made,
    order,
    begun: () => vi.waitFor(() => expect(begun).toBe(true)),
    enter: (failure?: BotError) => enter(failure),
  };
}

/** The `number`th message as it was edited in the `second`th second of the day. */
function changed(number: number, text: string, second: number): MessagePayload {
  return {
    ...say(number),
    content: text,
    edited_timestamp: new Date(Date.UTC(2026, 0, 1, 0, 0, second)).toISOString(),
  };
}

const edited = (number: number, text: string, second = 1): ChannelEvent => ({
  kind: 'edited',
  message: changed(number, text, second),
});

test('an edit or deletion applies to messages that wait; to the one being processed, afterwards', async () => {
  const { worker, push, order, begun, enter } = makeSlowWorker();
  worker.resume();
  push(say(1));
  await begun();
  push(say(2), say(3), say(4), { ...say(5), attachments: [{ filename: 'secret.pdf' }] }, say(6));
  worker.push(edited(1, 'too late'));
  worker.push(edited(2, 'once', 1));
  worker.push(edited(2, 'twice', 2));
  worker.push(edited(3, ''));
  worker.push(edited(4, 'before it is deleted'));
  worker.push({ kind: 'deleted', ids: [idOf(4)] });
  worker.push(edited(5, 'without the file'));
  push(say(7));
  enter();
  await worker.settled();
  // The changes are still processed in their turn: another replica may have stored the earlier version.
  const changes = ['too late', 'twice', 'twice', '', `gone ${idOf(4)}`, 'without the file'];
  expect(order).toEqual(['1', 'twice', '3', 'without the file', '6', ...changes, '7']);
});

test('an edit or deletion applies to a page of missed messages, too', async () => {
  const { worker, channel, push, order, begun, enter } = makeSlowWorker();
  channel.push(say(1), say(2), say(3));
  push(say(4), say(5));
  worker.resume();
  await begun();
  worker.push({ kind: 'deleted', ids: [idOf(1), idOf(2), idOf(4)] });
  worker.push(edited(3, 'three'));
  worker.push(edited(5, 'five'));
  enter();
  await worker.settled();
  const changes = [...[1, 2, 4].map((number) => `gone ${idOf(number)}`), 'three', 'five'];
  expect(order).toEqual(['1', 'three', 'five', ...changes]);
});

test('the newer of a queued edit and the version that REST gives wins', async () => {
  const order: string[] = [];
  let answer = (_: readonly MessagePayload[]) => {};
  const { worker } = makeSlowWorker({
    handleMessage: async ({ text }) => void order.push(text),
    applyChange: async (_, _id, message) => void order.push(message?.content ?? 'gone'),
    readHistory: async () => ({ messages: await new Promise((resolve) => (answer = resolve)), more: false }),
  });
  worker.push(edited(1, 'older than REST', 1));
  worker.resume();
  // While the history is being read.
  worker.push(edited(2, 'older than what follows', 1));
  worker.push(edited(2, 'newer than REST', 3));
  answer([changed(1, 'one by REST', 2), changed(2, 'two by REST', 2), say(3)]);
  await worker.settled();
  const changes = ['one by REST', 'newer than REST', 'newer than REST'];
  expect(order).toEqual(['one by REST', 'newer than REST', '3', ...changes]);
});

test('when stopped, the rest of a page is left to the next process', async () => {
  const { worker, world, channel, stop, order, begun, enter } = makeSlowWorker();
  channel.push(say(1), say(2), say(3));
  worker.resume();
  await begun();
  stop();
  enter();
  await worker.settled();
  expect([order, world.saved.at(-1)]).toEqual([['1'], idOf(1)]);
});

test.each([
  ['deleted', { kind: 'deleted', ids: [idOf(1)] } as const, [`gone ${idOf(1)}`, '2']],
  ['edited', edited(1, 'changed'), ['changed', 'changed', '2']],
])('a message that was %s while storing it failed is processed as it is by then', async (_, change, expected) => {
  const { worker, push, order, begun, enter } = makeSlowWorker({
    untilStoreAnswers: async () => {},
    readHistory: async () => {
      throw new BotError('platform_refused', 'no access');
    },
  });
  worker.resume();
  push(say(1));
  await begun();
  worker.push(change);
  push(say(2));
  enter(unavailable);
  await worker.settled();
  expect(order).toEqual(expected);
});

test('when stopped, the queue is still processed, unless something before it was missed', async () => {
  const good = makeWorker();
  good.worker.resume();
  good.push(say(1), say(2), say(3));
  good.stop();
  await good.worker.settled();
  expect(good.world.handled).toEqual(['1', '2', '3']);

  const bad = makeWorker();
  bad.worker.resume();
  await bad.worker.settled();
  bad.world.down = true;
  bad.push(say(1), say(2));
  await vi.waitFor(() => expect(bad.world.reads.length).toBeGreaterThan(0));
  bad.stop();
  bad.world.down = false;
  await bad.worker.settled();
  expect(bad.world.handled).toEqual([]);
  expect(bad.worker.unsavedCursor()).toBeUndefined();
});

test('a worker made for a deletion alone has missed nothing', async () => {
  const { worker, world, channel } = makeWorker({ ...startAt({ kind: 'deleted', ids: [idOf(1)] }) });
  channel.push(say(1), say(2));
  worker.push({ kind: 'deleted', ids: [idOf(1)] });
  worker.resume();
  await worker.settled();
  expect([world.handled, world.changes]).toEqual([[], [`gone ${idOf(1)}`]]);
  worker.push(event(say(3)));
  await worker.settled();
  expect(world.saved).toEqual([idOf(2), idOf(3)]);
});

test(`a channel in which nobody addressed the bot is not registered (${CHANNEL})`, async () => {
  const onIdle = vi.fn();
  const { worker, world, push } = makeWorker({ ...startAt(event(say(1, 'nobody'))) }, { onIdle });
  worker.resume();
  push(say(1, 'nobody'));
  await worker.settled();
  expect([world.saved, worker.watched(), worker.unsavedCursor()]).toEqual([[], false, undefined]);
  expect(onIdle).toHaveBeenCalled();
});

test('an edit that makes a message one to the bot is processed; not of an old message, nor an old edit', async () => {
  const handled: [string, boolean, boolean][] = [];
  const { worker, world } = makeWorker(
    { watched: false, cursor: '0' },
    {
      handleMessage: async ({ text }, _, { isEdited, isFirst }) => void handled.push([text, isEdited, isFirst]),
      oldestId: () => idOf(5),
    },
  );
  worker.resume();
  const at = (number: number) => new Date(timeOf(idOf(number))).toISOString();
  const edit = (number: number, more: object, time = '2026-08-02T12:00:00.000Z') =>
    worker.push({ kind: 'edited', message: parsed({ id: idOf(number), edited_timestamp: time, ...more }) });
  const mention = { content: `<@${BOT}> now`, mentions: [bot] };
  edit(7, { content: 'to nobody' });
  edit(5, mention);
  edit(8, mention, at(5));
  edit(9, mention);
  await worker.settled();
  edit(9, { ...mention, content: `<@${BOT}> and again` });
  await worker.settled();
  expect(handled).toEqual([['now', true, true]]);
  // From the edit on, not from the message: the messages in between were not to the bot.
  expect(world.saved.every((cursor) => cursor === firstAt(Date.UTC(2026, 7, 2, 12)))).toBe(true);
});
