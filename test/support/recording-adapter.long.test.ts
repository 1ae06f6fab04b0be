import { Agent } from 'node:http';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createLogger } from '../../src/app/log.ts';
import { decodeAction, encodeAction, targetHashOf } from '../../src/commands/action-id.ts';
import { createParser } from '../../src/commands/parse.ts';
import { CATALOGUE, COMMANDS } from '../../src/commands/registry.ts';
import type { ReceiveResult } from '../../src/core/bot-port.ts';
import type { CommandCall } from '../../src/core/commands.ts';
import type { ReplyContext } from '../../src/core/ports.ts';
import { encodeSession, parseSessionId, type SessionId } from '../../src/core/session.ts';
import type { IncomingMessage, MessageRef } from '../../src/core/types.ts';
import { BotError } from '../../src/errors.ts';
import { freePort } from './free-port.ts';
import { createRecordingAdapter, type RecordingAdapterOptions, type RecordingBot } from './recording-adapter.ts';
import type { FaultKind } from './recording-faults.ts';
import { type RecordingPlatform, startRecordingPlatform } from './recording-platform.ts';
import { MARK, REPLICA_HEADER } from './recording-protocol.ts';
import { createRecordingClient, createRecordingTransport } from './recording-transport.ts';

const WAIT_MS = 20_000;
const ALICE = { workspace: 'w', channel: 'c', user: 'alice', direct: false };
const ALICES = encodeSession({ place: { platform: 'recording', workspace: 'w', channel: 'c' }, user: 'alice' });
const text = Array.from({ length: 60 }, (_, index) => `word${index}`).join(' ');

let platform: RecordingPlatform;
let stops: (() => Promise<void>)[];

beforeEach(async () => {
  platform = await startRecordingPlatform({ seed: 7 });
  stops = [() => platform.close()];
});
afterEach(async () => {
  for (const stop of stops.toReversed()) await stop();
});

/** Keeps what it is given in memory and knows a message by its idempotency keys. */
function createKeeper() {
  const kept: IncomingMessage[] = [];
  const stopped: { readonly sessionId: SessionId; readonly turnId: string }[] = [];
  const calls: CommandCall[] = [];
  const planned: (ReceiveResult | BotError)[] = [];
  const seen = new Set<string>();
  const bot: RecordingBot = {
    async receive(message) {
      const plan = planned.shift();
      if (plan instanceof BotError) throw plan;
      if (plan !== undefined) return plan;
      const { sessionId, turnId } = message;
      if (message.idempotencyKeys.some((id) => seen.has(id))) return { kind: 'duplicate', sessionId, turnId };
      for (const id of message.idempotencyKeys) seen.add(id);
      kept.push(message);
      return { kind: 'queued', turnId, ahead: kept.length - 1 };
    },
    async stop(sessionId, turnId) {
      stopped.push({ sessionId, turnId });
      return true;
    },
    commands: {
      catalogue: CATALOGUE,
      ...createParser(COMMANDS),
      readAction: (id) => decodeAction(id, COMMANDS),
      openPrivately: async (command, { person, sessionId }) => ({
        label: 'Open',
        style: 'primary',
        id: encodeAction({ command, targetHash: targetHashOf(person, sessionId) }, COMMANDS),
      }),
      limit: async () => undefined,
      async run(call) {
        const plan = planned.shift();
        if (plan instanceof BotError) throw plan;
        calls.push(call);
        return { kind: 'done', text: `Ran ${call.command.name}.`, actions: [], files: [] };
      },
    },
  };
  return { bot, kept, stopped, calls, planned };
}

async function startReplica(name: string, bot: RecordingBot, options: Partial<RecordingAdapterOptions> = {}) {
  const log = createLogger({ level: 'silent', secrets: [] });
  const adapter = createRecordingAdapter({ platformUrl: platform.url, name, log, intervalMs: 5, ...options });
  await adapter.start(bot);
  stops.push(() => adapter.stop());
  return adapter;
}

/** A turn's context whose saved messageRefs can be handed to the next worker. */
function createContext(trigger: string): ReplyContext & { readonly messageRefs: Map<number, MessageRef> } {
  const messageRefs = new Map<number, MessageRef>();
  return {
    sessionId: encodeSession({ place: { platform: 'recording', channel: 'c' } }),
    turnId: trigger,
    messageRefs,
    resumed: false,
    saveMessageRef: async (part, ref) => void messageRefs.set(part, { ...messageRefs.get(part), ...ref }),
    lease: { signal: new AbortController().signal, alive: () => true },
    locale: 'en',
  };
}
const targetOf = (trigger: string) => ({ platform: 'recording', channel: 'c', trigger });

