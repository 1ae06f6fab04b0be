/** The files of the embedded store: what is in them, what leaves them, and when they cannot be used. */
import { mkdir, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'libsql';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { personOf } from '../../src/core/session.ts';
import type { ConversationStore, StoreOptions } from '../../src/core/store.ts';
import { createContext } from '../../src/memory/sqlite/context.ts';
import { openDatabase } from '../../src/memory/sqlite/database.ts';
import { createSessionMemory } from '../../src/memory/sqlite/memory.ts';
import { MIGRATION_TABLE, MIGRATIONS } from '../../src/memory/sqlite/schema.ts';
import { createSqliteStore } from '../../src/memory/sqlite/store.ts';
import { createTables } from '../../src/memory/sqlite/tables.ts';
import { createSqliteTurns } from '../../src/memory/sqlite/turns.ts';
import { createWorkIndex } from '../../src/memory/sqlite/work-index.ts';
import {
  answerOf,
  finish,
  LIMITS,
  messageOf,
  offerNew,
  runTurn,
  sessionOf,
  takeHead,
  tryClaim,
  until,
} from '../contracts/store/support.ts';
import { makeSqliteFixture, readFiles } from './sqlite-fixture.ts';

const session = sessionOf();

let dataDir = '';
let faults: string[] = [];
let opened: ConversationStore[] = [];

const options = (): StoreOptions => ({
  ...LIMITS,
  observer: { badElement: () => undefined, error: (operation) => void faults.push(operation) },
});

async function open(): Promise<ConversationStore> {
  const store = await createSqliteStore({ ...options(), dataDir });
  opened.push(store);
  return store;
}

beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'store-'));
  faults = [];
  opened = [];
});

afterEach(async () => {
  for (const store of opened) await store.close();
  await rm(dataDir, { recursive: true });
});

