/** Rows that a broken writer or a broken disk left: they are passed over, and nobody else's conversation waits for them. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'libsql';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { ConversationStore } from '../../src/core/store.ts';
import { createSqliteStore } from '../../src/memory/sqlite/store.ts';
import {
  answerOf,
  contents,
  finish,
  LIMITS,
  messageOf,
  offerNew,
  runTurn,
  sessionOf,
  takeHead,
} from '../contracts/store/support.ts';

const session = sessionOf();
const place = { platform: 'slack', workspace: 'T1', channel: 'C1' };
const ada = { platform: 'slack', workspace: 'T1', user: 'ada' };
const LATER = Date.now() + 1e10;

let dataDir = '';
let store: ConversationStore;

const open = () => createSqliteStore({ ...LIMITS, dataDir, observer: { badElement() {}, error() {} } });

beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'store-'));
  store = await open();
  await runTurn(store, messageOf(session, 'm1'));
  await offerNew(store, messageOf(session, 'm2'));
});
afterEach(async () => {
  await store.close();
  await rm(dataDir, { recursive: true });
});

/** Changes the file while no store has it open. */
async function damage(sql: string, ...values: readonly (string | number)[]): Promise<void> {
  await store.close();
  const db = new Database(join(dataDir, 'store.db'));
  expect(db.prepare(sql).run([...values]).changes).toBeGreaterThan(0);
  db.close();
  store = await open();
}

/** Everything that anybody does with a conversation works. */
async function expectWhole(): Promise<void> {
  await store.beats.begin('test.1', '1;');
  expect((await store.takeDue()).map(({ sessionId }) => sessionId)).toEqual([session]);
  expect(await store.countPending()).toBe(1);
  await offerNew(store, messageOf(session, 'm3'));
  for (const id of ['m2', 'm3']) {
    const { lease, message } = await takeHead(store, session);
    expect(message.id).toBe(id);
    expect(await store.commit(lease, message, answerOf(`answer to ${id}`))).toBe('committed');
    await finish(store, lease);
  }
  expect(await contents(store, session)).toHaveLength(6);
  expect((await store.conversations(ada)).map(({ sessionId }) => sessionId)).toEqual([session]);
  expect(await store.conversationsAt(place)).toEqual([session]);
  expect(await store.export(ada)).toHaveLength(1);
  expect(await store.locate(place, ['m3'])).toEqual({ sessionId: session, turnId: 'm3' });
  expect(await store.channels.watched('discord')).toEqual([]);
  expect(await store.erase(ada)).toMatchObject({ messages: 6 });
}

test('a conversation that an earlier version stored, without its size, is held to the bounds with its next turn', async () => {
  const { lease, message } = await takeHead(store, session);
  await store.commit(lease, message, answerOf('x'.repeat(LIMITS.maxBytes / 2)));
  await finish(store, lease);
  await damage('UPDATE conversation SET bytes = NULL, sized = NULL');
  await runTurn(store, messageOf(session, 'm3'), answerOf('x'.repeat(LIMITS.maxBytes / 2)));
  expect((await store.history(session))?.messages.map(({ source }) => source)).toEqual(['m3', 'm3']);
});

describe('a row that cannot be read', () => {
  test.each([
    ['a pending note', 'INSERT INTO progress VALUES (?, 0, 5, ?, ?)', ['no session', LATER, LATER]],
    ['an overdue pending note', 'INSERT INTO progress VALUES (?, 0, 5, 1, ?)', ['no session', LATER]],
    ['an overdue conversation', 'INSERT INTO conversation VALUES (?, 1, 1, 1, 1, 1, null, null)', ['no session']],
    [
      'a conversation of the place',
      'INSERT INTO conversation VALUES (?, 1, 1, 1, 1, ?, null, null)',
      ['{slack:T1:C1}x', LATER],
    ],
    ['a participant', 'INSERT INTO participant VALUES (?, ?)', ['slack:T1:ada', 'no session']],
    ["somebody's TTL choice", 'INSERT INTO choice VALUES (?, ?, 600, ?)', ['no session', 'slack:T1:ada', LATER]],
    ['a TTL choice beyond all bounds', 'INSERT INTO choice VALUES (?, ?, ?, ?)', [session, 'x', 2 ** 53 - 1, LATER]],
    ['a fact', "INSERT INTO fact VALUES (?, 'aaaaaaaa', 'x', '{', 1, 0, ?)", [session, LATER]],
    ['an idempotency key', "UPDATE seen SET session = 'no session'", []],
    ['a watched channel', "INSERT INTO channel VALUES ('discord', '{', '{', 'x', ?)", [LATER]],
    ['the parts of a reply', "UPDATE turn SET handles = '{' WHERE turn = 'm2'", []],
    ['an outcome', "UPDATE turn SET outcome = 'x' WHERE turn = 'm2'", []],
    ['an answer', "UPDATE turn SET answer = '{' WHERE turn = 'm2'", []],
  ])('%s stands in nobody’s way', async (_, sql, values) => {
    await damage(sql, ...values);
    await expectWhole();
  });

  test('what is overdue goes, readable or not', async () => {
    await damage('INSERT INTO conversation VALUES (?, 1, 1, 1, 1, 1, null, null)', 'no session');
    const db = new Database(join(dataDir, 'store.db'));
    expect(db.prepare("SELECT session FROM conversation WHERE session = 'no session'").all([])).toEqual([]);
    db.close();
  });

  test('a turn of an unknown state is not answered again: it ends as failed, and the next one goes on', async () => {
    await damage("UPDATE turn SET state = 'x' WHERE turn = 'm2'");
    await offerNew(store, messageOf(session, 'm3'));
    const { lease, message, record } = await takeHead(store, session);
    expect(message.id).toBe('m2');
    expect(record.state).toBe('failed');
    expect(await store.commit(lease, message, answerOf('again'))).toBe('known');
    expect(await finish(store, lease)).toBe(1);
    expect((await takeHead(store, session)).message.id).toBe('m3');
    expect(await store.forget(session)).toMatchObject({ messages: 2, waiting: 1 });
  });
});
