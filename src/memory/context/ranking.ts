/** Ranks stored messages by what a question has in common with them. Nothing is kept from one call to the next. */
import type { HistoryMessage } from '../../core/ports.ts';
import { stemOf, type Term } from './terms.ts';

/** A message's relevance, and where in its text the first match is. */
export interface Ranked {
  readonly score: number;
  /** UTF-16 units from the start of the text; 0 where only a neighbour matches. */
  readonly firstMatch: number;
}

/** BM25 (Robertson and Zaragoza, 2009): how soon repetitions stop to count, and how much longer messages give way. */
const K1 = 1.2;
const B = 0.75;
/** What the neighbours of a message get of its score, in both directions: an answer seldom repeats the words of its question. */
const SPREAD = [0.7, 0.49];
/** Milliseconds of silence that end a talk: what comes later is about something else. */
const TALK_GAP_MS = 3_600_000;

/**
 * One result for each message, in their order; the score is 0 where nothing matches. For each term a message counts with its own
 * score or a neighbour's share, whichever is more, so that a passage that holds all terms beats one that repeats a single one.
 */
export function rank(messages: readonly HistoryMessage[], terms: readonly Term[]): readonly Ranked[] {
  const texts = messages.map(({ content }) => content.toLowerCase());
  const text = texts.join('\n');
  const starts = startsOf(texts);
  const average = text.length / Math.max(1, texts.length);
  const scores = new Float64Array(messages.length);
  const firstMatches = new Map<number, number>();
  for (const term of terms) {
    const counts = countMatches(text, starts, term, firstMatches);
    addSpeakers(counts, messages, term);
    if (counts.size === 0) continue;
    const rarity = Math.log(1 + (messages.length - counts.size + 0.5) / (counts.size + 0.5)) * term.weight;
    const own = new Map<number, number>();
    for (const [index, count] of counts) {
      const length = 1 - B + (B * (texts[index]?.length ?? 0)) / average;
      own.set(index, (rarity * count * (K1 + 1)) / (count + K1 * length));
    }
    for (const [index, score] of spread(own, messages)) scores[index] = (scores[index] ?? 0) + score;
  }
  return messages.map((_, index) => ({ score: scores[index] ?? 0, firstMatch: firstMatches.get(index) ?? 0 }));
}

/** Whether the second message continues the talk that the first is of. */
export function isSameTalk(
  one: Pick<HistoryMessage, 'timestamp'> | undefined,
  next: Pick<HistoryMessage, 'timestamp'> | undefined,
): boolean {
  if (one === undefined || next === undefined) return false;
  return Math.abs((next.timestamp ?? 0) - (one.timestamp ?? 0)) <= TALK_GAP_MS;
}

/** Where each text begins in the joined ones. */
function startsOf(texts: readonly string[]): readonly number[] {
  let at = 0;
  return texts.map(({ length }) => {
    const start = at;
    at += length + 1;
    return start;
  });
}

/** Matches by message. Linear in the text for each probe: a word is only stemmed where it begins like the stem. */
function countMatches(
  text: string,
  starts: readonly number[],
  { probes, stem }: Term,
  firstMatches: Map<number, number>,
): Map<number, number> {
  const counts = new Map<number, number>();
  const known = new Map<string, boolean>();
  for (const probe of probes) {
    let message = 0;
    for (let at = text.indexOf(probe); at >= 0; at = text.indexOf(probe, at + probe.length)) {
      if (stem !== undefined) {
        if (isWordUnit(text.charCodeAt(at - 1))) continue;
        const word = text.slice(at, endOfWord(text, at + probe.length));
        const matches = known.get(word) ?? stemOf(word) === stem;
        known.set(word, matches);
        if (!matches) continue;
      }
      while ((starts[message + 1] ?? Number.POSITIVE_INFINITY) <= at) message += 1;
      counts.set(message, (counts.get(message) ?? 0) + 1);
      const first = at - (starts[message] ?? 0);
      firstMatches.set(message, Math.min(first, firstMatches.get(message) ?? first));
    }
  }
  return counts;
}

/** Who says something is a word of it: "what did Ada say about tea?" */
function addSpeakers(counts: Map<number, number>, messages: readonly HistoryMessage[], { stem, probes }: Term): void {
  const known = new Map<string, boolean>();
  const named = (name: string) =>
    stem === undefined
      ? name.includes(probes[0] ?? '')
      : name.split(/[^\p{L}\p{M}\p{N}]/u).some((word) => word !== '' && stemOf(word) === stem);
  for (const [index, { author }] of messages.entries()) {
    if (author === undefined) continue;
    const matches = known.get(author) ?? named(author.toLowerCase());
    known.set(author, matches);
    if (matches) counts.set(index, (counts.get(index) ?? 0) + 1);
  }
}

function spread(own: ReadonlyMap<number, number>, messages: readonly HistoryMessage[]): ReadonlyMap<number, number> {
  const all = new Map(own);
  for (const [index, score] of own) {
    for (const direction of [-1, 1]) {
      for (const [steps, share] of SPREAD.entries()) {
        const neighbour = index + direction * (steps + 1);
        if (!isSameTalk(messages[neighbour - direction], messages[neighbour])) break;
        all.set(neighbour, Math.max(all.get(neighbour) ?? 0, share * score));
      }
    }
  }
  return all;
}

/** Letters and digits of scripts with spaces, and their marks; NaN, before the beginning, is none. */
function isWordUnit(unit: number): boolean {
  if (unit < 0x80) return (unit >= 0x61 && unit <= 0x7a) || (unit >= 0x30 && unit <= 0x39);
  return unit >= 0xc0 && unit < 0x2000 && !(unit >= 0xe00 && unit < 0xe80) && !(unit >= 0x1100 && unit < 0x1200);
}

function endOfWord(text: string, from: number): number {
  let end = from;
  while (end < text.length && isWordUnit(text.charCodeAt(end))) end += 1;
  return end;
}
