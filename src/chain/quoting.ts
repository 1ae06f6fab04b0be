/** Marks around what somebody wrote, so that a model can tell it from instructions: pure functions. */

/** Every kind of line end, so that no line of what somebody wrote can stand at the margin. */
export function quotedLines(text: string): string {
  return text
    .split(/\r\n|[\n\r\v\f\u0085\u2028\u2029]/)
    .map((line) => `> ${line}`)
    .join('\n');
}

/** What looks like the first or last line of a block that only we write. */
const IMITATED_MARKS =
  /\[(?=Recalled from earlier in this|End of what was recalled|Facts that the person told|End of the facts|File "|End of the file|Attached files, which|Images, in the order)/gi;

/** A person's text, in which imitations of our marks begin with a round bracket. */
export function withoutMarks(text: string): string {
  return text.replace(IMITATED_MARKS, '(');
}

/** Replaces lone surrogates: they would become invalid UTF-8, and servers refuse the whole request. */
export function wellFormed(text: string): string {
  return text.replace(/\p{Surrogate}/gu, '\uFFFD');
}
