/** One channel: what is dealt with, in which order, and how far its cursor may go. */
import { expect, test, vi } from 'vitest';
import type { ChannelEvent } from '../../../src/adapters/discord/channels/channel-event.ts';
import { createChannelWorker } from '../../../src/adapters/discord/channels/channel-worker.ts';
import {
  beginningWith,
  type ChannelWorkerDeps,
  type ChannelWorkerStart,
} from '../../../src/adapters/discord/channels/channel-worker-deps.ts';
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
const about = { guild: GUILD, direct: false };

/** The `number`th message of the channel; to the bot unless `to` says otherwise. */
function say(number: number, to: 'bot' | 'nobody' = 'bot'): MessagePayload {
  const id = idOf(number);
  if (to === 'nobody') return parsed({ id, author: bob, content: `${number}` });
  return parsed({ id, content: `<@${BOT}> ${number}`, mentions: [bot] });
}

const event = (message: MessagePayload): ChannelEvent => ({ kind: 'message', message });
const unavailable = new BotError('store_unavailable', 'away', { retryable: true });

function makeLane(start: Partial<ChannelWorkerStart> = {}, more: Partial<ChannelWorkerDeps> = {}) {
  const pauses = createDelays();
  /** What Discord has of the channel. */
  const channel: MessagePayload[] = [];
  const world = {
    taken: [] as string[],
    amended: [] as (string | null)[],
    kept: [] as string[],
    down: false,
    reads: [] as string[],
  };
  const known = new Set<string>();
  const reach = () => {
    if (world.down) throw unavailable;
  };
  const lane = createChannelWorker(
    {
      about: async () => about,
      read: (message, channelAbout, watched) =>
        readMessage(message, { botId: BOT, scope: 'user', channel: channelAbout, names: NO_NAMES, watched }),
      wasSentOut: async () => false,
      async tellFull({ text }) {
        world.taken.push(`full: ${text}`);
      },
      async amend(_, id, message) {
        reach();
        world.amended.push(message === null ? `gone ${id}` : message.content);
      },
      async keep(_, cursor) {
        reach();
        world.kept.push(cursor);
      },
      async history(after) {
        world.reads.push(after);
        const found = channel.filter(({ id }) => isNewer(id, after)).slice(0, PAGE);
        return { messages: found, more: found.length === PAGE };
      },
      async storeBack() {
        await vi.waitFor(() => expect(world.down || pauses.ended()).toBe(pauses.ended()), { interval: 1 });
      },
      oldest: () => '0',
      emptied() {},
      clock: { monotonic: () => performance.now() },
      pauses,
      log: createLogger({ level: 'silent', secrets: [] }),
      ...more,
      async take(message, here, how) {
        // As the store knows what it has by its id.
        if (how.isEdited && known.has(message.id)) return;
        if (more.take === undefined) {
          reach();
          world.taken.push(message.text);
        } else await more.take(message, here, how);
        known.add(message.id);
      },
    },
    { about, cursor: idOf(0), watched: true, ...start },
  );
  const push = (...messages: readonly MessagePayload[]) => {
    for (const message of messages) {
      channel.push(message);
      lane.push(event(message));
    }
  };
  return { lane, world, channel, pauses, push };
}

test('nothing is dealt with before it goes on, and then what was missed comes before what is held', async () => {
  const { lane, world, channel, push } = makeLane();
  channel.push(say(1), say(2));
  push(say(3));
  await lane.idle();
  expect(world.taken).toEqual([]);
  lane.goOn();
  await lane.idle();
  expect(world.taken).toEqual(['1', '2', '3']);
});

test('the cursor passes what is stored at once, and what is ignored without a write', async () => {
  const { lane, world, push } = makeLane();
  lane.goOn();
  push(say(1), say(2, 'nobody'));
  await lane.idle();
  expect(world.kept).toEqual([idOf(1)]);
  expect(lane.unsaved()).toBe(idOf(2));
  lane.saved(idOf(2));
  expect(lane.unsaved()).toBeUndefined();
});

