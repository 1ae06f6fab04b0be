/** Texts that are cut to a number of estimated tokens. */
import { estimateTokens } from './tokens.ts';

const CUT = '\n[… cut here …]\n';
/** Spaces count least: this many are one estimated token. */
const MOST_UNITS_PER_TOKEN = 6;

/** At most that many estimated tokens: the beginning, a mark, the end. */
export function cutInTheMiddle(text: string, tokens: number): string {
  const most = tokens * MOST_UNITS_PER_TOKEN;
  if (text.length <= most && estimateTokens(text) <= tokens) return text;
  const cutTo = (kept: number) => {
    const head = text.slice(0, Math.ceil(kept * 0.6)).replace(/[\uD800-\uDBFF]$/, '');
    const tail = text.slice(text.length - Math.floor(kept * 0.4)).replace(/^[\uDC00-\uDFFF]/, '');
    return head + CUT + (kept * 0.4 < 1 ? '' : tail);
  };
  let fits = 0;
  // A long text costs no more than a short one.
  let tooMany = Math.min(text.length, most + 1);
  while (tooMany - fits > 1) {
    const middle = Math.floor((fits + tooMany) / 2);
    if (estimateTokens(cutTo(middle)) <= tokens) fits = middle;
    else tooMany = middle;
  }
  return cutTo(fits);
}
