/** Shared by the parts of the SQLite driver: the database, the clock, and a wrapper for operations. */
import type { SessionId } from '../../core/session.ts';
import type { StoreOptions } from '../../core/store.ts';
import { type BotError, toBotError } from '../../errors.ts';
import type { SqliteDatabase } from './database.ts';

const SECOND_MS = 1_000;
const DAY_MS = 86_400 * SECOND_MS;

/** Retention of inboxes, unfinished turn records and idempotency keys after their last use, in milliseconds: longer than any turn. */
export const KEEP_MS = DAY_MS;
/** Retention of the record of a finished turn, in milliseconds. */
export const KEEP_FINISHED_MS = 3_600_000;
/** Retention of a generation after its last use, in milliseconds. */
export const KEEP_PROGRESS_MS = 7 * DAY_MS;
/** Retention of a day's figures, in milliseconds. */
export const KEEP_DAYS_MS = 90 * DAY_MS;

/** Retention of a TTL override of `seconds` after its last use, in milliseconds. */
export function keepChoiceMs(seconds: number): number {
  return Math.max(90 * DAY_MS, 2 * seconds * SECOND_MS);
}

export interface SqliteContext {
  readonly db: SqliteDatabase;
  readonly options: StoreOptions;
  /** Runs an operation that only reads. There is one synchronous connection, so all its reads see the same state. */
  read<T>(operation: string, action: (now: number) => T): Promise<T>;
  /** Runs an operation as one transaction, which is on disk when this resolves. */
  write<T>(operation: string, action: (now: number) => T): Promise<T>;
  /**
   * Removes deleted text from the write-ahead log as well. `now`, if a person asked for it: before the operation resolves. `soon`, for
   * routine deletions: with the next call of {@link scrub}.
   */
  textDeleted(when: 'now' | 'soon'): void;
  /** Empties the write-ahead log if text was deleted since the last time. */
  scrub(): void;
  /** Reports corrupt elements to the observer. */
  bad(sessionId: SessionId, count: number): void;
}

export function createContext(db: SqliteDatabase, options: StoreOptions, now: () => number): SqliteContext {
  const { observer } = options;
  let deleted: 'nothing' | 'soon' | 'now' = 'nothing';

  const scrub = () => {
    if (deleted === 'nothing') return;
    // This fails while another program reads the files; the next sweep retries it.
    deleted = db.emptyLog() ? 'nothing' : 'soon';
  };

  const run = async <T>(operation: string, action: () => T): Promise<T> => {
    try {
      return action();
    } catch (thrown) {
      const error = toBotError(thrown);
      if (isOfTheStore(error)) observer.error(operation, error);
      throw error;
    }
  };

  return {
    db,
    options,
    read: (operation, action) => run(operation, () => action(now())),
    write: (operation, action) =>
      run(operation, () => {
        const result = db.transaction(() => action(now()));
        if (deleted === 'now') {
          try {
            scrub();
          } catch (thrown) {
            // The change itself is made. Only its traces in the log are left, and the next sweep retries.
            observer.error('scrub', toBotError(thrown));
          }
        }
        return result;
      }),
    textDeleted(when) {
      if (deleted !== 'now') deleted = when;
    },
    scrub,
    bad(sessionId, count) {
      if (count > 0) observer.badElement(sessionId, count);
    },
  };
}

/** False for errors of the caller. */
function isOfTheStore({ code }: BotError): boolean {
  return code === 'store_unavailable' || code === 'store_full' || code === 'internal';
}
