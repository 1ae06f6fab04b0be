/** Recall: which of the older messages are shown beside a question. */
import type { ContextCosts, HistoryMessage, Recalled } from '../../core/ports.ts';
import { isSameTalk, type Ranked, rank } from './ranking.ts';
import { termsOf } from './terms.ts';

/** Longest text shown of one message, in UTF-16 units: one long answer must not take the room of all others. */
const LONGEST_EXCERPT = 800;
/** Of a longer text, what is shown before the first match. */
const BEFORE_MATCH = 200;
const CUT = '[…]';
/** Messages that have less in common with the question than this share of the best one are not worth their tokens. */
const WORTH_SHOWING = 0.15;

/** Estimated tokens; with fewer left the search for something that fits ends. */
const LEAST_ROOM = 12;

export interface RecallRequest<M extends HistoryMessage> {
  /** Older than everything else that is shown, oldest first. */
  readonly older: readonly M[];
  readonly question: string;
  /** The person's message before it, with which a short follow-up is searched. */
  readonly before: string | undefined;
  /** Estimated tokens of all that is recalled, its frame included. */
  readonly tokens: number;
  readonly costs: ContextCosts;
}

/** The best matches within the bound, oldest first. */
export function recall<M extends HistoryMessage>(
  request: RecallRequest<M>,
): {
  readonly recalled: readonly Recalled<M>[];
  readonly tokens: number;
} {
  const { older, question, costs } = request;
  const ranked = rank(older, termsOf(question, request.before));
  const order = bestFirst(ranked);
  const chosen = new Map<number, string>();
  let tokens = costs.recallFrame;
  for (const index of order) {
    const message = older[index];
    if (request.tokens - tokens < LEAST_ROOM) break;
    if (message === undefined) continue;
    const text = excerpt(message.content, ranked[index]?.firstMatch ?? 0);
    const before = older[Math.max(-1, ...[...chosen.keys()].filter((other) => other < index))];
    const after = older[Math.min(older.length, ...[...chosen.keys()].filter((other) => other > index))];
    const passages = begins(before, message) + begins(message, after) - begins(before, after);
    const cost = costs.recalled({ ...message, content: text }) + costs.passage * passages;
    if (tokens + cost > request.tokens) continue;
    tokens += cost;
    chosen.set(index, text);
  }
  if (chosen.size === 0) return { recalled: [], tokens: 0 };
  const shown = [...chosen].sort(([one], [other]) => one - other);
  const recalled = shown.flatMap(([index, text], at): Recalled<M>[] => {
    const message = older[index];
    const before = older[shown[at - 1]?.[0] ?? -1];
    return message === undefined ? [] : [{ message, text, begins: begins(before, message) === 1 }];
  });
  return { recalled, tokens };
}

/** 1 where a message begins a passage after the one shown before it; 0 where there is no such message. */
function begins(before: HistoryMessage | undefined, message: HistoryMessage | undefined): 0 | 1 {
  return message === undefined || isSameTalk(before, message) ? 0 : 1;
}

/** Those worth showing, the best first; of equal ones the newest, which is more likely to hold still. */
function bestFirst(ranked: readonly Ranked[]): readonly number[] {
  const best = ranked.reduce((most, { score }) => Math.max(most, score), 0);
  return ranked
    .map(({ score }, index) => ({ score, index }))
    .filter(({ score }) => score > 0 && score >= best * WORTH_SHOWING)
    .sort((one, other) => other.score - one.score || other.index - one.index)
    .map(({ index }) => index);
}

function excerpt(text: string, firstMatch: number): string {
  if (text.length <= LONGEST_EXCERPT) return text;
  const from = Math.min(Math.max(0, firstMatch - BEFORE_MATCH), text.length - LONGEST_EXCERPT);
  const shown = text
    .slice(from, from + LONGEST_EXCERPT)
    .replace(/^[\uDC00-\uDFFF]/, '')
    .replace(/[\uD800-\uDBFF]$/, '');
  return `${from > 0 ? `${CUT} ` : ''}${shown}${from + LONGEST_EXCERPT < text.length ? ` ${CUT}` : ''}`;
}