describe('a delivery', () => {
  it('is acked when it is stored, and comes again until then', async () => {
    const { bot, kept, planned } = createKeeper();
    planned.push(
      new BotError('store_unavailable', 'away', { retryable: true }),
      new BotError('store_full', 'full'),
      new BotError('internal', 'a bug'),
    );
    await startReplica('r1', bot);
    const { id, acked } = platform.say({ ...ALICE, text: 'Hello' });
    expect(await acked).toEqual({ result: 'queued' });
    expect(platform.journal.map(({ route, status }) => `${route} ${status}`)).toEqual([
      'deliver 503',
      'deliver 503',
      'deliver 500',
      'deliver 200',
    ]);
    expect(kept.map((message) => message.id)).toEqual([id]);
  });

  it('carries the whole message, under a session of its own scope', async () => {
    const { bot, kept } = createKeeper();
    const own = await startReplica('r1', bot);
    const quotes = [{ author: 'Bob', text: 'Look' }];
    await platform.say({ ...ALICE, thread: 't', text: 'Hello', locale: 'zh-CN', quotes }).acked;
    await platform.say({ ...ALICE, direct: true, text: 'Hello' }).acked;
    await own.stop();
    stops.pop();
    await startReplica('r2', bot, { scope: 'channel' });
    await platform.say({ ...ALICE, text: 'Hello' }).acked;
    expect(kept[0]).toMatchObject({ text: 'Hello', author: { id: 'alice' }, locale: 'zh-CN', quotes, isDirect: false });
    const place = { platform: 'recording', workspace: 'w', channel: 'c' };
    expect(kept.map(({ sessionId }) => parseSessionId(sessionId))).toEqual([
      { place, thread: 't', user: 'alice' },
      { place },
      { place },
    ]);
  });

  it('that comes eleven times under new event ids is one message', async () => {
    const { bot, kept } = createKeeper();
    await startReplica('r1', bot);
    const { id, acked } = platform.say({ ...ALICE, text: 'Hello' });
    await acked;
    const again = await platform.sayAgain(id, 11);
    expect(again.map(({ result }) => result)).toEqual(Array.from({ length: 11 }, () => 'duplicate'));
    expect(kept).toHaveLength(1);
  });

  it('whose ack got lost comes again under another event id', async () => {
    const { bot, kept } = createKeeper();
    await startReplica('r1', bot);
    platform.ackLostRate = 0.5;
    for (let count = 0; count < 10; count += 1) await platform.say({ ...ALICE, text: `Message ${count}` }).acked;
    expect(kept).toHaveLength(10);
    expect(platform.journal.length).toBeGreaterThan(10);
  });

  it('goes to another replica when one does not answer, and stays in order', async () => {
    const { bot, kept } = createKeeper();
    const first = await startReplica('r1', bot);
    await startReplica('r2', bot);
    expect(platform.replicas()).toEqual(['r1', 'r2']);
    const before = Array.from({ length: 20 }, (_, index) => platform.say({ ...ALICE, text: `Message ${index}` }));
    await before[5]?.acked;
    await first.stop();
    stops.splice(1, 1);
    await Promise.all(before.map(({ acked }) => acked));
    expect(kept.map(({ id }) => id)).toEqual(before.map(({ id }) => id));
    expect(platform.replicas()).toEqual(['r2']);
  });

  it('waits for a replica when there is none, and for the platform when that is away', async () => {
    const { bot, kept } = createKeeper();
    const { acked } = platform.say({ ...ALICE, text: 'Hello' });
    const adapter = await startReplica('r1', bot);
    await acked;
    await platform.goAway();
    const late = platform.say({ ...ALICE, text: 'Hello again' });
    await platform.comeBack();
    await late.acked;
    await platform.until(() => adapter.health().ok, WAIT_MS);
    expect(kept.map((message) => message.text)).toEqual(['Hello', 'Hello again']);
  });

  it('that was refused is acked, and the person is told once', async () => {
    const { bot, planned } = createKeeper();
    const refusal = { kind: 'rate_limited', text: 'Slowly, please.', retryAfterMs: 1_000 } as const;
    planned.push({ ...refusal, tell: true }, { ...refusal, tell: false });
    await startReplica('r1', bot);
    const [told, untold] = [platform.say({ ...ALICE, text: 'Hello' }), platform.say({ ...ALICE, text: 'Hello' })];
    expect([await told.acked, await untold.acked]).toEqual([{ result: 'rate_limited' }, { result: 'rate_limited' }]);
    expect(platform.notices(told.id).map((message) => message.text)).toEqual(['Slowly, please.']);
    expect(platform.notices(untold.id)).toEqual([]);
    expect(platform.outcome(told.id).replies).toBe(0);
  });

  it('of a stop reaches the bot with its conversation', async () => {
    const { bot, stopped } = createKeeper();
    await startReplica('r1', bot);
    await platform.stop(ALICE, 'm7');
    expect(stopped).toEqual([{ sessionId: ALICES, turnId: 'm7' }]);
  });

  it('that is not as it must be is refused, and so is any when the intake is stopped', async () => {
    const { bot } = createKeeper();
    const port = await freePort();
    const adapter = await startReplica('r1', bot, { port });
    const send = async (body: string) =>
      (await fetch(`http://127.0.0.1:${port}/deliveries`, { method: 'POST', body })).status;
    expect(await send('{')).toBe(400);
    expect(await send('{"kind":"message"}')).toBe(400);
    await adapter.stopIntake();
    expect(platform.replicas()).toEqual([]);
    expect(adapter.health().ok).toBe(false);
    expect(await send('{')).toBe(503);
  });
});

