/** What the memory benchmarks put to the test: the product's store, and two other ways to keep a conversation in Redis. */

/** One turn of a benchmark's conversation. */
export interface BenchTurn {
  /** Number of the conversation. */
  readonly conversation: number;
  /** Number of the turn in its conversation, from 1. */
  readonly turn: number;
  /** Number of the person who asks, in a conversation that several people share. */
  readonly person?: number;
  readonly question: string;
  readonly answer: string;
}

export interface MemoryClient {
  /**
   * Does what must be there before `open` and `commit`; not measured.
   * @param lists the turns of a list are run in their order, the lists side by side
   */
  prepare(lists: readonly (readonly BenchTurn[])[]): Promise<void>;
  /** Before the model: gives how many messages the model would be shown. */
  open(turn: BenchTurn): Promise<number>;
  /** After the model: the turn is remembered when it resolves. */
  commit(turn: BenchTurn): Promise<void>;
  /** Reads what the model would be shown and writes nothing that the way itself doesn't write when it reads. */
  read(conversation: number): Promise<number>;
  /** Remembers a turn as {@link commit} leaves it, without what a turn needs besides. */
  fill(turn: BenchTurn): Promise<void>;
  /** Resolves when Redis has answered everything that was sent before. @throws what failed unseen */
  flushed(): Promise<void>;
  close(): Promise<void>;
}

/** Does the turns of each list in their order, the lists side by side. */
export async function inOrder(
  lists: readonly (readonly BenchTurn[])[],
  one: (turn: BenchTurn) => Promise<unknown>,
): Promise<void> {
  await Promise.all(
    lists.map(async (turns) => {
      for (const turn of turns) await one(turn);
    }),
  );
}

/** Seconds a conversation is remembered, in all ways. */
export const TTL_S = 1_800;
/** Messages the model is shown, where a way can tell. */
export const WINDOW = 20;

/**
 * Ways to keep a conversation. `recollect-whole` is the product's store with its whole turn protocol, not only the part that
 * the others have too.
 */
export const KEEPERS = ['recollect', 'recollect-whole', 'tutorial', 'langchain'] as const;
export type Keeper = (typeof KEEPERS)[number];

/** With one whose speed alone is of interest: `least` promises nothing. */
export const CONTENDERS = ['recollect', 'recollect-whole', 'tutorial', 'langchain', 'least'] as const;
export type Contender = (typeof CONTENDERS)[number];

export const TITLES: Readonly<Record<Contender, string>> = {
  recollect: 'recollect: open, commit',
  'recollect-whole': 'recollect: enqueue, claim, open, commit, complete',
  tutorial: 'tutorial way',
  langchain: '@langchain/redis',
  least: 'LRANGE, RPUSH of both',
};

/** Something of each. */
export type PerContender<T> = Readonly<Record<Contender, T>>;

export function perContender<T>(make: (contender: Contender) => T): PerContender<T> {
  return {
    recollect: make('recollect'),
    'recollect-whole': make('recollect-whole'),
    tutorial: make('tutorial'),
    langchain: make('langchain'),
    least: make('least'),
  };
}