test('a message that is not stored is not passed: it and all behind it come when the store is back, each once', async () => {
  const { lane, world, push } = makeLane();
  lane.goOn();
  push(say(1));
  await lane.idle();
  world.down = true;
  push(say(2), say(3, 'nobody'), say(4));
  await vi.waitFor(() => expect(world.reads.length).toBeGreaterThan(0));
  expect(lane.unsaved()).toBeUndefined();
  expect(world.kept.at(-1)).toBe(idOf(1));
  world.down = false;
  await lane.idle();
  expect(world.taken).toEqual(['1', '2', '4']);
  expect(world.kept.at(-1)).toBe(idOf(4));
});

test('the first message of a channel is in the registry before it is stored, with a cursor just before it', async () => {
  const order: string[] = [];
  const first = say(7);
  const { lane, push } = makeLane(
    { ...beginningWith(event(first)) },
    {
      take: async (message) => void order.push(`stored ${message.text}`),
      keep: async (_, cursor) => void order.push(`kept ${cursor}`),
    },
  );
  lane.goOn();
  push(first);
  await lane.idle();
  expect(order).toEqual([`kept ${idOf(6)}`, 'stored 7', `kept ${idOf(7)}`]);
});

test('what the registry knows better goes before where a lane was made', async () => {
  const live = say(9);
  const { lane, world, channel } = makeLane(beginningWith(event(live)));
  channel.push(say(4), say(5), live);
  lane.push(event(live));
  lane.goOn({ known: { about, cursor: idOf(4), watched: true } });
  await lane.idle();
  expect(world.taken).toEqual(['5', '9']);
});

test('what could not be stored yet is not passed over where another replica began later', async () => {
  const { lane, world, push } = makeLane(beginningWith(event(say(7))));
  push(say(7), say(9));
  lane.goOn({ known: { about, cursor: idOf(8), watched: true } });
  await lane.idle();
  expect(world.taken).toEqual(['7', '9']);
});

test('where another replica has dealt with more, that is not dealt with again', async () => {
  const { lane, world, channel } = makeLane({ cursor: idOf(1) });
  channel.push(say(2), say(3));
  lane.goOn({ known: { about, cursor: idOf(2), watched: true } });
  await lane.idle();
  expect(world.taken).toEqual(['3']);
});

test('a new session holds everything until the registry was read again', async () => {
  const { lane, world, channel, push } = makeLane();
  lane.goOn();
  await lane.idle();
  lane.hold();
  channel.push(say(1));
  push(say(2));
  await lane.idle();
  expect(world.taken).toEqual([]);
  lane.goOn();
  await lane.idle();
  expect(world.taken).toEqual(['1', '2']);
});

test('long outages: what is too much to hold is read over REST, page by page, in order', async () => {
  const { lane, world, push } = makeLane();
  lane.goOn();
  world.down = true;
  const all = Array.from({ length: 450 }, (_, index) => say(index + 1));
  push(...all);
  world.down = false;
  await lane.idle();
  expect(world.taken).toEqual(all.map((_, index) => String(index + 1)));
});

test('what is older than it is worth is left out', async () => {
  const { lane, world, channel } = makeLane({}, { oldest: () => idOf(2) });
  channel.push(say(1), say(2), say(3));
  lane.goOn();
  await lane.idle();
  expect(world.taken).toEqual(['3']);
});

test('a channel that can’t be read any more: what is held is dealt with all the same', async () => {
  const { lane, world, push } = makeLane(
    {},
    {
      history: async () => {
        throw new BotError('platform_refused', 'no access');
      },
    },
  );
  push(say(1));
  lane.goOn();
  await lane.idle();
  expect(world.taken).toEqual(['1']);
});

test('a Discord that does not answer is asked again', async () => {
  let tries = 0;
  const { lane, world, push } = makeLane(
    {},
    {
      history: async () => {
        tries += 1;
        if (tries === 1) throw new BotError('platform_unavailable', 'away', { retryable: true });
        return { messages: [say(1)], more: false };
      },
    },
  );
  push(say(2));
  lane.goOn();
  await lane.idle();
  expect(world.taken).toEqual(['1', '2']);
});