describe('a command', () => {
  const context = {
    place: { platform: 'recording', workspace: 'w', channel: 'c' },
    sessionId: ALICES,
    person: { platform: 'recording', workspace: 'w', user: 'alice' },
    locale: 'en',
    isDirect: false,
    canManage: false,
    surface: 'slash',
    hasButtons: true,
  } as const;

  it('chosen from the menu is run with its options, and answered to that person alone', async () => {
    const { bot, kept, calls } = createKeeper();
    await startReplica('r1', bot);
    const { id, acked } = platform.command({ ...ALICE, locale: 'zh-CN', canManage: true }, 'history', { limit: 5 });
    expect(await acked).toEqual({ result: 'done' });
    expect(calls).toEqual([
      { command: { name: 'history', limit: 5 }, context: { ...context, locale: 'zh-CN', canManage: true } },
    ]);
    expect(platform.privateAnswers('alice')).toMatchObject([{ trigger: id, kind: 'done', text: 'Ran history.' }]);
    expect(platform.privateAnswers('bob')).toEqual([]);
    expect(platform.journal.map(({ route }) => route)).toEqual(['answer', 'deliver']);
    expect([platform.visible(id), platform.notices(id), kept]).toEqual([[], [], []]);
  });

  it('typed in a DM is run and is no message for the model', async () => {
    const { bot, kept, calls } = createKeeper();
    await startReplica('r1', bot);
    const direct = { ...ALICE, direct: true };
    expect(await platform.say({ ...direct, text: '!forget' }).acked).toEqual({ result: 'done' });
    expect(await platform.say({ ...direct, text: 'forget' }).acked).toEqual({ result: 'queued' });
    expect(calls).toMatchObject([{ command: { name: 'forget' }, context: { surface: 'text', isDirect: true } }]);
    expect(platform.privateAnswers('alice')).toHaveLength(1);
    expect(kept.map((message) => message.text)).toEqual(['forget']);
  });

  it('typed where others read along gets a button, and runs for whoever presses it', async () => {
    const { bot, calls } = createKeeper();
    await startReplica('r1', bot);
    const typed = platform.say({ ...ALICE, text: '/ttl 600' });
    await typed.acked;
    expect(calls).toEqual([]);
    const [notice] = platform.notices(typed.id);
    const [open] = notice?.actions ?? [];
    expect(notice?.actions).toHaveLength(1);
    expect(platform.privateAnswers('alice')).toEqual([]);
    await platform.press({ ...ALICE, user: 'bob' }, open?.id ?? '').acked;
    const targetHash = targetHashOf(context.person, ALICES);
    expect(calls).toMatchObject([
      { command: { name: 'ttl', value: 600 }, targetHash, context: { surface: 'action', person: { user: 'bob' } } },
    ]);
    expect(platform.privateAnswers('bob')).toMatchObject([{ text: 'Ran ttl.' }]);
  });

  it('that is nearly one gets its hint where it was typed, and a foreign button nothing', async () => {
    const { bot, calls } = createKeeper();
    await startReplica('r1', bot);
    const typed = platform.say({ ...ALICE, text: '/histroy' });
    await typed.acked;
    expect(platform.notices(typed.id)).toMatchObject([{ text: 'Ran hint.', actions: [] }]);
    expect(await platform.press(ALICE, 'somebody-elses-button').acked).toEqual({ result: 'done' });
    expect(calls).toHaveLength(1);
    expect(platform.privateAnswers('alice')).toEqual([]);
  });

  it('comes again while the store is away', async () => {
    const { bot, calls, planned } = createKeeper();
    planned.push(new BotError('store_unavailable', 'away', { retryable: true }));
    await startReplica('r1', bot);
    await platform.command(ALICE, 'memstats').acked;
    expect(platform.journal.filter(({ route }) => route === 'deliver').map(({ status }) => status)).toEqual([503, 200]);
    expect(calls).toHaveLength(1);
    expect(platform.privateAnswers('alice')).toHaveLength(1);
  });
});

