/** A process is killed at each step of the turn protocol, and another one takes the turn over: what must come of it. */
import { afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { toSessionId } from '../../src/core/session.ts';
import type { RunningBot } from '../support/bot-process.ts';
import { startInProcess } from '../support/in-process-bot.ts';
import { type FakeModel, startModel } from '../support/model.ts';
import { createRecordingAdapter } from '../support/recording-adapter.ts';
import { type RecordingPlatform, startRecordingPlatform } from '../support/recording-platform.ts';
import { type RedisServer, startRedis } from '../support/redis-server.ts';
import { type RedisTap, type Step, startRedisTap } from '../support/redis-tap.ts';
import { variants } from '../support/tier.ts';
import { answerTo } from '../support/visible-text.ts';
import { builtReplica } from './built-replica.ts';
import { createReplicas, type Replicas } from './replicas.ts';
import { openRedisStore, sessionOf } from './world.ts';

const { parts, id: sessionText } = sessionOf(1);
const where = { workspace: 'w', channel: parts.place.channel, user: parts.user, direct: false };
const SHORT = 'hello there';
const LONG = `hello ${'and so it goes on '.repeat(150)}`;
/** Milliseconds: the promise. */
const TAKEOVER_MS = 10_000;

let redis: RedisServer;
let platform: RecordingPlatform;
let model: FakeModel;
let tap: RedisTap;
let victims: Replicas;
let successors: RunningBot[];

/** Only bounds what hangs: a test starts two replicas, and waits for several things besides. */
vi.setConfig({ testTimeout: 180_000 });
beforeAll(builtReplica, 180_000);

beforeEach(async () => {
  redis = await startRedis();
  tap = await startRedisTap(redis.port);
  platform = await startRecordingPlatform();
  model = await startModel({ reply: { pieces: 4, betweenMs: 20 } });
  const ready = (name: string) => platform.until(() => platform.replicas().includes(name), 60_000);
  const urls = { platformUrl: platform.url, modelUrl: model.url };
  victims = createReplicas({ ...urls, ready, settings: { REDIS_URL: tap.url }, prefix: 'victim' });
  successors = [];
});

afterEach(async () => {
  await victims.close();
  for (const successor of successors) await successor.release();
  await platform.close();
  await model.close();
  await tap.close();
  await redis.stop();
});

/** Starts a bot in this process: nobody kills it. */
async function startSuccessor(): Promise<void> {
  const { url: platformUrl } = platform;
  const settings = { REDIS_URL: redis.url, OPENAI_BASE_URL: model.url, OPENAI_MODEL: 'fake', SHUTDOWN_GRACE: '0' };
  const name = `successor${successors.length + 1}`;
  const bot = await startInProcess(redis.dir, settings, (config, log) => [
    createRecordingAdapter({ platformUrl, name, scope: config.memory.scope, log }),
  ]);
  successors.push(bot);
}

/** Kills the only process when `reached` resolves, lets another one begin, and waits until it has answered. */
async function crash(text: string, reached: Promise<unknown>): Promise<string> {
  const { id } = platform.say({ ...where, text });
  await reached;
  await Promise.all(victims.alive.map((victim) => victim.kill9()));
  await startSuccessor();
  const whole = () => platform.outcome(id).text.replace(/\s+/g, '') === answerTo(text).replace(/\s+/g, '');
  await platform.until(() => whole() && !platform.outcome(id).half, TAKEOVER_MS);
  return id;
}

/** The promise: one whole reply, the turn in memory once, nothing left waiting. */
async function expectOneAnswer(id: string, text: string, modelCalls: number): Promise<void> {
  const store = await openRedisStore(redis.url);
  const session = toSessionId(sessionText);
  await expect.poll(() => store.waiting(session), { timeout: TAKEOVER_MS }).toEqual([]);
  expect(platform.outcome(id)).toMatchObject({ replies: 1, half: false });
  const messages = (await store.history(session))?.messages.filter(({ source }) => source !== '1');
  expect(messages).toMatchObject([
    { role: 'user', content: text, source: id },
    { role: 'assistant', content: answerTo(text), source: id },
  ]);
  expect(await store.record(session, id)).toMatchObject({ state: 'finished', outcome: 'answered' });
  expect(model.count(text)).toBe(modelCalls);
  expect(platform.violations).toEqual([]);
  await store.close();
}

interface Crash {
  readonly at: string;
  readonly text: string;
  readonly step: Step;
  /** How often the model is asked in all: once where the answer was stored before the crash. */
  readonly modelCalls: number;
  /** There is a turn in the conversation already. */
  readonly remembered?: boolean;
}

/** Remembers a turn that nobody of the test answered. */
async function remember(): Promise<void> {
  const store = await openRedisStore(redis.url);
  const author = { id: parts.user, name: parts.user };
  const earlier = { id: '1', turnId: '1', sessionId: toSessionId(sessionText), author, text: 'earlier', sentAt: 1 };
  const answer = { text: answerTo('earlier'), timestamp: 2, stopped: false, tokens: 4 };
  await store.append({ ...earlier, isDirect: false }, answer);
  await store.close();
}

/** The short tier has the first five. */
const crashes: readonly Crash[] = [
  {
    at: 'after the enqueue, which claims the turn, too',
    text: SHORT,
    step: { command: 'enqueueTurn', when: 'after' },
    modelCalls: 1,
    remembered: true,
  },
  { at: 'after the completion', text: SHORT, step: { command: 'completeTurn', when: 'after' }, modelCalls: 1 },
  {
    at: 'after the post of part 1, before its handle',
    text: SHORT,
    step: { command: 'saveTurn', containing: 'handle:1', when: 'before' },
    modelCalls: 2,
  },
  {
    at: 'after commit, before the last edit',
    text: SHORT,
    step: { command: 'commitTurn', when: 'after' },
    modelCalls: 1,
  },
  {
    at: 'after the post of part 2, before its handle',
    text: LONG,
    step: { command: 'saveTurn', containing: 'handle:2', when: 'before' },
    modelCalls: 2,
  },
  { at: 'before the enqueue', text: SHORT, step: { command: 'enqueueTurn', when: 'before' }, modelCalls: 1 },
  {
    at: 'after the intent of part 1, before its post',
    text: SHORT,
    step: { command: 'saveTurn', containing: 'intent:1', when: 'after' },
    modelCalls: 2,
  },
  {
    at: 'after the handle of part 1',
    text: SHORT,
    step: { command: 'saveTurn', containing: 'handle:1', when: 'after' },
    modelCalls: 2,
  },
  { at: 'before commit', text: SHORT, step: { command: 'commitTurn', when: 'before' }, modelCalls: 2 },
  { at: 'before the completion', text: SHORT, step: { command: 'completeTurn', when: 'before' }, modelCalls: 1 },
  {
    at: 'after the intent of part 2, before its post',
    text: LONG,
    step: { command: 'saveTurn', containing: 'intent:2', when: 'after' },
    modelCalls: 2,
  },
];

describe('a process killed', () => {
  test.each(variants(crashes, 5))(
    '$at: one whole reply, remembered once',
    async ({ text, step, modelCalls, remembered }) => {
      if (remembered === true) await remember();
      await victims.start();
      const id = await crash(text, tap.stopAt(step));
      const asked = model.count(text);
      expect(asked).toBeLessThanOrEqual(modelCalls);
      await expectOneAnswer(id, text, asked);
    },
  );

  test('in mid-stream: the reply that was begun is gone on with', async () => {
    // Grows for seconds, so that what was posted is edited while it does, also by a process that was held up.
    model.script(SHORT, { pieces: 17, sent: 16, end: 'hang', betweenMs: 200 });
    await victims.start();
    const begun = platform.until(() => platform.journal.some(({ route, done }) => route === 'edit' && done), 60_000);
    const id = await crash(SHORT, begun);
    await expectOneAnswer(id, SHORT, 2);
    const posts = platform.journal.filter(({ route }) => route === 'post');
    expect(posts).toHaveLength(1);
  });
});

describe('a post was accepted and its answer lost', () => {
  test.each([
    { part: 1, text: SHORT },
    { part: 2, text: LONG },
  ])('part $part: the process lives and does not post it twice', async ({ part, text }) => {
    platform.faults.inject({ route: 'post', kind: 'lost', part });
    await startSuccessor();
    const { id } = platform.say({ ...where, text });
    await platform.until(() => !platform.outcome(id).half && platform.outcome(id).text.length >= text.length, 30_000);
    await expectOneAnswer(id, text, 1);
  });
});
