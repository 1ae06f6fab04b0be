/** The embedded store: SQLite files in a directory, for one process. */
import type { ConversationStore, StoreOptions } from '../../core/store.ts';
import { createSqliteChannels } from './channels.ts';
import { createContext } from './context.ts';
import { openDatabase } from './database.ts';
import { createSqliteFacts } from './facts.ts';
import { createSqliteFlags } from './flags.ts';
import { createSessionMemory } from './memory.ts';
import { createPeopleMemory } from './people.ts';
import { createStats } from './stats.ts';
import { createSweep } from './sweep.ts';
import { createTables } from './tables.ts';
import { createSqliteTurns } from './turns.ts';
import { createBeats, createWorkIndex } from './work-index.ts';

export interface SqliteStoreOptions extends StoreOptions {
  /** The directory of the files. Created if necessary, readable by this user only. */
  readonly dataDir: string;
  /** Unix milliseconds; the store's clock. Default: the machine's. */
  readonly now?: () => number;
}

/** How long expired text may stay in the files. */
const SWEEP_EVERY_MS = 1_000;

/**
 * Opens the store, and removes data that has expired while it was closed.
 * @throws BotError `store_locked` if another process has it open, `config_invalid` if a newer version wrote it, `store_unavailable` if
 * the files cannot be used
 */
export async function createSqliteStore(options: SqliteStoreOptions): Promise<ConversationStore> {
  const now = options.now ?? Date.now;
  const db = openDatabase(options.dataDir, now);
  const context = createContext(db, options, now);
  const tables = createTables(db);
  const sweep = createSweep(context, tables);
  try {
    // Also removes deleted text that a killed process has left in the log.
    context.textDeleted('now');
    await sweep.all();
  } catch (thrown) {
    db.close();
    throw thrown;
  }
  let sweeping: Promise<unknown> = Promise.resolve();
  const timer = setInterval(() => {
    // Errors have been reported to the observer; the next round retries.
    sweeping = sweep.some().catch(() => undefined);
  }, SWEEP_EVERY_MS);
  timer.unref();

  return {
    ...createSqliteTurns(context, tables),
    ...createWorkIndex(context, tables),
    beats: createBeats(context, tables),
    ...createSessionMemory(context, tables),
    ...createPeopleMemory(context, tables),
    ...createStats(context, tables, sweep),
    channels: createSqliteChannels(context),
    flags: createSqliteFlags(context, tables.notes),
    facts: createSqliteFacts(context, tables.facts),
    // The store has its own timer.
    sweep: async () => {},
    ping: () => context.read('ping', () => void tables.inbox.countPending(now())),
    async close() {
      clearInterval(timer);
      await sweeping;
      db.close();
    },
  };
}
