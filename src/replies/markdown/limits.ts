/**
 * Whether a text is worth reading as Markdown. Its readers take the square of the time for a text of little but markup, and
 * one call deeper for each quote or list within another (measured: micromark 2 took 29 s for 8,000 units of `a*_`, marked 2 s;
 * `> ` overflowed the stack of both). No text that people would read comes near these bounds.
 */

export interface MarkupBounds {
  /** Quotes and lists within each other. */
  readonly depth: number;
  /** Runs of delimiters, and brackets, from one blank line to the next. */
  readonly delimiters: number;
  /** These, the lines, and the marks of quotes and lists, in the whole text. */
  readonly marks: number;
}

/** Linear in the text, and ends where a bound is passed. */
export function isWithin(text: string, bounds: MarkupBounds): boolean {
  let marks = 0;
  let delimiters = 0;
  let depth = 0;
  let lineStart = true;
  let before = '';
  for (let at = 0; at < text.length; at += 1) {
    const character = text.charAt(at);
    if (character === '\n') {
      marks += 1;
      depth = 0;
      lineStart = true;
      if (before === '\n') delimiters = 0;
    } else if (lineStart && isContainer(text, at)) {
      marks += 1;
      depth += 1;
    } else {
      lineStart &&= isLead(character);
      // A run of one delimiter is one; of two that alternate, many.
      if (isDelimiter(character) && character !== before) {
        marks += 1;
        delimiters += 1;
      }
    }
    if (marks > bounds.marks || delimiters > bounds.delimiters || depth > bounds.depth) return false;
    before = character;
  }
  return true;
}

/** An address is looked for around each `@`. */
function isDelimiter(character: string): boolean {
  return '*_~[<@'.includes(character);
}

/** What may stand between the marks of containers: spaces, and the digits of a list's number. */
function isLead(character: string): boolean {
  return character === ' ' || character === '\t' || (character >= '0' && character <= '9');
}

/** A quote mark, or the end of a list's marker. */
function isContainer(text: string, at: number): boolean {
  const character = text.charAt(at);
  if (character === '>') return true;
  const next = text[at + 1] ?? '\n';
  return '-*+.)'.includes(character) && (next === ' ' || next === '\t' || next === '\n');
}
