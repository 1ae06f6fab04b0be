/** How much of other people's messages goes with one: they are stored with it while it waits, and shown to the model. */
import type { Quote } from './types.ts';

/** Longest quoted text, in UTF-16 units: Discord's and Slack's own messages fit whole, pasted logs are cut. */
export const MAX_QUOTE = 4_000;
/** All quotes of one message together, in UTF-16 units. */
export const MAX_QUOTES_LENGTH = 16_000;
/** Longest name, in UTF-16 units; what the model is shown of it is shorter. */
const MAX_AUTHOR = 200;
const MARK = ' […]';

/** The last quotes, as they are nearest to the message, each and all together no longer than they may be. */
export function boundQuotes(quotes: readonly Quote[]): readonly Quote[] {
  const kept: Quote[] = [];
  let room = MAX_QUOTES_LENGTH;
  for (const { author, text } of quotes.toReversed()) {
    if (room <= 0) break;
    const shown = cut(text, Math.min(MAX_QUOTE, room));
    kept.push({ author: author.slice(0, MAX_AUTHOR), text: shown });
    room -= shown.length;
  }
  return kept.reverse();
}

function cut(text: string, max: number): string {
  return text.length <= max ? text : `${text.slice(0, max).replace(/[\uD800-\uDBFF]$/, '')}${MARK}`;
}
