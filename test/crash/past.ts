/** What some conversations of a crash run begin with: older turns, of which the model is shown what fits, and facts. */

import { readSpoken } from '../../src/chain/prompt.ts';
import { newFactId } from '../../src/core/facts.ts';
import { personOf, type SessionId, toSessionId } from '../../src/core/session.ts';
import type { ConversationStore } from '../../src/core/store.ts';
import type { ChatMessage, IncomingMessage } from '../../src/core/types.ts';
import type { ModelCall } from '../support/model.ts';
import { answerTo } from '../support/visible-text.ts';
import { sessionOf } from './world.ts';

/** More than the window (MEMORY_WINDOW) holds, so that some of it can only be recalled. */
const TURNS = 20;
/** They are so long ago that their facts are not about to expire. */
const AGE_MS = 3_600_000;
const THINGS = ['garden', 'harbour', 'library', 'station', 'mountain'] as const;

export interface PastTurn {
  readonly id: string;
  readonly text: string;
  /** Negative: before the messages of the run. */
  readonly number: number;
}

/** Every third conversation. */
export function hasPast(conversation: number): boolean {
  return conversation % 3 === 1;
}

/** Oldest first; each is about one of the things that the messages of the run are about. */
export function pastTurns(conversation: number): readonly PastTurn[] {
  return Array.from({ length: TURNS }, (_, index) => ({
    id: `past-${index}`,
    text: `the ${thingOf(index)} of conversation ${conversation} is number ${index}`,
    number: index - TURNS,
  }));
}

/** What a message of the run asks about. */
export function thingOf(number: number): string {
  return THINGS[number % THINGS.length] ?? '';
}

function pastFacts(conversation: number): readonly string[] {
  return [`my name is Person ${conversation}`, `I live in house ${conversation}`];
}

/** Writes them, before any worker runs. */
export async function writePast(store: ConversationStore, conversations: number): Promise<void> {
  const numbers = Array.from({ length: conversations }, (_, number) => number).filter(hasPast);
  await Promise.all(numbers.map((conversation) => writeConversation(store, conversation)));
}

async function writeConversation(store: ConversationStore, conversation: number): Promise<void> {
  const { parts, id } = sessionOf(conversation);
  const sessionId = toSessionId(id);
  const since = Date.now() - AGE_MS;
  for (const [index, text] of pastFacts(conversation).entries()) {
    const fact = { id: newFactId(), text, saidAt: since + index };
    await store.facts.keep(sessionId, personOf(sessionId, parts.user), fact);
  }
  for (const [index, turn] of pastTurns(conversation).entries()) {
    await writeTurn(store, sessionId, parts.user, turn, since + index * 1_000);
  }
}

async function writeTurn(
  store: ConversationStore,
  sessionId: SessionId,
  user: string,
  { id, text }: PastTurn,
  sentAt: number,
): Promise<void> {
  const message: IncomingMessage = {
    ...{ id, turnId: id, idempotencyKeys: [id], platform: 'recording', sessionId, text, sentAt },
    ...{ author: { id: user, name: user }, isDirect: false, isMention: true, locale: 'en' },
    replyTo: { platform: 'recording' },
  };
  const result = await store.enqueue(message, { token: `past:${id}` });
  if (result.kind !== 'claimed') throw new Error(`A turn of the past was ${result.kind}.`);
  const { lease } = result.turn;
  await store.commit(lease, message, { text: answerTo(text), timestamp: sentAt + 500, stopped: false, tokens: 20 });
  await store.complete(lease);
}

/** Splits what is remembered into the past and what came in the run, and says what is missing of the past. */
export function splitPast(
  conversation: number,
  remembered: readonly ChatMessage[],
): { readonly run: readonly ChatMessage[]; readonly missing: number } {
  const run = remembered.filter(({ source }) => !source.startsWith('past-'));
  const kept = remembered.length - run.length;
  return { run, missing: hasPast(conversation) ? 2 * TURNS - kept : kept };
}

function isExcerptOf(conversation: number, text: string): boolean {
  return (
    text.startsWith('message ') && text.includes(` of conversation ${conversation}, `) && text.includes('so it goes')
  );
}

/**
 * What is wrong with what a call was shown of facts and recalled messages.
 * @param own the conversation of the message that it answers
 * @param said texts of messages of the run, by their conversation
 */
export function pastComplaints(
  call: ModelCall,
  own: number,
  said: (text: string) => number | undefined,
): { readonly complaints: readonly string[]; readonly recalled: number } {
  const complaints: string[] = [];
  const shown = call.messages.filter(({ role }) => role === 'user').map(({ content }) => readSpoken(content));
  const facts = shown.flatMap((message) => message.facts);
  const expected = hasPast(own) ? pastFacts(own) : [];
  if (facts.join('\n') !== expected.join('\n')) complaints.push(`facts: conversation ${own} was shown “${facts}”`);
  const recalled = shown.flatMap((message) => message.recalled.said);
  for (const text of recalled) {
    // Of a long message, an excerpt is shown.
    const isOwn =
      said(text) === own ||
      isExcerptOf(own, text) ||
      (hasPast(own) && pastTurns(own).some((turn) => turn.text === text));
    if (!isOwn) complaints.push(`recall: conversation ${own} was shown “${text.slice(0, 80)}”`);
  }
  return { complaints, recalled: recalled.length };
}
