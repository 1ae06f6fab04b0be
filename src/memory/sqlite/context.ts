/** What the parts of the SQLite driver share: the database, the clock, one way to run an operation. */
import type { SessionId } from '../../core/session.ts';
import type { StoreOptions } from '../../core/store.ts';
import { type BotError, toBotError } from '../../errors.ts';
import type { SqliteDatabase } from './database.ts';

const SECOND_MS = 1_000;
const DAY_MS = 86_400 * SECOND_MS;

/** Milliseconds that inboxes, unfinished turn records and idempotency keys are kept after their last use: longer than any turn. */
export const KEEP_MS = DAY_MS;
/** Milliseconds that the record of a finished turn is kept. */
export const KEEP_FINISHED_MS = 3_600_000;
/** Milliseconds that a generation outlives its last use. */
export const KEEP_PROGRESS_MS = 7 * DAY_MS;
/** Milliseconds that the figures of a day are kept. */
export const KEEP_DAYS_MS = 90 * DAY_MS;

/** Milliseconds that a TTL choice of `seconds` is kept after its last use. */
export function keepChoiceMs(seconds: number): number {
  return Math.max(90 * DAY_MS, 2 * seconds * SECOND_MS);
}

export interface SqliteContext {
  readonly db: SqliteDatabase;
  readonly options: StoreOptions;
  /** Runs an operation that only reads. There is one connection, and its calls don't yield: all reads see one state. */
  read<T>(operation: string, action: (now: number) => T): Promise<T>;
  /** Runs an operation as one transaction; it is on disk when this resolves. */
  write<T>(operation: string, action: (now: number) => T): Promise<T>;
  /**
   * Text was deleted: takes it out of the write-ahead log too. `now`, where a person asked for it: before the operation
   * resolves. `soon`, where it happened in the course of things: with the next call of {@link scrub}.
   */
  textDeleted(when: 'now' | 'soon'): void;
  /** Empties the write-ahead log if text was deleted since the last time. */
  scrub(): void;
  /** Tells the observer of elements that could not be read. */
  bad(sessionId: SessionId, count: number): void;
}

export function createContext(db: SqliteDatabase, options: StoreOptions, now: () => number): SqliteContext {
  const { observer } = options;
  let deleted: 'nothing' | 'soon' | 'now' = 'nothing';

  const scrub = () => {
    if (deleted === 'nothing') return;
    // While somebody reads the files with a tool of their own this is refused, and tried again with the next sweep.
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
            // The change itself is made; only its traces are left, and the next sweep tries again.
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

/** False for what is the caller's fault. */
function isOfTheStore({ code }: BotError): boolean {
  return code === 'store_unavailable' || code === 'store_full' || code === 'internal';
}
