/**
 * LoCoMo (Maharana et al., 2024; https://github.com/snap-research/locomo, data/locomo10.zip): ten long conversations, and questions
 * whose evidence in them is known. CC BY-NC 4.0, so it is not in this repository.
 */
import { readFileSync } from 'node:fs';
import { inflateRawSync } from 'node:zlib';
import { z } from 'zod';
import type { ChatMessage } from '../../src/core/types.ts';

export interface Question {
  readonly text: string;
  /** Indexes of messages. */
  readonly evidence: readonly number[];
}

export interface LongConversation {
  readonly messages: readonly ChatMessage[];
  readonly questions: readonly Question[];
}

const said = z.object({ speaker: z.string(), dia_id: z.string(), text: z.string() });
const conversation = z
  .object({
    qa: z.array(z.object({ question: z.string(), evidence: z.array(z.string()).optional(), category: z.number() })),
  })
  .catchall(z.unknown());

/** Questions of this category have no answer in the conversation. */
const ADVERSARIAL = 5;
/** Milliseconds between two sessions, and between two messages of one: the real times are years ago, beyond any retention. */
const BETWEEN_SESSIONS_MS = 7_200_000;
const BETWEEN_MESSAGES_MS = 1_000;

/** @param now Unix milliseconds at which the last session took place */
export function readLocomo(path: string, now: number): readonly LongConversation[] {
  return unzipped(readFileSync(path)).map((text) => toConversation(text, now));
}

function toConversation(text: string, now: number): LongConversation {
  const { qa, ...rest } = conversation.parse(JSON.parse(text));
  const numbers = Object.keys(rest).flatMap((name) => Number(/^session_(\d+)$/.exec(name)?.[1] ?? Number.NaN));
  const sessions = numbers.filter((number) => number > 0).sort((one, other) => one - other);
  const all = sessions.flatMap((number, index) => {
    const startedAt = now - (sessions.length - index) * BETWEEN_SESSIONS_MS;
    return z
      .array(said)
      .parse(rest[`session_${number}`])
      .map((message, at) => ({ ...message, sentAt: startedAt + at * BETWEEN_MESSAGES_MS }));
  });
  const indexes = new Map(all.map(({ dia_id }, index) => [dia_id, index]));
  const questions = qa
    .filter(({ category }) => category !== ADVERSARIAL)
    .map(({ question, evidence = [] }): Question => {
      const ids = evidence.flatMap((ids) => ids.match(/D\d+:\d+/g) ?? []).map((id) => id.replace(/:0+(?=\d)/, ':'));
      return { text: question, evidence: [...new Set(ids.flatMap((id) => indexes.get(id) ?? []))] };
    })
    .filter(({ evidence }) => evidence.length > 0);
  return { messages: all.map((message, index) => toHalf(message, index)), questions };
}

/** The speakers' messages in turn are the halves of turns; each names its speaker, as where people share a conversation. */
function toHalf(message: z.infer<typeof said> & { readonly sentAt: number }, index: number): ChatMessage {
  const turn = `t${index >> 1}`;
  return {
    role: index % 2 === 0 ? 'user' : 'assistant',
    content: message.text,
    timestamp: message.sentAt,
    ...{ turn, source: turn, authorId: message.speaker, author: message.speaker },
  };
}

/** The JSON files of a ZIP archive (PKWARE's APPNOTE.TXT: the central directory at its end names them all). */
function unzipped(archive: Buffer): readonly string[] {
  const end = archive.lastIndexOf(Buffer.from('PK\x05\x06', 'latin1'));
  if (end < 0) throw new TypeError('--data must name a ZIP archive: data/locomo10.zip of snap-research/locomo.');
  const files: string[] = [];
  let at = archive.readUInt32LE(end + 16);
  for (let left = archive.readUInt16LE(end + 10); left > 0; left -= 1) {
    const size = archive.readUInt32LE(at + 20);
    const nameLength = archive.readUInt16LE(at + 28);
    const name = archive.toString('utf8', at + 46, at + 46 + nameLength);
    const local = archive.readUInt32LE(at + 42);
    const from = local + 30 + archive.readUInt16LE(local + 26) + archive.readUInt16LE(local + 28);
    const packed = archive.subarray(from, from + size);
    if (name.endsWith('.json'))
      files.push((archive.readUInt16LE(at + 10) === 8 ? inflateRawSync(packed) : packed).toString('utf8'));
    at += 46 + nameLength + archive.readUInt16LE(at + 30) + archive.readUInt16LE(at + 32);
  }
  return files;
}
