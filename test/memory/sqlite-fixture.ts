/** The contract suite's fixture on SQLite: a folder of its own, and a clock that can be moved on. */
import { execFile } from 'node:child_process';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import Database from 'libsql';
import type { StoreOptions } from '../../src/core/store.ts';
import { createSqliteStore } from '../../src/memory/sqlite/store.ts';
import { moveClock } from '../contracts/store/support.ts';
import type { AgingFixture } from '../contracts/store.contract.ts';

export interface SqliteFixture extends AgingFixture {
  readonly dataDir: string;
}

export async function makeSqliteFixture(options: StoreOptions): Promise<SqliteFixture> {
  const dataDir = await mkdtemp(join(tmpdir(), 'store-'));
  let ahead = 0;
  const open = () => createSqliteStore({ ...options, dataDir, now: () => Date.now() + ahead });
  const store = await open();
  let newest = store;
  return {
    store,
    dataDir,
    async open() {
      await newest.close();
      newest = await open();
      return newest;
    },
    dumpText: () => readFiles(dataDir),
    async injectBadElement(sessionId, raw, where = 'memory') {
      const db = new Database(join(dataDir, 'store.db'));
      if (where === 'memory') {
        db.prepare('INSERT INTO message (session, element) VALUES (?, ?)').run([sessionId, raw]);
        db.prepare('UPDATE conversation SET messages = messages + 1 WHERE session = ?').run([sessionId]);
      } else {
        const before = '(SELECT coalesce(min(seq), 0) - 1 FROM inbox)';
        db.prepare(`INSERT INTO inbox (seq, session, element) VALUES (${before}, ?, ?)`).run([sessionId, raw]);
      }
      db.close();
    },
    async advance(ms) {
      ahead += ms;
      moveClock(ms);
    },
    async close() {
      await newest.close();
      await rm(dataDir, { recursive: true });
    },
  };
}

/**
 * The bytes of every file in the folder. Read by a process of its own: this one would lose SQLite's locks on the files when
 * it closed them (POSIX locks belong to the process).
 */
export async function readFiles(dataDir: string): Promise<string> {
  const files = (await readdir(dataDir)).map((name) => join(dataDir, name));
  const { stdout } = await promisify(execFile)('cat', files, { encoding: 'latin1', maxBuffer: 1 << 30 });
  return Buffer.from(stdout, 'latin1').toString('utf8');
}
