/**
 * A fast `text.startsWith(beginning)` for long strings that were built by concatenation. In startsWith, V8 compares such strings
 * piece by piece; slicing flattens them first (Node 20, 40,000 characters in pieces of 5: 20 ms instead of 330).
 */
export function beginsWith(text: string, beginning: string): boolean {
  return text.length >= beginning.length && text.slice(0, beginning.length) === beginning;
}
