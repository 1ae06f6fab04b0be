/** Waits for answers on platforms where what the bot writes is seen by a callback. */

export interface Answers {
  /** Resolves when the bot's whole answer stands in this place. One waiter a place. */
  in(place: string): Promise<void>;
  stands(place: string): void;
}

export function createAnswers(): Answers {
  const waiting = new Map<string, () => void>();
  return {
    in: (place) => new Promise((resolve) => waiting.set(place, resolve)),
    stands(place) {
      const resolve = waiting.get(place);
      waiting.delete(place);
      resolve?.();
    },
  };
}
