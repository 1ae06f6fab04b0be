/**
 * Whether a text may be parsed as Markdown. Parsers take quadratic time for a text of little but markup, and one level of
 * recursion for each nested quote or list (measured: micromark 2 took 29 s for 8,000 units of `a*_`, marked 2 s; `> ` overflowed
 * the stack of both). Readable texts stay far below these limits.
 */

export interface MarkupBounds {
  /** Nested quotes and lists. */
  readonly depth: number;
  /** Runs of delimiters, and brackets, between two blank lines. */
  readonly delimiters: number;
  /** Delimiters, lines, and the markers of quotes and lists, in the whole text. */
  readonly marks: number;
}

/** Linear in the length of the text. Stops where a limit is exceeded. */
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
      // A run of the same delimiter counts once, alternating delimiters each time.
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

/** `@` counts too: parsers look for an email address around each. */
function isDelimiter(character: string): boolean {
  return '*_~[<@'.includes(character);
}

/** Allowed between the markers of containers: spaces, and the digits of a list's number. */
function isLead(character: string): boolean {
  return character === ' ' || character === '\t' || (character >= '0' && character <= '9');
}

/** A quote mark, or the end of a list marker. */
function isContainer(text: string, at: number): boolean {
  const character = text.charAt(at);
  if (character === '>') return true;
  const next = text[at + 1] ?? '\n';
  return '-*+.)'.includes(character) && (next === ' ' || next === '\t' || next === '\n');
}
