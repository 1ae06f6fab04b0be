/** What the benchmarks' model says to everything: 20 pieces, as a model streams a short paragraph. */
export const PIECES: readonly string[] = Array.from(
  { length: 20 },
  (_, index) => `These are the words of piece ${index}. `,
).with(-1, 'And that is all.');

export const ANSWER = PIECES.join('');
