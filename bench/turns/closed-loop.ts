/** People who talk, each with one message on its way at a time: when the answer is whole, the next one follows at once. */

/** Says something in this conversation (by number, from 0); resolves when the whole answer can be read. */
export type Talk = (conversation: number) => Promise<void>;

export interface LoopResult {
  readonly turns: number;
  /** From the first message to the last answer. */
  readonly elapsedMs: number;
  /** Of each turn, ascending. */
  readonly latenciesMs: readonly number[];
}

/** Begins turns for `ms` milliseconds in so many conversations, and waits for those on their way. */
export async function closedLoop(talk: Talk, conversations: number, ms: number): Promise<LoopResult> {
  const latenciesMs: number[] = [];
  const startedAt = performance.now();
  const converse = async (conversation: number) => {
    for (let now = performance.now(); now < startedAt + ms; now = performance.now()) {
      await talk(conversation);
      latenciesMs.push(performance.now() - now);
    }
  };
  await Promise.all(Array.from({ length: conversations }, (_, conversation) => converse(conversation)));
  const elapsedMs = performance.now() - startedAt;
  return { turns: latenciesMs.length, elapsedMs, latenciesMs: latenciesMs.sort((a, b) => a - b) };
}
