/** Stored elements: what somebody else wrote into the store, or a broken disk left of it, is skipped and counted. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { Redis } from 'ioredis';
import Database from 'libsql';
import { encodeSession, type SessionId } from '../../../src/core/session.ts';
import { DEFAULT_PREFIX, keyspace } from '../../../src/memory/redis/keys.ts';
import { createSqliteStore } from '../../../src/memory/sqlite/store.ts';
import { finish, LIMITS, messageOf, offerNew, runTurn, takeHead } from '../../contracts/store/support.ts';
import { createTally, type FuzzEdge, type FuzzRun, type Tally, withEach } from '../edge.ts';
import { withFuzzedBot } from '../fuzzed-bot.ts';
import { inputsOf, mutatedBody, nastyText } from '../inputs.ts';

const sessionOf = (index: number): SessionId => encodeSession({ place: { platform: 'http', channel: `fuzz${index}` } });

const MESSAGE = {
  role: 'user',
  content: 'hello',
  timestamp: 1_700_000_000_000,
  turn: 't1',
  source: 's1',
  authorId: 'ada',
};
const WAITING = {
  ...{
    id: 'm1',
    turnId: 'turn-1',
    idempotencyKeys: ['m1'],
    platform: 'http',
    sessionId: '{http:fuzz0}',
    author: { id: 'ada', name: 'Ada' },
  },
  ...{
    text: 'hello',
    sentAt: 1_700_000_000_000,
    isDirect: true,
    isMention: false,
    locale: 'en',
    replyTo: { platform: 'http' },
  },
};

const input = fc.record({
  /** What is broken: an element of the memory, one that waits in front of a good message, fields that go with them. */
  what: fc.constantFrom('memory', 'inbox', 'ttl', 'meta', 'seen', 'generation', 'owner', 'record', 'pending'),
  element: mutatedBody(MESSAGE),
  waiting: fc
    .tuple(fc.constantFrom('0\n', '', '1\n', '0\nx\ny\n', '-1\n'), mutatedBody(WAITING))
    .map(([head, body]) => Buffer.concat([Buffer.from(head), body])),
  text: nastyText,
});
type Input = typeof input extends fc.Arbitrary<infer T> ? T : never;

const WIDTH = 8;

/** Half of the inputs on Redis with the real process, half on the embedded store. */
export const fuzzElements: FuzzEdge = async (run) => {
  const tally = createTally();
  const half = Math.ceil(run.runs / 2);
  await onRedis({ ...run, runs: half }, tally);
  await onSqlite({ ...run, runs: half, seed: run.seed + 1 }, tally);
  return tally;
};

async function onRedis(run: FuzzRun, tally: Tally): Promise<void> {
  await withFuzzedBot(run, tally, {}, async ({ bot, redis: { url } }) => {
    const redis = new Redis(url);
    let count = 0;
    await withEach(inputsOf(input, run.runs, run.seed), WIDTH, async (one) => {
      count += 1;
      const user = `fuzz${count}`;
      await spoil(redis, sessionOf(count), one);
      const history = await fetch(`${bot.url}/history/${user}`);
      if (history.status >= 500) tally.complain(`a history is answered with ${history.status}`, shownOf(one));
      const body = JSON.stringify({ user_id: user, message: 'hello' });
      const answer = await fetch(`${bot.url}/chat`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body,
      });
      tally.count(`Redis, ${one.what}: ${answer.status}`);
      if (!(await answer.text()).includes('echo: hello'))
        tally.complain(`a message behind it is answered with ${answer.status}`, shownOf(one));
      const forgotten = await fetch(`${bot.url}/history/${user}`, { method: 'DELETE' });
      if (forgotten.status >= 500) tally.complain(`it can't be forgotten: ${forgotten.status}`, shownOf(one));
    });
    redis.disconnect();
  });
}