test('what can’t be dealt with at all stops nothing behind it', async () => {
  const done: string[] = [];
  const { lane, push } = makeLane(
    {},
    {
      take: async ({ text }) => {
        if (text === '2') throw new BotError('session_invalid', 'no session');
        done.push(text);
      },
      amend: async (_, id) => {
        if (id === idOf(2)) throw new BotError('session_invalid', 'no session');
        done.push(`gone ${id}`);
      },
    },
  );
  lane.goOn();
  push(say(1), say(2), say(3));
  await lane.idle();
  lane.push({ kind: 'deleted', ids: [idOf(1), idOf(2), idOf(3)] });
  await lane.idle();
  expect(done).toEqual(['1', '3', `gone ${idOf(1)}`, `gone ${idOf(3)}`]);
});

/** A lane whose first `take` waits until `enter` is called; what became of everything, in order. */
function makeSlowLane(more: Partial<ChannelWorkerDeps> = {}) {
  const order: string[] = [];
  let enter = (_failure?: BotError) => {};
  let begun = false;
  const made = makeLane(
    {},
    {
      async take({ text, attachments }) {
        if (!begun) {
          begun = true;
          const failure = await new Promise<BotError | undefined>((resolve) => (enter = resolve));
          if (failure !== undefined) throw failure;
        }
        order.push([text, ...(attachments ?? [])].join(' '));
      },
      amend: async (_, id, message) => void order.push(message === null ? `gone ${id}` : message.content),
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

test('what is edited or deleted while it is held is dealt with as it is now; what is being dealt with is amended in its turn', async () => {
  const { lane, push, order, begun, enter } = makeSlowLane();
  lane.goOn();
  push(say(1));
  await begun();
  push(say(2), say(3), say(4), { ...say(5), attachments: [{ filename: 'secret.pdf' }] }, say(6));
  lane.push(edited(1, 'too late'));
  lane.push(edited(2, 'once', 1));
  lane.push(edited(2, 'twice', 2));
  lane.push(edited(3, ''));
  lane.push(edited(4, 'before it is deleted'));
  lane.push({ kind: 'deleted', ids: [idOf(4)] });
  lane.push(edited(5, 'without the file'));
  push(say(7));
  enter();
  await lane.idle();
  // The changes follow all the same, as they are now: another replica may have taken in what was said before.
  const changes = ['too late', 'twice', 'twice', '', `gone ${idOf(4)}`, 'without the file'];
  expect(order).toEqual(['1', 'twice', '3', 'without the file', '6', ...changes, '7']);
});

test('what is edited or deleted while REST’s page is dealt with is dealt with as it is now', async () => {
  const { lane, channel, push, order, begun, enter } = makeSlowLane();
  channel.push(say(1), say(2), say(3));
  push(say(4), say(5));
  lane.goOn();
  await begun();
  lane.push({ kind: 'deleted', ids: [idOf(1), idOf(2), idOf(4)] });
  lane.push(edited(3, 'three'));
  lane.push(edited(5, 'five'));
  enter();
  await lane.idle();
  const changes = [...[1, 2, 4].map((number) => `gone ${idOf(number)}`), 'three', 'five'];
  expect(order).toEqual(['1', 'three', 'five', ...changes]);
});

test('of an edit that is held and what REST gives the newer one counts', async () => {
  const order: string[] = [];
  let answer = (_: readonly MessagePayload[]) => {};
  const { lane } = makeSlowLane({
    take: async ({ text }) => void order.push(text),
    amend: async (_, _id, message) => void order.push(message?.content ?? 'gone'),
    history: async () => ({ messages: await new Promise((resolve) => (answer = resolve)), more: false }),
  });
  lane.push(edited(1, 'older than REST', 1));
  lane.goOn();
  // While REST is asked.
  lane.push(edited(2, 'older than what follows', 1));
  lane.push(edited(2, 'newer than REST', 3));
  answer([changed(1, 'one by REST', 2), changed(2, 'two by REST', 2), say(3)]);
  await lane.idle();
  const changes = ['one by REST', 'newer than REST', 'newer than REST'];
  expect(order).toEqual(['one by REST', 'newer than REST', '3', ...changes]);
});

test('at the end the rest of REST’s page is left for whoever comes next', async () => {
  const { lane, world, channel, pauses, order, begun, enter } = makeSlowLane();
  channel.push(say(1), say(2), say(3));
  lane.goOn();
  await begun();
  pauses.end();
  enter();
  await lane.idle();
  expect([order, world.kept.at(-1)]).toEqual([['1'], idOf(1)]);
});

test.each([
  ['deleted', { kind: 'deleted', ids: [idOf(1)] } as const, [`gone ${idOf(1)}`, '2']],
  ['edited', edited(1, 'changed'), ['changed', 'changed', '2']],
])('what was %s while it was being stored in vain is dealt with as it is now', async (_, change, expected) => {
  const { lane, push, order, begun, enter } = makeSlowLane({
    storeBack: async () => {},
    history: async () => {
      throw new BotError('platform_refused', 'no access');
    },
  });
  lane.goOn();
  push(say(1));
  await begun();
  lane.push(change);
  push(say(2));
  enter(unavailable);
  await lane.idle();
  expect(order).toEqual(expected);
});

test('at the end what is held is dealt with; but behind something that was missed nothing is, and the cursor stays', async () => {
  const good = makeLane();
  good.lane.goOn();
  good.push(say(1), say(2), say(3));
  good.pauses.end();
  await good.lane.idle();
  expect(good.world.taken).toEqual(['1', '2', '3']);

  const bad = makeLane();
  bad.lane.goOn();
  await bad.lane.idle();
  bad.world.down = true;
  bad.push(say(1), say(2));
  await vi.waitFor(() => expect(bad.world.reads.length).toBeGreaterThan(0));
  bad.pauses.end();
  bad.world.down = false;
  await bad.lane.idle();
  expect(bad.world.taken).toEqual([]);
  expect(bad.lane.unsaved()).toBeUndefined();
});

test('a lane for a deletion alone has missed nothing', async () => {
  const { lane, world, channel } = makeLane({ ...beginningWith({ kind: 'deleted', ids: [idOf(1)] }) });
  channel.push(say(1), say(2));
  lane.push({ kind: 'deleted', ids: [idOf(1)] });
  lane.goOn();
  await lane.idle();
  expect([world.taken, world.amended]).toEqual([[], [`gone ${idOf(1)}`]]);
  lane.push(event(say(3)));
  await lane.idle();
  expect(world.kept).toEqual([idOf(2), idOf(3)]);
});

test(`a place that is not one of the bot's channels is left without a trace (${CHANNEL})`, async () => {
  const emptied = vi.fn();
  const { lane, world, push } = makeLane({ ...beginningWith(event(say(1, 'nobody'))) }, { emptied });
  lane.goOn();
  push(say(1, 'nobody'));
  await lane.idle();
  expect([world.kept, lane.watched(), lane.unsaved()]).toEqual([[], false, undefined]);
  expect(emptied).toHaveBeenCalled();
});

test('what is edited into a message for the bot is taken once it is; not what is old, nor an edit of long ago', async () => {
  const taken: [string, boolean, boolean][] = [];
  const { lane, world } = makeLane(
    { watched: false, cursor: '0' },
    {
      take: async ({ text }, _, { isEdited, isFirst }) => void taken.push([text, isEdited, isFirst]),
      oldest: () => idOf(5),
    },
  );
  lane.goOn();
  const at = (number: number) => new Date(timeOf(idOf(number))).toISOString();
  const edit = (number: number, more: object, time = '2026-08-02T12:00:00.000Z') =>
    lane.push({ kind: 'edited', message: parsed({ id: idOf(number), edited_timestamp: time, ...more }) });
  const mention = { content: `<@${BOT}> now`, mentions: [bot] };
  edit(7, { content: 'to nobody' });
  edit(5, mention);
  edit(8, mention, at(5));
  edit(9, mention);
  await lane.idle();
  edit(9, { ...mention, content: `<@${BOT}> and again` });
  await lane.idle();
  expect(taken).toEqual([['now', true, true]]);
  // From the edit on, not from the message: what came between was not for the bot.
  expect(world.kept.every((cursor) => cursor === firstAt(Date.UTC(2026, 7, 2, 12)))).toBe(true);
});
