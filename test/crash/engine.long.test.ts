/** What one person's trouble must not do to anybody else: a message that kills, a model that hangs, a full inbox, a flood. */
import { afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { toSessionId } from '../../src/core/session.ts';
import { type FakeModel, type ModelOptions, startModel } from '../support/model.ts';
import { type RecordingPlatform, startRecordingPlatform } from '../support/recording-platform.ts';
import { type RedisServer, startRedis } from '../support/redis-server.ts';
import { answerTo } from '../support/visible-text.ts';
import { builtReplica } from './built-replica.ts';
import { createReplicas, type Replicas } from './replicas.ts';
import { openRedisStore, sessionOf } from './world.ts';

let redis: RedisServer;
let platform: RecordingPlatform;
let model: FakeModel;
let replicas: Replicas;

/** Only bounds what hangs: a test starts replicas, and waits for several things for up to a minute each. */
vi.setConfig({ testTimeout: 180_000 });
beforeAll(builtReplica, 180_000);
beforeEach(async () => {
  redis = await startRedis();
  platform = await startRecordingPlatform();
});
afterEach(async () => {
  await replicas.close();
  await platform.close();
  await model.close();
  await redis.stop();
});

async function setUp(options: ModelOptions = {}, settings: Readonly<Record<string, string>> = {}): Promise<void> {
  model = await startModel(options);
  replicas = createReplicas({
    platformUrl: platform.url,
    modelUrl: model.url,
    settings: { REDIS_URL: redis.url, ...settings },
    ready: (name) => platform.until(() => platform.replicas().includes(name), 60_000),
  });
}

function say(conversation: number, text: string): string {
  const { parts } = sessionOf(conversation);
  return platform.say({ workspace: 'w', channel: parts.place.channel, user: parts.user, direct: false, text }).id;
}

const answered = (id: string, text: string) =>
  platform.outcome(id).text === answerTo(text) && !platform.outcome(id).half;

test('a message that kills its process every time is given up, and its successor is answered', async () => {
  await setUp({ hangOn: 'poison' });
  await replicas.start();
  const poison = say(1, 'poison');
  const successor = say(1, 'are you there?');
  // Once by the first process, then by five that took it over.
  for (let death = 1; death <= 6; death += 1) {
    await model.called('poison', death);
    await Promise.all(replicas.alive.map((replica) => replica.kill9()));
    await replicas.start();
  }
  await platform.until(() => answered(successor, 'are you there?'), 60_000);
  expect(platform.outcome(poison)).toMatchObject({ replies: 1, half: false });
  expect(platform.outcome(poison).text).not.toContain('echo');
  expect(model.count('poison')).toBe(6);
  const store = await openRedisStore(redis.url);
  const session = toSessionId(sessionOf(1).id);
  expect(await store.record(session, poison)).toMatchObject({ outcome: 'failed', code: 'turn_gave_up' });
  expect((await store.history(session))?.messages).toHaveLength(2);
  await store.close();
}, 240_000);

test('a model that hangs in one conversation delays no other', async () => {
  await setUp({ hangOn: 'hang' });
  await replicas.start();
  say(1, 'hang');
  await model.called('hang');
  const others = Array.from({ length: 20 }, (_, index) => ({ id: say(index + 2, `hello ${index}`), index }));
  await platform.until(() => others.every(({ id, index }) => answered(id, `hello ${index}`)), 60_000);
  expect(model.count('hang')).toBe(1);
});

test('nobody waits for the whole inbox of somebody else, not with 500 conversations on a slow model', async () => {
  const BUSY = 10;
  const MESSAGES = 8;
  await setUp({ reply: { pieces: 1, firstMs: 30 } }, { WORKER_CONCURRENCY: '4' });
  await replicas.start();
  // Ten people fill their inboxes before anybody else says a word.
  const flood = Array.from({ length: BUSY }, (_, person) =>
    Array.from({ length: MESSAGES }, (_, n) => say(person, `flood ${person} ${n}`)),
  ).flat();
  await platform.until(() => platform.journal.filter((it) => it.route === 'deliver' && it.done).length >= BUSY, 60_000);
  const quiet = Array.from({ length: 490 }, (_, index) => ({ id: say(BUSY + index, `quiet ${index}`), index }));
  await platform.until(() => quiet.every(({ id, index }) => answered(id, `quiet ${index}`)), 120_000);
  await platform.until(() => flood.every((id) => platform.outcome(id).replies === 1), 60_000);

  // The model's journal has the order. While quiet ones waited, no flood had more than its fair turn: of any run of calls
  // as long as the number of conversations that waited, one conversation has a few at most.
  const order = model.journal().map(({ text }) => text);
  const lastQuiet = order.findLastIndex((text) => text.startsWith('quiet'));
  for (let person = 0; person < BUSY; person += 1) {
    const positions = order.flatMap((text, index) => (text.startsWith(`flood ${person} `) ? [index] : []));
    expect(positions).toHaveLength(MESSAGES);
    // Served whole before the others, its last message would stand among the first 80 calls.
    expect(positions.at(-1)).toBeGreaterThan(lastQuiet - 490 / 2);
  }
}, 240_000);

test('the same message delivered 11 times under new event ids gets one answer', async () => {
  await setUp();
  await replicas.start();
  await replicas.start();
  const id = say(1, 'once');
  const acks = await platform.sayAgain(id, 10);
  await platform.until(() => answered(id, 'once'), 60_000);
  expect(await platform.sayAgain(id, 3)).toMatchObject([
    { result: 'duplicate' },
    { result: 'duplicate' },
    { result: 'duplicate' },
  ]);
  expect(acks.filter(({ result }) => result === 'queued').length).toBeLessThanOrEqual(1);
  expect(platform.outcome(id)).toMatchObject({ replies: 1 });
  expect(model.count('once')).toBe(1);
});

test('stop reaches a turn wherever it runs: what the person saw is the answer', async () => {
  await setUp();
  await replicas.start();
  await replicas.start();
  model.script('long story', { text: 'Once upon a time there was a bot.', pieces: 8, sent: 4, end: 'hang' });
  const id = say(1, 'long story');
  await model.called('long story');
  await platform.until(() => platform.outcome(id).text.includes('Once upon'), 60_000);
  const { parts } = sessionOf(1);
  await platform.stop({ workspace: 'w', channel: parts.place.channel, user: parts.user, direct: false }, id);
  await platform.until(() => platform.outcome(id).replies === 1 && !platform.outcome(id).half, 60_000);
  const store = await openRedisStore(redis.url);
  const session = toSessionId(sessionOf(1).id);
  await expect
    .poll(() => store.record(session, id), { timeout: 20_000 })
    .toMatchObject({ state: 'finished', stopped: true });
  const messages = (await store.history(session))?.messages ?? [];
  expect(messages).toMatchObject([{ content: 'long story' }, { stopped: true }]);
  expect('Once upon a time there was a bot.').toContain(messages[1]?.content);
  await store.close();
});

test('a person who sends too much, or more than may wait, is told once and in a friendly way', async () => {
  await setUp({ hangOn: 'first' }, { RATE_LIMIT: '6/min', MAX_WAITING: '3' });
  await replicas.start();
  const ids = [say(1, 'first')];
  await model.called('first');
  for (let n = 2; n <= 9; n += 1) ids.push(say(1, `message ${n}`));
  await platform.until(() => platform.journal.filter((it) => it.route === 'deliver' && it.done).length === 9, 60_000);
  const notices = ids.map((id) => platform.notices(id).map(({ text }) => text));
  // 1–3 wait; 4–6 find the inbox full; 7 is the first over the rate; 8 and 9 are not told again.
  expect(notices.map((texts) => texts.length)).toEqual([0, 0, 0, 1, 1, 1, 1, 0, 0]);
  expect(notices[3]?.[0]).toMatch(/3/);
  expect(notices[6]?.[0]).toMatch(/second|minute/);
  model.release();
  await platform.until(() => [1, 2].every((index) => platform.outcome(ids[index] ?? '').replies === 1), 60_000);
});
