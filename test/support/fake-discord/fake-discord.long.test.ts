/** The fake Discord is as strict as Discord, and unmodified discord.js logs in to it by its URL alone. */
import { once } from 'node:events';
import { Client, Events, GatewayIntentBits, Partials } from 'discord.js';
import { GatewayCloseCodes, MessageFlags, type RESTPostAPIChannelMessageJSONBody } from 'discord-api-types/v10';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { type FakeChannel, type FakeDiscord, startFakeDiscord } from './fake-discord.ts';

let discord: FakeDiscord;
let channel: FakeChannel;
beforeEach(async () => {
  discord = await startFakeDiscord();
  channel = discord.channel(discord.guild());
});
afterEach(() => discord.stop());

const answerSchema = z.looseObject({ code: z.number().optional(), id: z.string().optional() });

async function call(method: string, path: string, body?: object, token: string | null = discord.token) {
  const response = await fetch(`${discord.url}/v10${path}`, {
    method,
    headers: {
      ...(token === null ? {} : { authorization: `Bot ${token}` }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const json: unknown = response.status === 204 ? {} : await response.json();
  const { code, id } = Array.isArray(json) ? {} : answerSchema.parse(json);
  return { status: response.status, code, id, json, headers: response.headers };
}

const post = (body: RESTPostAPIChannelMessageJSONBody) => call('POST', `/channels/${channel.id}/messages`, body);

describe('messages', () => {
  test('that Discord would refuse are refused and recorded', async () => {
    expect(await post({ content: 'x'.repeat(2_001) })).toMatchObject({ status: 400, code: 50_035 });
    expect(await post({ content: ' ' })).toMatchObject({ status: 400, code: 50_006 });
    expect(await post({ content: 'x', nonce: 'n'.repeat(26) })).toMatchObject({ status: 400, code: 50_035 });
    const button = { type: 2, style: 2, label: 'B', custom_id: 'same' } as const;
    expect(await post({ content: 'x', components: [{ type: 1, components: [button, button] }] })).toMatchObject({
      status: 400,
    });
    expect(await post({ content: 'x', message_reference: { message_id: discord.world.snowflake() } })).toMatchObject({
      status: 400,
    });
    expect(discord.violations()).toHaveLength(5);
  });

  test('notify people unless told not to', async () => {
    await post({ content: '@everyone' });
    await post({ content: '@everyone', allowed_mentions: { parse: [] } });
    expect(discord.pinged()).toEqual([discord.said(channel)[0]?.message.id]);
  });

  test('get link previews unless told not to; an edit without flags does not change that', async () => {
    const { id: open } = await post({ content: 'https://example.com' });
    const { id: closed } = await post({ content: 'https://example.com', flags: MessageFlags.SuppressEmbeds });
    expect(discord.previewed()).toEqual([open]);
    const path = `/channels/${channel.id}/messages/${closed}`;
    await call('PATCH', path, { content: 'https://example.com/2' });
    expect(discord.previewed()).toEqual([open]);
    await call('PATCH', path, { content: 'https://example.com/3', flags: 0 });
    expect(discord.previewed()).toEqual([open, closed]);
  });

  test('with an enforced nonce are posted once, as long as the nonce is remembered', async () => {
    const body = { content: 'x', nonce: 'turn:1', enforce_nonce: true };
    const [one, other] = [await post(body), await post(body)];
    expect(one.id).toBe(other.id);
    expect((await post({ content: 'x', nonce: 'turn:1' })).id).not.toBe(one.id);
    discord.forgetNonces();
    expect((await post(body)).id).not.toBe(one.id);
  });

  test('of others cannot be edited, nor deleted ones', async () => {
    const theirs = discord.say(discord.world.person('Ada'), channel, 'x');
    const path = `/channels/${channel.id}/messages/${theirs.message.id}`;
    expect(await call('PATCH', path, { content: 'y' })).toMatchObject({ status: 403, code: 50_005 });
    discord.remove(theirs);
    expect(await call('PATCH', path, { content: 'y' })).toMatchObject({ status: 404, code: 10_008 });
  });

  test('are listed after an id, newest first, up to a limit', async () => {
    const ada = discord.world.person('Ada');
    const ids = Array.from({ length: 5 }, (_, index) => discord.say(ada, channel, `${index}`).message.id);
    const { json } = await call('GET', `/channels/${channel.id}/messages?after=${ids[1]}&limit=2`);
    expect(
      z
        .array(z.object({ id: z.string() }))
        .parse(json)
        .map(({ id }) => id),
    ).toEqual([ids[3], ids[2]]);
  });

  test('are limited to five per window, and the headers say so', async () => {
    await discord.stop();
    discord = await startFakeDiscord({ windowMs: 60_000 });
    channel = discord.channel(discord.guild());
    const answers = [];
    for (let index = 0; index < 6; index += 1) answers.push(await post({ content: 'x' }));
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200, 429]);
    expect(answers[4]?.headers.get('x-ratelimit-remaining')).toBe('0');
    expect(Number(answers[5]?.headers.get('retry-after'))).toBeGreaterThan(0);
  });

  test('need the right token', async () => {
    for (const token of ['wrong', null]) {
      expect((await call('POST', `/channels/${channel.id}/typing`, undefined, token)).status).toBe(401);
    }
  });
});

describe('interactions', () => {
  async function begin() {
    await call('PUT', `/applications/${discord.world.applicationId}/commands`, [
      { type: 1, name: 'help', description: 'h', integration_types: [0], contexts: [0] },
    ]);
    const view = discord.slash(discord.world.person('Ada'), channel, 'help');
    const token = `interaction-token-${view.id}`;
    const ack = (body: object) => call('POST', `/interactions/${view.id}/${token}/callback`, body, null);
    return { view, ack, webhook: `/webhooks/${discord.world.applicationId}/${token}` };
  }

  test('are acknowledged once, privately if requested, and filled in by their token', async () => {
    const { view, ack, webhook } = await begin();
    expect((await call('POST', webhook, { content: 'x' }, null)).status).toBe(404);
    expect((await ack({ type: 5, data: { flags: 64 } })).status).toBe(204);
    expect(await ack({ type: 5 })).toMatchObject({ status: 400, code: 40_060 });
    expect(view.acked).toBe('private');
    expect(view.answer()).toBeUndefined();
    await call('PATCH', `${webhook}/messages/@original`, { content: 'for you' }, null);
    expect(view.answer()?.message.message.content).toBe('for you');
    expect(discord.said(channel)).toEqual([]);
    view.expire();
    expect((await call('POST', webhook, { content: 'x' }, null)).status).toBe(401);
  });

  test('that are not acknowledged within 3 s fail', async () => {
    const { view, ack } = await begin();
    await expect.poll(() => view.timedOut, { timeout: 10_000 }).toBe(true);
    expect(await ack({ type: 5 })).toMatchObject({ status: 404, code: 10_062 });
  });
});

describe('the gateway', () => {
  const { Guilds, GuildMessages, DirectMessages, MessageContent } = GatewayIntentBits;

  async function login(intents: readonly GatewayIntentBits[], token = discord.token) {
    const client = new Client({ intents: [...intents], partials: [Partials.Channel], rest: { api: discord.url } });
    client.on(Events.ShardError, () => undefined);
    const closed: number[] = [];
    // discord.js may wait for a session even though the gateway has closed the connection for good.
    const closedForGood = new Promise<string>((resolve) => {
      client.on(Events.ShardDisconnect, ({ code }) => {
        closed.push(code);
        resolve('refused');
      });
    });
    const ready = once(client, Events.ClientReady);
    const loggedIn = client.login(token).then(
      async () => {
        await ready;
        return 'in';
      },
      () => 'refused',
    );
    const result = await Promise.race([loggedIn, closedForGood]);
    return { client, result, closed };
  }

  test('lets unmodified discord.js log in, and sends it messages', async () => {
    const { client, result } = await login([Guilds, GuildMessages, DirectMessages, MessageContent]);
    expect(result).toBe('in');
    const heard = new Promise<string>((resolve) => {
      client.on(Events.MessageCreate, ({ content, channelId }) => resolve(`${channelId} ${content}`));
    });
    const ada = discord.world.person('Ada');
    const dm = discord.dm(ada);
    discord.say(ada, dm, 'Hello');
    expect(await heard).toBe(`${dm.id} Hello`);
    await client.destroy();
  });

  test('withholds texts without the intent, except in DMs and with mentions', async () => {
    const { client } = await login([Guilds, GuildMessages, DirectMessages]);
    const heard: string[] = [];
    client.on(Events.MessageCreate, ({ content }) => void heard.push(content));
    const ada = discord.world.person('Ada');
    discord.say(ada, channel, 'secret');
    discord.say(ada, channel, `<@${discord.world.bot.id}> named`);
    discord.say(ada, discord.dm(ada), 'direct');
    await expect.poll(() => heard).toEqual(['', `<@${discord.world.bot.id}> named`, 'direct']);
    await client.destroy();
  });

  test('refuses intents that were not granted, and wrong tokens', async () => {
    discord.deny(MessageContent);
    const denied = await login([Guilds, MessageContent]);
    expect([denied.result, denied.closed]).toEqual(['refused', [GatewayCloseCodes.DisallowedIntents]]);
    expect((await login([Guilds], 'wrong')).result).toBe('refused');
  });

  test('replays exactly the missed events to a resumed session', async () => {
    const { client } = await login([Guilds, GuildMessages, MessageContent]);
    const heard: string[] = [];
    client.on(Events.MessageCreate, ({ content }) => void heard.push(content));
    const ada = discord.world.person('Ada');
    discord.say(ada, channel, 'one');
    await expect.poll(() => heard).toEqual(['one']);
    discord.gateway.cut();
    discord.say(ada, channel, 'two');
    await expect.poll(() => heard, { timeout: 10_000 }).toEqual(['one', 'two']);
    expect(discord.gateway.counts()).toMatchObject({ identified: 1, resumed: 1, replayed: 1 });
    await client.destroy();
  });
});
