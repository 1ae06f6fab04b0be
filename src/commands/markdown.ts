/** Escapes other people's text inside the bot's own answers, so that it cannot act as markup there. */

/** Line ends of every kind: a quote mark must stand before each line. */
const LINE_END = /\r\n|[\n\r\v\f\u0085\u2028\u2029]/;
/** What Markdown, on either platform, reads as more than text; `@`, `<` and `&` would begin mentions. */
const ACTIVE = /[\\`*_~|[\]()<>#@&]/g;
/** Controls, and marks that turn the direction of the text around them. */
const INVISIBLE = /[\p{Cc}\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff]+/gu;

/** A quote block: every line starts with `> `, and an open code fence is closed at the end. */
export function quote(text: string): string {
  const lines = text.split(LINE_END);
  if ((text.match(/```/g)?.length ?? 0) % 2 === 1) lines.push('```');
  return lines.map((line) => `> ${line}`).join('\n');
}

/** `head` with a quotation under it, shortened so that both take `space` UTF-16 units at most. */
export function quoteWithin(head: string, text: string, space: number): string {
  const whole = `${head}\n${quote(text)}`;
  if (whole.length <= space) return whole;
  let fits = `${head}\n${quote('…')}`;
  let low = 1;
  let high = Math.min(text.length, space);
  // A quotation is longer than its text by its lines.
  while (low <= high) {
    const length = Math.ceil((low + high) / 2);
    const block = `${head}\n${quote(cut(text, length))}`;
    if (block.length <= space) {
      fits = block;
      low = length + 1;
    } else {
      high = length - 1;
    }
  }
  return fits;
}

/** One line of plain text, its Markdown made inactive. */
export function plainLine(text: string, maxLength: number): string {
  return cut(oneLine(text), maxLength).replace(ACTIVE, '\\$&');
}

/** One line without controls; Markdown stays, so this is for labels, where there is none. */
export function oneLine(text: string): string {
  return text.replace(INVISIBLE, ' ').replace(/\s+/g, ' ').trim();
}

/** What stands between two backticks: one line without any. */
export function codeText(text: string, maxLength: number): string {
  return cut(oneLine(text).replaceAll('`', 'ˋ'), maxLength);
}

/** At most `maxLength` UTF-16 units, "…" at the end when something was cut off; never half a surrogate pair. */
export function cut(text: string, maxLength: number): string {
  if (text.length <= maxLength) return text;
  const end = maxLength - 1;
  const last = text.charCodeAt(end - 1);
  return `${text.slice(0, last >= 0xd800 && last <= 0xdbff ? end - 1 : end)}…`;
}
