/** Writing to Discord: against the strict fake, over the real client. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { InteractionTarget } from '../../../src/adapters/discord/places.ts';
import { createChannelWriter, createInteractionWriter } from '../../../src/adapters/discord/reply/writer.ts';
import { createDiscordRest } from '../../../src/adapters/discord/rest.ts';
import { BotError } from '../../../src/errors.ts';
import {
  buttonsOf,
  type FakeChannel,
  type FakeDiscord,
  startFakeDiscord,
} from '../../support/fake-discord/fake-discord.ts';

let discord: FakeDiscord;
let channel: FakeChannel;
let now = Date.now();
beforeEach(async () => {
  discord = await startFakeDiscord();
  channel = discord.channel(discord.guild());
  now = Date.now();
});
afterEach(async () => {
  const found = { violations: discord.violations(), previewed: discord.previewed() };
  await discord.stop();
  expect(found).toEqual({ violations: [], previewed: [] });
});

const ada = () => discord.world.person('Ada');
const restOf = () => createDiscordRest({ token: discord.token, apiUrl: discord.url });
const deps = () => ({
  rest: restOf(),
  botId: () => discord.world.bot.id,
  turnId: 'turn',
  locale: 'en' as const,
  now: () => now,
});
const write = (more: { live?: boolean; check?: () => void } = {}) => ({
  signal: new AbortController().signal,
  check: more.check ?? (() => {}),
  live: more.live ?? false,
});
const nonce = (part: number) => ({ ...write(), nonce: `turn:${part}` });
const find = (more: { intentAt?: number; after?: string } = {}) => ({
  signal: new AbortController().signal,
  intentAt: more.intentAt ?? now,
  after: more.after,
});

describe('to a channel', () => {
  const open = () => {
    const asked = discord.say(ada(), channel, 'Hello');
    const target = {
      platform: 'discord',
      via: 'channel',
      channel: channel.id,
      trigger: asked.message.id,
      asker: '1',
    } as const;
    return { asked, writer: createChannelWriter(deps(), target) };
  };

  test('the first part is a reply, even to a message that was deleted; others are not', async () => {
    const { asked, writer } = open();
    const first = await writer.post(1, 'one', nonce(1));
    await writer.post(2, 'two', nonce(2));
    expect(discord.replies(asked).map(({ message }) => message.id)).toEqual([first]);
    const { asked: gone, writer: late } = open();
    discord.remove(gone);
    await late.post(1, 'three', { ...write(), nonce: 'other:1' });
    expect(discord.said(channel)).toHaveLength(3);
    expect(discord.pinged()).toEqual([]);
  });

  test('a post with the same nonce returns the earlier message', async () => {
    const { writer } = open();
    discord.faults.add('POST', /messages$/, { kind: 'lost' });
    await expect(writer.post(1, 'one', nonce(1))).rejects.toMatchObject({
      code: 'platform_unavailable',
      retryable: true,
    });
    const id = await writer.post(1, 'one and more', nonce(1));
    expect(discord.said(channel).map(({ message }) => [message.id, message.content])).toEqual([[id, 'one']]);
  });

  test('a lost part is found: the first as the reply, others by their button, or if there is only one candidate', async () => {
    const { writer } = open();
    const { writer: other } = open();
    expect(await writer.find?.(1, find())).toBeUndefined();
    await other.post(1, 'of another reply', { ...write(), nonce: 'other:1' });
    const first = await writer.post(1, 'one', nonce(1));
    expect(await writer.find?.(1, find())).toBe(first);
    expect(await writer.find?.(2, find({ after: first }))).toBeUndefined();
    const second = await writer.post(2, 'two', { ...nonce(2), live: true });
    expect(await writer.find?.(2, find({ after: first }))).toBe(second);
    const third = await writer.post(3, 'three', nonce(3));
    expect(await writer.find?.(3, find({ after: second }))).toBe(third);
    await writer.post(4, 'four', nonce(4));
    await expect(writer.find?.(3, find({ after: second }))).rejects.toMatchObject({ code: 'platform_refused' });
    expect(await writer.find?.(3, find({ after: second, intentAt: now - 60_000 }))).toBeUndefined();
  });

  test('the Stop button is there while the text grows', async () => {
    const { writer } = open();
    const id = await writer.post(1, 'one', { ...nonce(1), live: true });
    const shown = () => discord.said(channel)[0]?.message;
    expect(
      discord
        .said(channel)
        .flatMap(({ message }) => buttonsOf(message))
        .map(({ label }) => label),
    ).toEqual(['Stop']);
    expect(await writer.edit(id, 'one more', write())).toBe('edited');
    expect(shown()).toMatchObject({ content: 'one more', components: [] });
  });

  test('a deleted message is reported as gone; deleting it again succeeds', async () => {
    const { writer } = open();
    const id = await writer.post(1, 'one', nonce(1));
    const [stored] = discord.said(channel);
    if (stored === undefined) throw new Error('It was posted.');
    discord.remove(stored);
    expect(await writer.edit(id, 'one more', write())).toBe('gone');
    await writer.remove(id, write());
  });

  test('a worker that lost its turn while it waited writes nothing', async () => {
    const { writer } = open();
    const lost = new BotError('turn_lost', 'lost');
    const check = () => {
      throw lost;
    };
    await expect(writer.post(1, 'one', { ...write({ check }), nonce: 'turn:1' })).rejects.toBe(lost);
    expect(discord.said(channel)).toEqual([]);
  });

  test('the errors of Discord are distinguished', async () => {
    const { writer } = open();
    const code = (method: string, path: RegExp, fault: Parameters<FakeDiscord['faults']['add']>[2]) => {
      discord.faults.add(method, path, fault);
      return expect(writer.post(1, 'one', nonce(1))).rejects;
    };
    await code('POST', /messages$/, { kind: 'rate_limited', retryAfterS: 9 }).toMatchObject({
      code: 'platform_rate_limited',
      retryable: true,
      retryAfterMs: expect.closeTo(9_000, -3),
    });
    for (const status of [500, 503]) {
      await code('POST', /messages$/, { kind: 'status', status }).toMatchObject({
        code: 'platform_unavailable',
        retryable: true,
      });
    }
    channel.closed = true;
    await expect(writer.post(1, 'one', nonce(1))).rejects.toMatchObject({
      code: 'platform_refused',
      retryable: false,
    });
    discord.resetToken();
    await expect(writer.showTyping?.(write().signal)).rejects.toMatchObject({ code: 'platform_credentials' });
  });
});

describe('to an interaction', () => {
  /** A /chat that was acked, as its target. */
  async function open(more: Partial<InteractionTarget> = {}) {
    const rest = restOf();
    await rest.request('PUT', `/applications/${discord.world.applicationId}/commands`, {
      body: [{ type: 1, name: 'chat', description: 'c', integration_types: [0], contexts: [0] }],
    });
    const person = ada();
    const view = discord.slash(person, channel, 'chat', { userInstall: more.present === false });
    const token = `interaction-token-${view.id}`;
    await rest.request('POST', `/interactions/${view.id}/${token}/callback`, { body: { type: 5 }, auth: false });
    const [waiting] = discord.said(channel);
    const target: InteractionTarget = {
      platform: 'discord',
      via: 'interaction',
      channel: channel.id,
      asker: person.id,
      application: discord.world.applicationId,
      token,
      original: waiting?.message.id ?? '',
      until: now + 900_000,
      present: true,
      ...more,
    };
    return { view, target, writer: createInteractionWriter(deps(), target) };
  }

  test('the first part fills in the message that shows "thinking", the others are messages in the channel', async () => {
    const { view, target, writer } = await open();
    expect(await writer.post(1, 'one', nonce(1))).toBe(target.original);
    expect(view.answer()?.message.message.content).toBe('one');
    const second = await writer.post(2, 'two', nonce(2));
    expect(await writer.post(2, 'two', nonce(2))).toBe(second);
    expect(await writer.edit(second, 'two more', write())).toBe('edited');
    expect(await writer.edit(target.original, 'one more', write())).toBe('edited');
    expect(discord.said(channel).map(({ message }) => message.content)).toEqual(['one more', 'two more']);
    await writer.remove(second, write());
    expect(discord.said(channel)).toHaveLength(1);
    expect(view.followUps).toEqual([]);
  });

  test('after 15 minutes it continues without the token where the bot is a member, and fails elsewhere', async () => {
    const { view, target, writer } = await open();
    await writer.post(1, 'one', nonce(1));
    view.expire();
    now += 900_000;
    expect(await writer.edit(target.original, 'one more', write())).toBe('edited');
    await writer.post(2, 'two', nonce(2));
    expect(discord.said(channel).map(({ message }) => message.content)).toEqual(['one more', 'two']);
    const apart = await open({ present: false });
    now += 900_000;
    await expect(apart.writer.post(1, 'x', nonce(1))).rejects.toMatchObject({ code: 'platform_refused' });
  });

  test('with a user install alone, everything is written by the token', async () => {
    const { view, target, writer } = await open({ present: false });
    channel.closed = true;
    await writer.post(1, 'one', nonce(1));
    const second = await writer.post(2, 'two', nonce(2));
    await writer.edit(second, 'two more', write());
    expect(view.followUps.map(({ message }) => message.content)).toEqual(['two more']);
    expect(await writer.find?.(1, find())).toBeUndefined();
    await expect(writer.find?.(2, find())).rejects.toMatchObject({ code: 'platform_refused' });
    await writer.remove(second, write());
    expect(await writer.edit(second, 'three', write())).toBe('gone');
    expect(target.original).not.toBe(second);
  });
});