describe('a reply on a platform in trouble', () => {
  const kinds: readonly FaultKind[] = ['slow', 'rate_limited', 'server_error', 'server_error_after', 'lost', 'cut'];
  for (const nonces of [true, false]) {
    for (const part of [1, 2]) {
      it(`${nonces ? 'with' : 'without'} nonces: is whole and single whatever happens to the post of part ${part}`, async () => {
        const { bot } = createKeeper();
        if (!nonces) {
          await platform.close();
          platform = await startRecordingPlatform({ nonceWindowMs: 0 });
        }
        const adapter = await startReplica('r1', bot, { limit: 320, nonceTrustMs: nonces ? 120_000 : 0 });
        for (const kind of kinds) {
          platform.faults.inject({ route: 'post', part, kind, trigger: kind, ms: 30 });
          const reply = await adapter.openReply(targetOf(kind), createContext(kind));
          reply.showTyping();
          for (let length = 10; length < text.length; length += 40) reply.update(text.slice(0, length));
          await reply.end({ kind: 'answered', text, stopped: false });
          expect(platform.outcome(kind)).toEqual({ replies: 1, text, half: false });
          expect(platform.visible(kind).length).toBe(2);
          expect(platform.thinking(kind)).toBe(false);
          expect(reply.shown()).toBe(text);
        }
        expect(platform.violations).toEqual([]);
      });
    }
  }

  it('survives faults by chance on every route', async () => {
    const { bot } = createKeeper();
    const adapter = await startReplica('r1', bot, { limit: 200 });
    const rates = {
      slow: 0.05,
      rate_limited: 0.05,
      server_error: 0.05,
      server_error_after: 0.05,
      lost: 0.05,
      cut: 0.05,
    };
    platform.faults.setRates({ post: rates, edit: rates, remove: rates, find: rates, think: rates });
    const answer = async (trigger: string) => {
      const reply = await adapter.openReply(targetOf(trigger), createContext(trigger));
      reply.showTyping();
      for (let length = 10; length < text.length; length += 10) {
        reply.update(text.slice(0, length));
        await platform.until(() => reply.shown().length >= Math.min(length, 100), WAIT_MS);
      }
      await reply.end({ kind: 'answered', text, stopped: false });
      return platform.outcome(trigger);
    };
    const outcomes = await Promise.all(Array.from({ length: 20 }, (_, index) => answer(`t${index}`)));
    for (const outcome of outcomes) expect(outcome).toEqual({ replies: 1, text, half: false });
    expect(platform.violations).toEqual([]);
  });

  it('is continued by another replica in the same messages', async () => {
    const { bot } = createKeeper();
    const [first, second] = [await startReplica('r1', bot), await startReplica('r2', bot)];
    const context = createContext('t1');
    const dying = await first.openReply(targetOf('t1'), context);
    dying.update('Half an ans');
    await platform.until(() => platform.visible('t1').length === 1, WAIT_MS);
    expect(platform.outcome('t1')).toEqual({ replies: 1, text: `Half an ans ${MARK}`, half: true });
    await dying.detach();
    const going = await second.openReply(targetOf('t1'), context);
    await going.end({ kind: 'answered', text: 'A whole answer', stopped: false });
    expect(platform.outcome('t1')).toEqual({ replies: 1, text: 'A whole answer', half: false });
    expect(platform.visible('t1')).toMatchObject([{ by: 'r2' }]);
    expect(platform.journal.filter(({ route }) => route === 'post')).toHaveLength(1);
  });

  it('is not written by a worker that lost its turn on the way to the socket, a new one or a used one', async () => {
    const agent = new Agent({ keepAlive: true });
    const transport = createRecordingTransport(createRecordingClient(platform.url, 'r1', agent), 't1', 'c');
    const options = { signal: new AbortController().signal, live: false, nonce: 't1:1' };
    const lost = () => {
      throw new BotError('turn_lost', 'Another worker has this turn.');
    };
    for (let round = 0; round < 2; round += 1) {
      await expect(transport.post(1, 'Stale', { ...options, check: lost })).rejects.toMatchObject({
        code: 'turn_lost',
      });
      expect(platform.visible('t1')).toEqual([]);
      // Leaves a connection behind that the next round uses.
      await transport.showTyping?.(options.signal);
    }
    agent.destroy();
  });

  it('fails for good when the platform refuses it, and needs a target of this platform', async () => {
    const { bot } = createKeeper();
    const adapter = await startReplica('r1', bot);
    platform.faults.inject({ route: 'post', kind: 'refused' });
    const reply = await adapter.openReply(targetOf('t1'), createContext('t1'));
    const end = reply.end({ kind: 'answered', text, stopped: false });
    await expect(end).rejects.toMatchObject({ code: 'platform_refused', retryable: false });
    const elsewhere = adapter.openReply({ platform: 'discord' }, createContext('t1'));
    await expect(elsewhere).rejects.toMatchObject({ code: 'platform_refused' });
  });
});

