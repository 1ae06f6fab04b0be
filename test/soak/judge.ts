/** Judges a soak run by what people see, what the model was shown, and what memory holds; not by the bot's own counters. */
import type { ChatMessage } from '../../src/core/types.ts';
import type { ModelCall } from '../support/model.ts';
import { differsFromMemory, isAnswer, saysFailed, saysForgotten, showsAnswer } from '../support/visible-text.ts';
import type { Said } from './conversation.ts';
import { groupBy } from './group.ts';
import type { Outcome } from './surface.ts';

export interface Verdict {
  readonly answered: number;
  /** Told honestly that it went wrong. */
  readonly failedSaid: number;
  /** Caught by a /forget: it need not be answered. */
  readonly forgotten: number;
  readonly lost: number;
  readonly doubled: number;
  readonly outOfOrder: number;
  /** Replies that nobody ended, that are not what they should be, or turns of which memory has a part. */
  readonly halves: number;
  /** Replies whose visible text is not what memory holds of them. */
  readonly differing: number;
  /** In words, with ids; the five above are counted from it. */
  readonly complaints: readonly string[];
}

export type Complaint = 'lost' | 'doubled' | 'outOfOrder' | 'halves' | 'differing';

/** The reply to this message has come to its end. */
export function isSettled({ text, forgotten }: Said, outcome: Outcome): boolean {
  if (forgotten && outcome.replies === 0) return true;
  if (outcome.replies === 0 || outcome.half) return false;
  return showsAnswer(outcome.text, text) || saysFailed(outcome.text) || saysForgotten(outcome.text);
}

export interface Evidence {
  readonly said: readonly Said[];
  readonly seen: (one: Said) => Outcome;
  /** By conversation. */
  readonly memory: ReadonlyMap<number, readonly ChatMessage[]>;
  readonly calls: readonly ModelCall[];
}

export function judge({ said, seen, memory, calls }: Evidence): Verdict {
  const complaints: string[] = [];
  const counts = {
    answered: 0,
    failedSaid: 0,
    forgotten: 0,
    lost: 0,
    doubled: 0,
    outOfOrder: 0,
    halves: 0,
    differing: 0,
  };
  const complain = (kind: Complaint, what: string) => {
    counts[kind] += 1;
    complaints.push(`${kind}: ${what}`);
  };
  const conversations = groupBy(said, ({ conversation }) => conversation);

  for (const [number, own] of conversations) {
    const remembered = memory.get(number) ?? [];
    let last = '';
    for (const one of own) {
      const outcome = seen(one);
      const fate = judgeReply(one, outcome, complain);
      if (fate !== undefined) counts[fate] += 1;
      if (outcome.position < last && outcome.replies > 0) {
        complain('outOfOrder', `${nameOf(one)} was answered before its predecessor`);
      }
      if (outcome.replies > 0) last = outcome.position;
      const halves = halvesOf(one, remembered);
      judgeMemory(one, outcome, halves, complain);
      judgeText(one, outcome, halves, complain);
    }
    judgeMemoryOrder(number, own, remembered, complain);
  }
  judgeCalls(calls, said, complain);
  return { ...counts, complaints };
}

function nameOf({ platform, conversation, number, id, at }: Said): string {
  return `${platform} ${conversation}/${number} (${id}, ${new Date(at).toISOString()})`;
}

type Fate = 'answered' | 'failedSaid' | 'forgotten';

function judgeReply(one: Said, { replies, text, half }: Outcome, complain: Complain): Fate | undefined {
  const where = nameOf(one);
  if (replies > 1) complain('doubled', `${where} has ${replies} replies: ${cut(text)}`);
  if (half) complain('halves', `${where} was never ended: ${cut(text)}`);
  if (replies === 0) {
    if (one.forgotten) return 'forgotten';
    complain('lost', `${where} was never answered`);
    return undefined;
  }
  if (showsAnswer(text, one.text)) return 'answered';
  if (one.forgotten) return 'forgotten';
  if (saysFailed(text)) return 'failedSaid';
  if (saysForgotten(text)) complain('halves', `${where} was forgotten without a /forget`);
  else if (replies === 1 && !half) complain('halves', `${where} is not its answer: ${cut(text)}`);
  return undefined;
}

