/** The bot over a store with many live conversations: its start, its memory, and what the store takes. */
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import type { ConversationStore } from '../../src/core/store.ts';
import { createRedisStore } from '../../src/memory/redis/store.ts';
import { createSqliteStore } from '../../src/memory/sqlite/store.ts';
import { serverAt } from '../../src/redis/target.ts';
import type { BotSettings } from '../../test/support/bot-process.ts';
import { startRedis } from '../../test/support/redis-server.ts';
import type { BenchContext, Cell, Table } from '../report.ts';
import { productSettings } from '../turns/product.ts';
import type { Programs } from '../turns/programs.ts';
import { idleOf } from './idle.ts';
import { SEED_OPTIONS, seed } from './seed.ts';

const MB = 2 ** 20;
const statsShape = z.object({ total_users: z.number() });

export interface FullOptions {
  /** Conversations on Redis, and in the embedded store. */
  readonly onRedis: number;
  readonly embedded: number;
  /** Milliseconds: see {@link idleOf}. */
  readonly idleMs: number;
  readonly progress: BenchContext['progress'];
}

/** Where the conversations are kept. */
interface Keeper {
  readonly name: string;
  readonly conversations: number;
  readonly settings: BotSettings;
  open(): Promise<ConversationStore>;
  /** What the store holds, in bytes: of Redis its used_memory, of the embedded store its files. */
  bytes(): Promise<number>;
  stop(): Promise<void>;
}

export async function measureFull(programs: Programs, options: FullOptions): Promise<Table> {
  const rows: (readonly Cell[])[] = [];
  for (const start of [() => startRedisKeeper(options.onRedis), () => startEmbeddedKeeper(options.embedded)]) {
    const keeper = await start();
    try {
      rows.push(await measureKeeper(programs, keeper, options));
    } finally {
      await keeper.stop();
    }
  }
  return {
    title: 'With many live conversations',
    note:
      'Each conversation has one turn, stored by the calls that the bot makes for it; what a turn leaves for its day ' +
      '(record, idempotency key) is in there too. Then the bot is started on that store, and asked for /stats once. One run.',
    columns: [
      ...['store', 'live conversations', 'stored, turns/s', 'store MB, empty', 'store MB', 'bytes a conversation'],
      ...['bot ready after ms', 'bot RSS MB', 'bot CPU ms/s, idle'],
    ],
    rows,
  };
}

async function measureKeeper(
  programs: Programs,
  keeper: Keeper,
  { idleMs, progress }: FullOptions,
): Promise<readonly Cell[]> {
  const { conversations } = keeper;
  progress(`${conversations} conversations: ${keeper.name}`);
  const store = await keeper.open();
  const empty = await keeper.bytes();
  const speed = await seed(store, conversations);
  await store.close();
  const full = await keeper.bytes();
  const product = await programs.startProduct({ ...productSettings('http://127.0.0.1:1/v1'), ...keeper.settings });
  try {
    const told = statsShape.parse(await (await fetch(`${product.url}/stats`)).json());
    if (told.total_users !== conversations) throw new Error(`The bot sees ${told.total_users} conversations.`);
    const idle = await idleOf(product.pid, idleMs);
    return [
      ...[keeper.name, conversations, speed, empty / MB, full / MB, (full - empty) / conversations],
      ...[product.readyMs, idle.rssBytes / MB, idle.cpuMsPerSecond],
    ];
  } finally {
    await product.stop();
  }
}

async function startRedisKeeper(conversations: number): Promise<Keeper> {
  const redis = await startRedis();
  const open = () =>
    createRedisStore({
      ...SEED_OPTIONS,
      redis: serverAt(redis.url),
      prefix: 'conversation',
      allowEviction: false,
      warn() {},
    });
  return {
    name: 'Redis',
    conversations,
    settings: { REDIS_URL: redis.url },
    open,
    async bytes() {
      const store = await open();
      const { server } = await store.stats();
      await store.close();
      return server.usedMemoryBytes ?? Number.NaN;
    },
    stop: redis.stop,
  };
}

async function startEmbeddedKeeper(conversations: number): Promise<Keeper> {
  const dataDir = await mkdtemp(join(tmpdir(), 'recollect-bench-'));
  return {
    name: 'embedded',
    conversations,
    settings: { DATA_DIR: dataDir },
    open: () => createSqliteStore({ ...SEED_OPTIONS, dataDir }),
    async bytes() {
      const files = await readdir(dataDir);
      const sizes = await Promise.all(files.map(async (file) => (await stat(join(dataDir, file))).size));
      return sizes.reduce((sum, size) => sum + size, 0);
    },
    stop: () => rm(dataDir, { recursive: true, force: true }),
  };
}