describe('the recording platform', () => {
  const request = (method: string, path: string, body?: object) =>
    fetch(`${platform.url}${path}`, {
      method,
      headers: { 'content-type': 'application/json', [REPLICA_HEADER]: 'rude' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  const post = { trigger: 't1', channel: 'c', part: 1, text: 'Hello' };

  it('takes nothing that a real one would refuse, and remembers who tried', async () => {
    const bad = [{ text: 'x'.repeat(2001) }, { text: ' \n' }, { nonce: 'n'.repeat(26) }, { part: 0 }, { extra: 1 }];
    for (const change of bad) expect((await request('POST', '/messages', { ...post, ...change })).status).toBe(400);
    expect((await request('POST', '/nothing', {})).status).toBe(404);
    expect((await request('PATCH', '/messages/b1', { text: 'Hello' })).status).toBe(404);
    expect(platform.violations).toHaveLength(6);
    expect(platform.visible('t1')).toEqual([]);
  });

  it('gives back the earlier message for a repeated nonce, as it was', async () => {
    const first = await request('POST', '/messages', { ...post, nonce: 't1:1' });
    const second = await request('POST', '/messages', { ...post, text: 'Hello again', nonce: 't1:1' });
    expect([first.status, second.status]).toEqual([201, 200]);
    expect(await second.json()).toEqual(await first.json());
    expect(platform.outcome('t1').text).toBe('Hello');
  });

  it('sees two replies, a half one, and a part that is missing', async () => {
    await request('POST', '/messages', post);
    await request('POST', '/messages', post);
    expect(platform.outcome('t1')).toMatchObject({ replies: 2, half: false });
    await request('POST', '/messages', { ...post, trigger: 't2', text: `Hello ${MARK}` });
    expect(platform.outcome('t2')).toMatchObject({ replies: 1, half: true });
    await request('POST', '/messages', { ...post, trigger: 't3', part: 2 });
    expect(platform.outcome('t3')).toMatchObject({ replies: 1, half: true });
    expect(platform.outcome('t4')).toEqual({ replies: 0, text: '', half: false });
  });

  it('sees a client that has two writes in flight, or does not wait as long as it was told to', async () => {
    platform.faults.inject({ route: 'post', kind: 'slow', ms: 500, times: 2 });
    await Promise.all([request('POST', '/messages', post), request('POST', '/messages', { ...post, part: 2 })]);
    expect(platform.violations).toEqual(['rude t1: a write while another is in flight']);
    platform.faults.inject({ route: 'edit', kind: 'rate_limited', ms: 60_000 });
    const limited = await request('PATCH', '/messages/b1', { text: 'Hello you' });
    expect([limited.status, limited.headers.get('retry-after')]).toEqual([429, '60']);
    await request('PATCH', '/messages/b1', { text: 'Hello you' });
    expect(platform.violations[1]).toMatch(/before its Retry-After had passed/);
  });

  it('shows the sign of thinking until a message comes or it is taken away', async () => {
    await request('POST', '/thinking', { trigger: 't1' });
    await request('POST', '/thinking', { trigger: 't2' });
    expect([platform.thinking('t1'), platform.thinking('t2')]).toEqual([true, true]);
    await request('POST', '/messages', post);
    await request('DELETE', '/thinking', { trigger: 't2' });
    expect([platform.thinking('t1'), platform.thinking('t2')]).toEqual([false, false]);
  });
});