type Complain = (kind: Complaint, what: string) => void;

const cut = (text: string) => (text.length > 160 ? `${text.slice(0, 80)} … ${text.slice(-80)}` : text);

/** Both halves of a turn have the id of the person's message; over HTTP that is not told to anybody, the text is. */
function halvesOf({ text }: Said, remembered: readonly ChatMessage[]): readonly ChatMessage[] {
  const turns = new Set(
    remembered.filter(({ role, content }) => role === 'user' && content === text).map((it) => it.turn),
  );
  return remembered.filter(({ turn }) => turns.has(turn));
}

function judgeMemory(one: Said, outcome: Outcome, halves: readonly ChatMessage[], complain: Complain): void {
  const where = nameOf(one);
  if (halves.length > 2) complain('doubled', `${where} is remembered ${halves.length / 2} times`);
  if (halves.length === 1) complain('halves', `${where} is remembered by half`);
  if (one.erased && halves.length > 0) complain('halves', `${where} is remembered though it was forgotten`);
  const answered = outcome.replies > 0 && showsAnswer(outcome.text, one.text);
  if (answered && !one.forgotten && halves.length === 0)
    complain('lost', `${where} was answered and is not remembered`);
  const wrong = halves.find(({ role, content }) => role === 'assistant' && !isAnswer(content, one.text));
  if (wrong !== undefined) complain('halves', `${where} is remembered with another answer: ${cut(wrong.content)}`);
  if (saysFailed(outcome.text) && !answered && halves.length > 0) {
    complain('halves', `${where} was said to have failed and is remembered`);
  }
}

/** What a /forget took out of memory may be read where it was answered before. */
function judgeText(one: Said, { replies, text }: Outcome, halves: readonly ChatMessage[], complain: Complain): void {
  if (replies === 0 || (one.forgotten && showsAnswer(text, one.text))) return;
  const answer = halves.find(({ role }) => role === 'assistant');
  if (differsFromMemory(text, one.text, answer)) {
    complain('differing', `${nameOf(one)} shows “${cut(text)}”, memory holds “${cut(answer?.content ?? '')}”`);
  }
}

/** Whole turns, each in the order in which its message was said. */
function judgeMemoryOrder(
  conversation: number,
  said: readonly Said[],
  remembered: readonly ChatMessage[],
  complain: Complain,
): void {
  const numbers = new Map(said.map(({ text, number }) => [text, number]));
  let last = 0;
  for (let index = 0; index < remembered.length; index += 2) {
    const [user, assistant] = [remembered[index], remembered[index + 1]];
    const number = numbers.get(user?.content ?? '') ?? 0;
    if (user?.role !== 'user' || assistant?.role !== 'assistant' || user.turn !== assistant.turn) {
      complain('halves', `memory of conversation ${conversation} has no whole turn at element ${index}`);
      return;
    }
    if (number <= last) complain('outOfOrder', `memory of conversation ${conversation} at element ${index}`);
    last = number;
  }
}

/** Each call was shown whole earlier turns of its own conversation, in order, and nothing else. */
function judgeCalls(calls: readonly ModelCall[], said: readonly Said[], complain: Complain): void {
  const all = new Map(said.map((one) => [one.text, one]));
  for (const { text, messages, number } of calls) {
    const own = all.get(text);
    if (own === undefined) {
      complain('halves', `the model was asked (call ${number}) what nobody said: ${cut(text)}`);
      continue;
    }
    const earlier = messages.slice(1, -1);
    let last = 0;
    for (let index = 0; index < earlier.length; index += 2) {
      const asked = all.get(earlier[index]?.content ?? '');
      const fits = asked?.conversation === own.conversation && asked.number > last && asked.number < own.number;
      if (!fits || !isAnswer(earlier[index + 1]?.content ?? '', asked.text)) {
        complain('outOfOrder', `for ${nameOf(own)} the model was shown a turn that is not the one before (${index})`);
        break;
      }
      last = asked.number;
    }
  }
}