describe('the files of the embedded store', () => {
  it('are made where nothing was, for this user only', async () => {
    dataDir = join(dataDir, 'new', 'folder');
    await (await open()).ping();
    const mode = async (path: string) => (await stat(path)).mode & 0o777;
    expect(await mode(dataDir)).toBe(0o700);
    expect(await mode(join(dataDir, 'store.db'))).toBe(0o600);
    expect(await mode(join(dataDir, 'store.db-wal'))).toBe(0o600);
    await opened.pop()?.close();
    dataDir = join(dataDir, '..', '..');
  });

  it('hold no fragment of deleted text after hundreds of turns of every size', { timeout: 120_000 }, async () => {
    const store = await open();
    const sessions = Array.from({ length: 12 }, (_, n) => sessionOf({ user: `u${n}` }));
    for (let round = 0; round < 160; round += 1) {
      const id = sessions[(round * 7) % sessions.length] ?? session;
      const text = `needle${round} `.repeat(1 + ((round * 37) % 700));
      await runTurn(store, messageOf(id, `m${round}`, { text }), answerOf(text.slice(0, (round * 53) % 9_000)));
      if (round % 5 === 0) await store.removeTurns(id, { source: `m${round}` });
      if (round % 11 === 0) await store.forget(id);
    }
    expect(await readFiles(dataDir)).toContain('needle');
    for (const id of sessions) await store.forget(id);
    expect(await readFiles(dataDir)).not.toContain('needle');
    expect(await store.stats()).toMatchObject({ conversations: 0, messages: 0 });
  });

  it('lose the text of an expired conversation without anybody asking', async () => {
    const store = await open();
    await runTurn(store, messageOf(session, 'm1', { text: 'an-expiring-secret' }));
    expect(await readFiles(dataDir)).toContain('an-expiring-secret');
    await store.setTtl(session, 1, { remember: false });
    await until(async () => expect(await readFiles(dataDir)).not.toContain('an-expiring-secret'));
  });

  it('lose the text of a failed turn without anybody asking', async () => {
    const store = await open();
    await offerNew(store, messageOf(session, 'm1', { text: 'a-failed-secret' }));
    expect(await readFiles(dataDir)).toContain('a-failed-secret');
    const { lease } = await takeHead(store, session);
    await store.fail(lease, 'model_timeout');
    await finish(store, lease);
    await until(async () => expect(await readFiles(dataDir)).not.toContain('a-failed-secret'));
  });

  it('lose the text of a turn that fell out of memory without anybody asking', async () => {
    const store = await open();
    await runTurn(store, messageOf(session, 'oldest', { text: 'an-old-secret' }));
    for (let n = 0; n < LIMITS.maxMessages / 2; n += 1) await runTurn(store, messageOf(session, `m${n}`));
    await until(async () => expect(await readFiles(dataDir)).not.toContain('an-old-secret'));
    expect(await readFiles(dataDir)).toContain('text of m0');
  });

  it('lose the earlier text of an edited message', async () => {
    const store = await open();
    await offerNew(store, messageOf(session, 'm1', { text: 'an-edited-secret' }));
    await store.amend(session, 'm1', 'harmless');
    expect(await readFiles(dataDir)).not.toContain('an-edited-secret');
    expect(await readFiles(dataDir)).toContain('harmless');
  });

  it('lose forgotten text as soon as somebody who reads them has gone, and nothing waits for that', async () => {
    const store = await open();
    await runTurn(store, messageOf(session, 'm1', { text: 'a-watched-secret' }));
    const reader = new Database(join(dataDir, 'store.db'));
    reader.exec('BEGIN');
    reader.prepare('SELECT count(*) FROM message').all([]);
    expect(await store.forget(session)).toMatchObject({ messages: 2 });
    expect(await store.history(session)).toBeUndefined();
    expect(await readFiles(dataDir)).toContain('a-watched-secret');
    reader.exec('COMMIT');
    reader.close();
    await until(async () => expect(await readFiles(dataDir)).not.toContain('a-watched-secret'));
    expect(faults).toEqual([]);
  });

  it('are swept of any number of expired conversations by one question', { timeout: 120_000 }, async () => {
    const fixture = await makeSqliteFixture(options());
    const store = fixture.store;
    for (let n = 0; n < 250; n += 1) {
      await runTurn(store, messageOf(sessionOf({ user: `u${n}` }), `m${n}`, { text: 'swept-text' }));
    }
    await runTurn(store, messageOf(session, 'kept', { ttl: LIMITS.maxTtl }));
    await fixture.advance((LIMITS.defaultTtl + 1) * 1_000);
    expect(await store.stats()).toMatchObject({ conversations: 1, messages: 2 });
    // Looked at without waiting, so that no other sweep can have come first.
    const db = new Database(join(fixture.dataDir, 'store.db'));
    expect(db.prepare('SELECT session FROM conversation').all([])).toEqual([{ session }]);
    expect(db.prepare('SELECT DISTINCT session FROM message').all([])).toEqual([{ session }]);
    db.close();
    expect(await fixture.dumpText()).not.toContain('swept-text');
    await fixture.close();
  });

  it('have no row left of anything when its time is over', async () => {
    const fixture = await makeSqliteFixture(options());
    const { store } = fixture;
    const channel = sessionOf({ user: undefined });
    await runTurn(store, messageOf(session, 'm1', { ttl: 86_400 }));
    await runTurn(store, messageOf(channel, 'm2'));
    await runTurn(store, messageOf(channel, 'm3', { author: { id: 'bob', name: 'Bob' } }));
    await offerNew(store, messageOf(sessionOf({ user: 'waiting' }), 'm4'));
    await offerNew(store, messageOf(sessionOf({ user: 'failing' }), 'm5'));
    const failing = await takeHead(store, sessionOf({ user: 'failing' }));
    await store.fail(failing.lease, 'model_timeout');
    await finish(store, failing.lease);
    await store.facts.keep(session, personOf(session, 'ada'), { id: 'aaaaaaaa', text: 'one', saidAt: Date.now() });
    await store.forget(channel);
    await fixture.advance(91 * 86_400_000);
    await store.stats();
    const db = new Database(join(fixture.dataDir, 'store.db'));
    const tables = z.array(z.object({ name: z.string() }));
    const names = tables.parse(db.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").all([]));
    const left = names.filter(({ name }) => db.prepare(`SELECT 1 FROM ${name}`).all([]).length > 0);
    expect(left.map(({ name }) => name).sort()).toEqual(['migration', 'sqlite_sequence']);
    db.close();
    await fixture.close();
  });

  it.each(MIGRATIONS.map((_, index) => index))('that have %i steps of the schema get the others', async (steps) => {
    const old = new Database(join(dataDir, 'store.db'));
    old.exec(MIGRATION_TABLE);
    for (const [index, step] of MIGRATIONS.slice(0, steps).entries()) {
      old.exec(step);
      old.prepare('INSERT INTO migration (version, applied_at) VALUES (?, 1)').run([index + 1]);
    }
    old.close();
    const store = await open();
    await store.facts.keep(session, personOf(session, 'ada'), { id: 'aaaaaaaa', text: 'one', saidAt: Date.now() });
    await runTurn(store, messageOf(session, 'm1'));
    expect(await store.open(session, 20)).toMatchObject({ messages: [{}, {}], facts: [{ text: 'one' }] });
  });

  it('are opened again and again without losing anything', async () => {
    const versions = () => {
      const db = new Database(join(dataDir, 'store.db'));
      const rows = db.prepare('SELECT version, applied_at FROM migration').all([]);
      db.close();
      return rows;
    };
    await runTurn(await open(), messageOf(session, 'm1'));
    const first = versions();
    expect(first).toHaveLength(MIGRATIONS.length);
    for (let n = 0; n < 3; n += 1) {
      await opened.pop()?.close();
      const store = await open();
      expect((await store.history(session))?.total).toBe(2);
    }
    expect(versions()).toEqual(first);
  });
});

describe('files that cannot be used', () => {
  const refused = async (expected: object) => {
    await expect(open()).rejects.toMatchObject({ name: 'BotError', ...expected });
  };

  it('of a newer version are refused and left alone', async () => {
    await runTurn(await open(), messageOf(session, 'm1'));
    await opened.pop()?.close();
    const newer = new Database(join(dataDir, 'store.db'));
    newer.prepare('INSERT INTO migration (version, applied_at) VALUES (?, ?)').run([99, 1]);
    newer.close();
    await refused({ code: 'config_invalid', message: expect.stringMatching(/newer version.*schema 99/) });

    const mended = new Database(join(dataDir, 'store.db'));
    mended.prepare('DELETE FROM migration WHERE version = ?').run([99]);
    mended.close();
    expect((await (await open()).history(session))?.total).toBe(2);
  });

  it('that are not a database are refused', async () => {
    await writeFile(join(dataDir, 'store.db'), 'not a database '.repeat(1000));
    await refused({ code: 'store_unavailable', message: expect.stringContaining('DATA_DIR') });
    await rm(join(dataDir, 'store.db'));
    await (await open()).ping();
  });

  it('that are folders are refused, and the lock is given up', async () => {
    await mkdir(join(dataDir, 'store.db'));
    await refused({ code: 'store_unavailable', message: expect.stringMatching(/DATA_DIR.*EISDIR/) });
    await rm(join(dataDir, 'store.db'), { recursive: true });
    await (await open()).ping();
  });

  it('because DATA_DIR is no folder are refused', async () => {
    await writeFile(join(dataDir, 'file'), '');
    dataDir = join(dataDir, 'file');
    await refused({ code: 'store_unavailable', message: expect.stringContaining('DATA_DIR') });
    dataDir = join(dataDir, '..');
  });

  it('because the disk is full refuse messages and leave nothing of them, and reading goes on', async () => {
    const db = openDatabase(dataDir, Date.now);
    const context = createContext(db, { ...options(), maxWaiting: 100_000 }, Date.now);
    const tables = createTables(db);
    const store = {
      ...createSqliteTurns(context, tables),
      ...createWorkIndex(context, tables),
      ...createSessionMemory(context, tables),
    };
    await store.enqueue(messageOf(session, 'm1'));
    const first = await tryClaim(store, session);
    if (first === undefined) throw new Error('The message is gone.');
    await store.commit(first.lease, first.message, answerOf('one'));
    const pages = db.query('PRAGMA page_count', z.object({ page_count: z.number() })).one()?.page_count ?? 0;
    db.query(`PRAGMA max_page_count = ${pages + 20}`, z.unknown()).all();

    const stored: string[] = ['m1'];
    const fill = async () => {
      for (let n = 2; ; n += 1) {
        await store.enqueue(messageOf(session, `m${n}`, { text: 'x'.repeat(4_000) }));
        stored.push(`m${n}`);
      }
    };
    await expect(fill()).rejects.toMatchObject({ name: 'BotError', code: 'store_full', retryable: true });
    expect(stored.length).toBeGreaterThan(3);
    expect(await store.waiting(session)).toEqual(stored);
    const place = { platform: 'slack', workspace: 'T1', channel: 'C1' };
    expect(await store.locate(place, [`m${stored.length + 1}`])).toBeUndefined();
    expect((await store.history(session))?.total).toBe(2);
    expect(faults).toEqual(['enqueue']);
    expect(await finish(store, first.lease)).toBe(stored.length - 1);
    db.close();
  });
});
