/** The files of the embedded store: locking, writing, and removing deleted text. */
import { closeSync, mkdirSync, openSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'libsql';
import { z } from 'zod';
import { BotError, toBotError } from '../../errors.ts';
import { MIGRATION_TABLE, MIGRATIONS } from './schema.ts';

export type SqlValue = string | number | null;

/** A prepared query whose rows are parsed. */
export interface Query<Row> {
  one(...values: readonly SqlValue[]): Row | undefined;
  all(...values: readonly SqlValue[]): Row[];
}

/** A prepared statement that changes rows. Returns the number of rows. */
export type Change = (...values: readonly SqlValue[]) => number;

export interface SqliteDatabase {
  query<Row>(sql: string, row: z.ZodType<Row>): Query<Row>;
  change(sql: string): Change;
  /** Runs `action` as a transaction: if it throws, nothing is changed and the error is rethrown. Synced to disk at the end. */
  transaction<T>(action: () => T): T;
  /** Moves the write-ahead log into the database and empties it, so that neither file contains deleted text. False: not possible now. */
  emptyLog(): boolean;
  readonly version: string;
  close(): void;
}

const DATABASE_FILE = 'store.db';
const LOCK_FILE = 'store.lock';
/** How long to wait while another program writes to the database. This blocks the process. */
const BUSY_TIMEOUT_MS = 1_000;

/**
 * Opens the store in `dataDir`, which is created if necessary, for this process only.
 * @throws BotError `store_locked` if another process (or another store in this one) has it open, `config_invalid` if a newer version of
 * the bot wrote it, `store_unavailable` if the files cannot be used
 */
export function openDatabase(dataDir: string, now: () => number): SqliteDatabase {
  try {
    mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  } catch (cause) {
    throw cannotUse(dataDir, cause);
  }
  const lock = acquireLock(dataDir);
  try {
    const file = join(dataDir, DATABASE_FILE);
    // SQLite would create it with the umask's permissions, readable by all. The log gets the same permissions as this file.
    closeSync(openSync(file, 'a', 0o600));
    const db = new Database(file);
    try {
      configure(db);
      migrate(db, dataDir, now());
      return wrap(db, lock);
    } catch (thrown) {
      db.close();
      throw thrown;
    }
  } catch (thrown) {
    lock.close();
    throw cannotUse(dataDir, thrown);
  }
}

/** Translates an error of the file system at startup; others like {@link toStoreError}. */
function cannotUse(dataDir: string, thrown: unknown): BotError {
  const error = toStoreError(thrown);
  if (error.code !== 'internal') return error;
  return new BotError('store_unavailable', `DATA_DIR (${dataDir}) cannot be used: ${error.message}`, { cause: thrown });
}

/**
 * The lock: an exclusive transaction on a separate file, which never ends. The operating system releases it with the process, so a kill
 * leaves no stale lock.
 */
function acquireLock(dataDir: string): Database.Database {
  let lock: Database.Database | undefined;
  try {
    lock = new Database(join(dataDir, LOCK_FILE));
    lock.exec('BEGIN EXCLUSIVE');
    return lock;
  } catch (thrown) {
    lock?.close();
    if (sqliteCode(thrown) === 'SQLITE_BUSY') {
      throw new BotError(
        'store_locked',
        `DATA_DIR (${dataDir}) is in use by another process, and only one at a time may have it. Stop the other one, ` +
          'or give this one a DATA_DIR of its own; to run several, set REDIS_URL.',
        { cause: thrown },
      );
    }
    throw toStoreError(thrown);
  }
}

function configure(db: Database.Database): void {
  db.pragma(`busy_timeout = ${BUSY_TIMEOUT_MS}`);
  db.pragma('journal_mode = WAL');
  // In WAL mode, only FULL syncs at every commit; otherwise a power loss could lose acknowledged messages.
  db.pragma('synchronous = FULL');
  // Overwrites deleted data. Otherwise its text would stay in free pages.
  db.pragma('secure_delete = ON');
  // Sorting must not write message text to files outside of DATA_DIR.
  db.pragma('temp_store = MEMORY');
}

function migrate(db: Database.Database, dataDir: string, now: number): void {
  db.exec(MIGRATION_TABLE);
  const [row] = db.prepare('SELECT coalesce(max(version), 0) AS version FROM migration').all([]);
  const { version } = z.object({ version: z.number() }).parse(row);
  if (version > MIGRATIONS.length) {
    throw new BotError(
      'config_invalid',
      `DATA_DIR (${dataDir}) was written by a newer version of the bot (schema ${version}; this one knows ` +
        `${MIGRATIONS.length}). Start that version, or set another DATA_DIR.`,
    );
  }
  for (const [index, step] of MIGRATIONS.entries()) {
    if (index < version) continue;
    inTransaction(db, () => {
      db.exec(step);
      db.prepare('INSERT INTO migration (version, applied_at) VALUES (?, ?)').run([index + 1, now]);
    });
  }
}

function wrap(db: Database.Database, lock: Database.Database): SqliteDatabase {
  const version = z
    .object({ version: z.string() })
    .parse(db.prepare('SELECT sqlite_version() AS version').all([])[0]).version;
  const checkpoint = z.tuple([z.object({ busy: z.number() })]);
  let open = true;

  const guarded = <T>(action: () => T): T => {
    if (!open) throw new BotError('store_unavailable', 'The store is closed.');
    try {
      return action();
    } catch (thrown) {
      throw toStoreError(thrown);
    }
  };

  return {
    version,
    // Two faults of the binding (0.5.29) are gone round here. It takes a lone null for a set of named values: so values go in
    // as one array. And the first get() after an all() of the same statement gives the row of the values before: so only
    // all() is used.
    query(sql, row) {
      const statement = db.prepare(sql);
      const all = (...values: readonly SqlValue[]) =>
        guarded(() => statement.all([...values]).map((found) => row.parse(found)));
      return { all, one: (...values) => all(...values)[0] };
    },
    change(sql) {
      const statement = db.prepare(sql);
      return (...values) => guarded(() => statement.run([...values]).changes);
    },
    transaction: (action) => guarded(() => inTransaction(db, action)),
    emptyLog: () =>
      guarded(() => {
        // Another program may read for a long time, so do not wait for it.
        db.pragma('busy_timeout = 0');
        try {
          return checkpoint.parse(db.pragma('wal_checkpoint(TRUNCATE)'))[0].busy === 0;
        } finally {
          db.pragma(`busy_timeout = ${BUSY_TIMEOUT_MS}`);
        }
      }),
    close() {
      if (!open) return;
      open = false;
      db.close();
      lock.close();
    },
  };
}

function inTransaction<T>(db: Database.Database, action: () => T): T {
  db.exec('BEGIN IMMEDIATE');
  try {
    const result = action();
    db.exec('COMMIT');
    return result;
  } catch (thrown) {
    // SQLite itself rolls back on some errors (a full disk), and a second ROLLBACK would hide the reason.
    if (db.inTransaction) db.exec('ROLLBACK');
    throw thrown;
  }
}

/** Translates SQLite errors: `store_full` if the disk is full, otherwise `store_unavailable`. Other errors are returned unchanged. */
function toStoreError(thrown: unknown): BotError {
  const code = sqliteCode(thrown);
  if (code === undefined) return toBotError(thrown);
  if (code === 'SQLITE_FULL') {
    return new BotError('store_full', 'The disk of DATA_DIR is full. Nothing was changed; reading goes on.', {
      cause: thrown,
      retryable: true,
      reason: 'the disk of DATA_DIR is full',
    });
  }
  return new BotError('store_unavailable', `The store in DATA_DIR cannot be used (${code}).`, {
    cause: thrown,
    retryable: true,
    reason: code.startsWith('SQLITE_BUSY')
      ? 'another program has the store in DATA_DIR locked'
      : `the files in DATA_DIR cannot be used (${code})`,
  });
}

function sqliteCode(thrown: unknown): string | undefined {
  return thrown instanceof Database.SqliteError ? thrown.code : undefined;
}
