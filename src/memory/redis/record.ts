/** Turn records and inbox elements as Redis keeps them, parsed back into the vocabulary. */

import type { SessionId } from '../../core/session.ts';
import type { StoreOptions } from '../../core/store.ts';
import {
  type ChatMessage,
  type IncomingMessage,
  type MessageRef,
  TURN_STATES,
  type TurnRecord,
} from '../../core/types.ts';
import { ERROR_CODES } from '../../errors.ts';
import { parseElement, parseStoredMessage, readable } from '../elements.ts';

/** A hash as HGETALL or a script gives it. */
export type Fields = ReadonlyMap<string, string>;

/** @throws TypeError when the reply is no flat list of strings: then this is not our data. */
export function fieldsOf(reply: unknown): Fields {
  if (!Array.isArray(reply)) throw new TypeError('A hash was expected.');
  const fields = new Map<string, string>();
  for (let index = 0; index + 1 < reply.length; index += 2) fields.set(String(reply[index]), String(reply[index + 1]));
  return fields;
}

const OUTCOMES = ['answered', 'failed', 'forgotten'] as const;

function oneOf<T extends string>(values: readonly T[], text: string | undefined): T | undefined {
  return values.find((value) => value === text);
}

/** Undefined when there is no such record. */
export function parseRecord(fields: Fields): TurnRecord | undefined {
  const state = oneOf(TURN_STATES, fields.get('state'));
  if (state === undefined) return undefined;
  const count = (name: string): number => Number(fields.get(name) ?? 0);
  const messageRefs = new Map<number, MessageRef>();
  for (const [name, value] of fields) {
    const match = /^(intent|handle):(\d+)$/.exec(name);
    if (match === null) continue;
    const part = Number(match[2]);
    const saved = match[1] === 'intent' ? { intentAt: Number(value) } : { id: value };
    messageRefs.set(part, { ...messageRefs.get(part), ...saved });
  }
  const answer = fields.get('answer');
  const said = answer === undefined ? undefined : parseElement(answer);
  const outcome = oneOf(OUTCOMES, fields.get('outcome'));
  const code = oneOf(ERROR_CODES, fields.get('code'));
  return {
    state,
    attempt: count('attempt'),
    takeovers: count('takeovers'),
    failures: count('failures'),
    startedAt: count('startedAt'),
    messageRefs,
    stopRequested: fields.has('stop'),
    // An answer is kept as its element; what is none is shown as it is, rather than nothing.
    ...(answer === undefined ? {} : { answer: said?.content ?? answer }),
    ...(said?.cut === undefined ? {} : { cut: said.cut }),
    ...(fields.has('stopped') ? { stopped: true } : {}),
    ...(outcome === undefined ? {} : { outcome }),
    ...(code === undefined ? {} : { code }),
  };
}

/** Processes that follow the turn, as the record names them. */
export function parseFollowers(text: string | null | undefined): readonly string[] {
  return text == null || text === '' ? [] : text.split(',');
}

/** The messages among these elements, without those that are over; the observer hears of those that cannot be read. */
export function readElements(
  { observer, maxTtl }: Pick<StoreOptions, 'observer' | 'maxTtl'>,
  sessionId: SessionId,
  elements: readonly string[],
): { readonly messages: readonly ChatMessage[]; readonly corrupt: number } {
  const found = readable(elements, { now: Date.now(), maxTtl });
  if (found.corrupt > 0) observer.badElement(sessionId, found.corrupt);
  return found;
}

/** The record fields that a ref is kept in, as field, value pairs. */
export function refFields(part: number, ref: MessageRef): string[] {
  return [
    ...(ref.intentAt === undefined ? [] : [`intent:${part}`, String(ref.intentAt)]),
    ...(ref.id === undefined ? [] : [`handle:${part}`, ref.id]),
  ];
}

/** The lines of an inbox element behind its generation: what stays after /forget, the text, what is private besides it. */
export function toElement(message: IncomingMessage): string {
  const { text, author, quotes, attachments, ...rest } = message;
  const skeleton = { ...rest, author: { id: author.id } };
  const aside = { name: author.name, quotes, attachments };
  return [skeleton, text, aside].map((line) => JSON.stringify(line)).join('\n');
}

/** Undefined when the element is not one of ours. */
export function fromElement(element: string): IncomingMessage | undefined {
  const [, skeleton, text, aside] = element.split('\n');
  if (skeleton === undefined || text === undefined || aside === undefined) return undefined;
  try {
    const { author, ...rest } = JSON.parse(skeleton);
    const { name, ...more } = JSON.parse(aside);
    return parseStoredMessage({
      ...rest,
      ...more,
      text: JSON.parse(text),
      author: { id: author?.id, name: name ?? '' },
    });
  } catch {
    return undefined;
  }
}
