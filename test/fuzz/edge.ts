/** An edge is a place where input from outside comes in; fuzzing it means that whatever comes, the bot goes on. */
import type { BotBuild } from '../support/bot-process.ts';

export interface FuzzRun {
  readonly runs: number;
  readonly seed: number;
  readonly build: Pick<BotBuild, 'main'>;
}

export interface FuzzResult {
  /** How often each thing became of an input, for people. */
  readonly outcomes: ReadonlyMap<string, number>;
  /** What must not happen, with the input. */
  readonly complaints: readonly string[];
}

export type FuzzEdge = (run: FuzzRun) => Promise<FuzzResult>;

/** Longest part of an input that a complaint shows. */
const SHOWN = 600;

export interface Tally extends FuzzResult {
  count(outcome: string): void;
  complain(what: string, input?: unknown): void;
}

export function createTally(): Tally {
  const outcomes = new Map<string, number>();
  const complaints: string[] = [];
  return {
    outcomes,
    complaints,
    count(outcome) {
      outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
    },
    complain(what, input) {
      const shown =
        input === undefined ? '' : `: ${(typeof input === 'string' ? input : JSON.stringify(input)).slice(0, SHOWN)}`;
      complaints.push(`${what}${shown}`);
    },
  };
}

/** Runs `use` on each input, `width` of them at the same time. */
export async function withEach<T>(inputs: Iterable<T>, width: number, use: (input: T) => Promise<void>): Promise<void> {
  const rest = inputs[Symbol.iterator]();
  const lane = async () => {
    for (let next = rest.next(); next.done !== true; next = rest.next()) await use(next.value);
  };
  await Promise.all(Array.from({ length: width }, lane));
}
