/** Judges a crash run by what the platform and the model saw and by what memory holds, not by the bot's own counters. */
import { readSpoken } from '../../src/chain/prompt.ts';
import type { ChatMessage } from '../../src/core/types.ts';
import type { FakeModel, ModelCall } from '../support/model.ts';
import type { RecordingPlatform } from '../support/recording-platform.ts';
import { differsFromMemory, isAnswer, saysFailed, saysForgotten, showsAnswer } from '../support/visible-text.ts';
import type { ChaosReport } from './chaos.ts';
import { fileComplaints } from './files.ts';
import { hasPast, pastComplaints, pastTurns, splitPast } from './past.ts';

/** One message of the run. */
export interface Said {
  readonly conversation: number;
  readonly number: number;
  readonly id: string;
  readonly text: string;
  /** Unix milliseconds at which the platform was told that it is stored. */
  ackedAt?: number;
  /** A /forget of its conversation was acked after it was taken: then it may have been answered, or not. */
  forgotten: boolean;
}

export interface Verdict {
  readonly messages: number;
  readonly answered: number;
  /** Told honestly that it went wrong, after as many attempts as the bot makes. */
  readonly failedSaid: number;
  readonly faults: number;
  readonly takenOver: number;
  /** Milliseconds from a kill, or the last fault behind it, to the next sign of another worker in the same reply, the longest. */
  readonly slowestTakeoverMs: number;
  readonly duplicates: number;
  readonly outOfOrder: number;
  readonly stuck: number;
  /** Acknowledged before a failover of Redis, and neither remembered nor said to have failed: not replicated when the primary died. */
  readonly lostToFailover: number;
  readonly halves: number;
  /** Replies whose visible text is not what memory holds of them. */
  readonly differing: number;
  /** What else must not be, in words; the five above are counted from it too. */
  readonly complaints: readonly string[];
}

/** The reply to this message has come to its end on the platform. */
export function isSettled(platform: RecordingPlatform, said: Said): boolean {
  const { replies, text, half } = platform.outcome(said.id);
  if (said.forgotten && replies === 0) return true;
  if (replies === 0 || half) return false;
  return showsAnswer(text, said.text) || saysFailed(text) || saysForgotten(text);
}

export function judge(
  said: readonly Said[],
  world: { readonly platform: RecordingPlatform; readonly model: FakeModel },
  calls: readonly ModelCall[],
  memory: ReadonlyMap<number, readonly ChatMessage[]>,
  chaos: ChaosReport,
  /** Redis replicates behind the acknowledgement: what a failover loses is counted apart. False: it may lose nothing. */
  mayLose: boolean,
): Verdict {
  const complaints: string[] = [];
  const counts = {
    duplicates: 0,
    outOfOrder: 0,
    stuck: 0,
    lostToFailover: 0,
    halves: 0,
    differing: 0,
    answered: 0,
    failedSaid: 0,
  };
  const complain = (kind: 'duplicates' | 'outOfOrder' | 'stuck' | 'halves' | 'differing', what: string) => {
    counts[kind] += 1;
    complaints.push(`${kind}: ${what}`);
  };
  const byConversation = group(said);

  for (const [conversation, messages] of byConversation) {
    let lastPostedAt = 0;
    const { run: remembered, missing } = splitPast(conversation, memory.get(conversation) ?? []);
    if (missing !== 0 && messages.every(({ forgotten }) => !forgotten)) {
      complain('halves', `conversation ${conversation} has lost ${missing} older messages`);
    }
    for (const one of messages) {
      const where = `conversation ${conversation}, message ${one.number} (${one.id})`;
      const { replies, text, half } = world.platform.outcome(one.id);
      const [first] = world.platform.visible(one.id);
      const echoed = showsAnswer(text, one.text);
      if (replies > 1) complain('duplicates', `${where} has ${replies} replies`);
      if (first !== undefined) {
        if (first.postedAt < lastPostedAt) complain('outOfOrder', `${where} was answered before its predecessor`);
        lastPostedAt = first.postedAt;
      }
      const halvesKept = remembered.filter((message) => message.source === one.id);
      if (mayLose && !one.forgotten && halvesKept.length === 0 && failedOver(one, chaos) && !saysFailed(text)) {
        // The promoted server knows nothing of it: not of the message, not of the answer, or not of a reply that had begun.
        counts.lostToFailover += 1;
        continue;
      }
      if (half) complain('halves', `${where} was never finished: ${text.slice(-40)}`);
      if (replies === 0 && !one.forgotten) complain('stuck', `${where} was never answered`);
      const wanted = echoed && !one.forgotten ? 2 : undefined;
      if (halvesKept.length > 2) complain('duplicates', `${where} is remembered ${halvesKept.length / 2} times`);
      if (halvesKept.length === 1) complain('halves', `${where} is remembered by half`);
      if (wanted !== undefined && halvesKept.length === 0)
        complain('halves', `${where} was answered and is not remembered`);
      if (echoed) counts.answered += 1;
      else if (replies > 0 && !half && !one.forgotten) {
        if (text.startsWith('echo:')) complain('halves', `${where} ends early: ${text.slice(0, 60)}…`);
        else if (halvesKept.length > 0) complain('halves', `${where} was said to have failed and is remembered`);
        else counts.failedSaid += 1;
      }
      const answer = halvesKept.find(({ role }) => role === 'assistant');
      // What a /forget took out of memory may be read where it was answered before.
      if (replies > 0 && !(one.forgotten && echoed) && differsFromMemory(text, one.text, answer)) {
        complain('differing', `${where} shows “${text}”, memory holds “${answer?.content ?? ''}”`);
      }
    }
    checkMemoryOrder(conversation, messages, remembered, (what) => complain('outOfOrder', what));
  }
  checkModel(calls, byConversation, complaints);
  for (const violation of world.platform.violations) complaints.push(`manners: ${violation}`);
  for (const refusal of world.model.refused()) complaints.push(`model: ${refusal}`);
  return { messages: said.length, ...counts, faults: chaos.length, ...takeovers(world.platform, chaos), complaints };
}

