/** The embedded store and its processes: one at a time, and any of them may be killed. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ConversationStore } from '../../src/core/store.ts';
import { createSqliteStore } from '../../src/memory/sqlite/store.ts';
import {
  answerOf,
  contents,
  finish,
  LIMITS,
  messageOf,
  runTurn,
  sessionOf,
  takeHead,
} from '../contracts/store/support.ts';
import { type GuardedProcess, startGuarded } from '../support/guarded-process.ts';

const CHILD = fileURLToPath(new URL('./sqlite-child.ts', import.meta.url));
const session = sessionOf();
const observer = { badElement: () => undefined, error: () => undefined };

let dataDir = '';
let children: GuardedProcess[] = [];

beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'store-'));
  children = [];
});

afterEach(async () => {
  for (const child of children) await child.release();
  await rm(dataDir, { recursive: true });
});

const open = (): Promise<ConversationStore> =>
  createSqliteStore({ ...LIMITS, maxMessages: 100_000, dataDir, observer });

/** Starts a child; resolves with it when it has said `line`. `said` has its lines, and grows. */
async function start(mode: string, line: string, from = 0): Promise<{ child: GuardedProcess; said: string[] }> {
  const child = await startGuarded(process.execPath, ['--import', 'tsx', CHILD, mode, dataDir, String(from)]);
  children.push(child);
  const said: string[] = [];
  let errors = '';
  child.stderr.on('data', (chunk: Buffer) => {
    errors += chunk.toString();
  });
  await new Promise<void>((resolve, reject) => {
    createInterface({ input: child.stdout }).on('line', (text) => {
      said.push(text);
      if (text === line) resolve();
    });
    void child.exited.then((code) => reject(new Error(`The child ended with ${code}: ${errors}`)));
  });
  return { child, said };
}

describe('the embedded store', () => {
  it('belongs to one process, and the next one is told how to mend that', async () => {
    await start('hold', 'open');
    const refused = open();
    await expect(refused).rejects.toMatchObject({ name: 'BotError', code: 'store_locked', retryable: false });
    await expect(refused).rejects.toThrow(/DATA_DIR.*another process.*REDIS_URL/s);
  });

  it('is free again when its process was killed, with all that was in it', async () => {
    await (await filled()).close();
    const { child } = await start('hold', 'open');
    await expect(open()).rejects.toMatchObject({ code: 'store_locked' });
    child.kill('SIGKILL');
    await child.exited;
    const store = await open();
    expect(await contents(store, session)).toEqual(['text of m1', 'answer to m1']);
    await store.close();
  });

  it('is not opened twice by one process either, until it is closed', async () => {
    const first = await filled();
    await expect(open()).rejects.toMatchObject({ code: 'store_locked' });
    await first.ping();
    await first.close();
    const second = await open();
    expect(await contents(second, session)).toHaveLength(2);
    await second.close();
  });

  it('keeps every acknowledged message and turn when its process is killed again and again', {
    timeout: 120_000,
  }, async () => {
    let next = 0;
    for (const after of [3, 17, 40]) {
      const { child, said } = await start('commit', `committed ${next + after}`, next);
      child.kill('SIGKILL');
      await child.exited;

      const last = (word: string) =>
        Math.max(...said.map((line) => (line.startsWith(`${word} `) ? Number(line.split(' ')[1]) : -1)));
      const store = await open();
      const known = new Set((await store.history(session))?.messages.map((message) => message.source));
      for (let n = 0; n <= last('committed'); n += 1) expect(known).toContain(`m${n}`);
      const waiting = await store.waiting(session);
      expect(known.has(`m${last('offered')}`) || waiting.includes(`m${last('offered')}`)).toBe(true);

      // What was under way is taken over, under the same turn id.
      while ((await store.waiting(session)).length > 0) {
        const { lease, message } = await takeHead(store, session);
        await store.commit(lease, message, answerOf(`answer to ${message.id}`));
        await finish(store, lease);
      }
      const all = await contents(store, session);
      next = all.length / 2;
      expect(next).toBeGreaterThan(last('committed'));
      expect(all).toEqual(Array.from({ length: next }, (_, n) => [`text of m${n}`, `answer to m${n}`]).flat());
      expect(await store.stats()).toMatchObject({ conversations: 1, messages: all.length, pending: 0 });
      await store.close();
    }
  });
});

async function filled(): Promise<ConversationStore> {
  const store = await open();
  await runTurn(store, messageOf(session, 'm1'));
  return store;
}