async function spoil(redis: Redis, session: SessionId, { what, element, waiting, text }: Input): Promise<void> {
  const keys = keyspace(DEFAULT_PREFIX).session(session);
  switch (what) {
    case 'memory':
      await redis.rpush(keys.list, element, element);
      await redis.expire(keys.list, 600);
      return;
    case 'inbox':
      await redis.rpush(keys.inbox, waiting);
      await redis.expire(keys.inbox, 600);
      return;
    case 'ttl':
      await redis.set(keys.ttl, text, 'EX', 600);
      return;
    case 'meta':
      await redis.hset(keys.meta, 'created', text, 'v', text, 'turns', text, 'tokens', text);
      await redis.expire(keys.meta, 600);
      return;
    case 'generation':
      await redis.hset(keys.meta, 'gen', text);
      await redis.expire(keys.meta, 600);
      return;
    case 'owner':
      await redis.hset(keys.turn(WAITING.turnId), 'state', 'running', 'owner', text);
      await redis.expire(keys.turn(WAITING.turnId), 600);
      await redis.rpush(keys.inbox, toElementOf(session));
      await redis.expire(keys.inbox, 600);
      return;
    case 'record':
      // Of a message that waits before the good one.
      await redis.hset(keys.turn(WAITING.turnId), 'attempt', text, 'takeovers', text, 'startedAt', text, 'stop', text);
      await redis.expire(keys.turn(WAITING.turnId), 600);
      await redis.rpush(keys.inbox, toElementOf(session));
      await redis.expire(keys.inbox, 600);
      return;
    case 'pending':
      await redis.zadd(keyspace(DEFAULT_PREFIX).pending, 1, text);
      return;
    case 'seen':
      await redis.set(keyspace(DEFAULT_PREFIX).seenAt(session, 'x'), text, 'EX', 600);
      return;
  }
}

/** A whole element of the inbox, as an offer writes it. */
function toElementOf(session: SessionId): string {
  const { text, author, ...rest } = { ...WAITING, sessionId: session };
  const lines = [{ ...rest, author: { id: author.id } }, text, { name: author.name }];
  return ['0', ...lines.map((line) => JSON.stringify(line))].join('\n');
}

async function onSqlite({ runs, seed }: FuzzRun, tally: Tally): Promise<void> {
  const dataDir = await mkdtemp(join(tmpdir(), 'recollect-fuzz-'));
  const inputs = [...inputsOf(input, runs, seed)];
  let bad = 0;
  const observer = {
    badElement(_: SessionId, count: number) {
      bad += count;
    },
    error() {},
  };
  const open = () => createSqliteStore({ ...LIMITS, dataDir, observer });
  try {
    const before = await open();
    for (const index of inputs.keys()) {
      await runTurn(before, messageOf(sessionOf(index), `a${index}`));
      await offerNew(before, messageOf(sessionOf(index), `b${index}`));
    }
    await before.close();
    const file = new Database(join(dataDir, 'store.db'));
    const spoilMemory = file.prepare('UPDATE message SET element = ? WHERE session = ?');
    const spoilInbox = file.prepare('UPDATE inbox SET element = ? WHERE session = ?');
    for (const [index, { what, element, waiting, text }] of inputs.entries()) {
      if (what === 'inbox') spoilInbox.run(waiting.toString('latin1'), sessionOf(index));
      else spoilMemory.run(what === 'memory' ? element.toString('latin1') : text, sessionOf(index));
    }
    file.close();

    const after = await open();
    for (const [index, one] of inputs.entries()) {
      const session = sessionOf(index);
      try {
        await after.history(session);
        await offerNew(after, messageOf(session, `c${index}`));
        await runTo(after, session, `c${index}`);
        tally.count(`SQLite, ${one.what}: answered`);
        await after.forget(session);
      } catch (thrown) {
        tally.complain(String(thrown), shownOf(one));
      }
    }
    await after.close();
    if (bad === 0) tally.complain('no bad element was counted');
  } finally {
    await rm(dataDir, { recursive: true, force: true });
  }

  /** Runs what waits, up to this message: it must get its turn, whatever stands before it. */
  async function runTo(store: Awaited<ReturnType<typeof open>>, session: SessionId, id: string): Promise<void> {
    for (let turns = 0; turns < 4; turns += 1) {
      const taken = await takeHead(store, session);
      await store.fail(taken.lease, 'internal');
      await finish(store, taken.lease);
      if (taken.message.id === id) return;
    }
    throw new Error('the message behind it never came up');
  }
}

function shownOf({ what, element, waiting, text }: Input): object {
  return { what, element: element.toString('latin1'), waiting: waiting.toString('latin1'), text };
}
