/** Limits on quotes, which are stored with a message while it waits and are shown to the model. */
import type { Quote } from './types.ts';

/** Longest quote, in UTF-16 units: ordinary messages of Discord and Slack fit, pasted logs are cut. */
export const MAX_QUOTE = 4_000;
/** All quotes of one message together, in UTF-16 units. */
export const MAX_QUOTES_LENGTH = 16_000;
/** Longest name, in UTF-16 units. The model is shown less of it. */
const MAX_AUTHOR = 200;
/** Files of one quote. */
const MAX_FILES = 10;
const MARK = ' […]';

/** Keeps the last quotes, which are nearest to the message, within the limits for each and for all. */
export function boundQuotes(quotes: readonly Quote[]): readonly Quote[] {
  const kept: Quote[] = [];
  let room = MAX_QUOTES_LENGTH;
  for (const { author, text, files = [] } of quotes.toReversed()) {
    if (room <= 0) break;
    const shown = cut(text, Math.min(MAX_QUOTE, room));
    kept.push({
      author: author.slice(0, MAX_AUTHOR),
      text: shown,
      ...(files.length === 0 ? {} : { files: files.slice(0, MAX_FILES) }),
    });
    room -= shown.length;
  }
  return kept.reverse();
}

function cut(text: string, max: number): string {
  return text.length <= max ? text : `${text.slice(0, max).replace(/[\uD800-\uDBFF]$/, '')}${MARK}`;
}