function failedOver({ ackedAt }: Said, chaos: ChaosReport): boolean {
  return ackedAt !== undefined && chaos.some(({ kind, at }) => kind === 'failover' && at >= ackedAt);
}

function group(said: readonly Said[]): Map<number, Said[]> {
  const groups = new Map<number, Said[]>();
  for (const one of said) groups.set(one.conversation, [...(groups.get(one.conversation) ?? []), one]);
  return groups;
}

/** Whole turns, each in the order in which its message was said. */
function checkMemoryOrder(
  conversation: number,
  said: readonly Said[],
  remembered: readonly ChatMessage[],
  complain: (what: string) => void,
): void {
  let last = -1;
  for (let index = 0; index < remembered.length; index += 2) {
    const [user, assistant] = [remembered[index], remembered[index + 1]];
    const number = said.find(({ id }) => id === user?.source)?.number ?? -1;
    const whole = user?.role === 'user' && assistant?.role === 'assistant' && user.turn === assistant.turn;
    if (!whole || number <= last)
      complain(`memory of conversation ${conversation} is not in order at element ${index}`);
    last = number;
  }
}

/**
 * Each call was shown whole earlier turns of its own conversation, in order, its person's facts, recalled messages of that
 * conversation, and nothing else.
 */
function checkModel(
  calls: readonly ModelCall[],
  said: ReadonlyMap<number, readonly Said[]>,
  complaints: string[],
): void {
  const all = new Map([...said.values()].flat().map((one) => [one.text, one]));
  const earlierTurns = new Map<string, Pick<Said, 'text' | 'number' | 'conversation'>>(all);
  for (const conversation of [...said.keys()].filter(hasPast)) {
    for (const { text, number } of pastTurns(conversation)) earlierTurns.set(text, { text, number, conversation });
  }
  let recalled = 0;
  for (const call of calls) {
    const own = all.get(call.text);
    const [system, ...shown] = call.messages;
    if (own === undefined || system?.role !== 'system') {
      complaints.push(`model: a call about nothing that was said: ${call.text.slice(0, 60)}`);
      continue;
    }
    const past = pastComplaints(call, own.conversation, (text) => all.get(text)?.conversation);
    complaints.push(...past.complaints, ...fileComplaints(call, own.conversation, own.number));
    recalled += past.recalled;
    const earlier = shown.slice(0, -1);
    let last = Number.NEGATIVE_INFINITY;
    for (let index = 0; index < earlier.length; index += 2) {
      const asked = earlierTurns.get(readSpoken(earlier[index]?.content ?? '').text);
      const right = asked?.conversation === own.conversation && asked.number > last && asked.number < own.number;
      if (!right || !isAnswer(earlier[index + 1]?.content ?? '', asked.text)) {
        complaints.push(`model: ${own.id} was shown a turn that is not the one before it (position ${index})`);
        break;
      }
      last = asked.number;
    }
  }
  if (recalled === 0 && [...said.keys()].some(hasPast))
    complaints.push('recall: nothing was recalled in the whole run');
}

/** From a kill, or the last fault behind it, to the next thing another replica did in a reply that the killed one had begun. */
function takeovers(platform: RecordingPlatform, faults: ChaosReport): Pick<Verdict, 'takenOver' | 'slowestTakeoverMs'> {
  const byTrigger = new Map<string, { readonly at: number; readonly replica: string }[]>();
  for (const { trigger, at, replica } of platform.journal) {
    if (trigger === undefined) continue;
    const entries = byTrigger.get(trigger) ?? [];
    entries.push({ at, replica });
    byTrigger.set(trigger, entries);
  }
  let takenOver = 0;
  let slowestTakeoverMs = 0;
  for (const entries of byTrigger.values()) {
    for (const [index, { at, replica }] of entries.entries()) {
      const before = entries[index - 1];
      if (before === undefined || before.replica === replica) continue;
      takenOver += 1;
      const kill = faults.findLast((it) => it.kind === 'kill' && it.replica === before.replica && it.at <= at);
      if (kill === undefined || kill.at < before.at) continue;
      // Each further fault (of the one that was taking over, of Redis, of the queue) starts the clock again.
      const last = faults.findLast((it) => it.at <= at) ?? kill;
      slowestTakeoverMs = Math.max(slowestTakeoverMs, at - last.at);
    }
  }
  return { takenOver, slowestTakeoverMs };
}
