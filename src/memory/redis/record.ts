/** Parses turn records and inbox elements from Redis. */

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

/** A hash as HGETALL or a script returns it. */
export type Fields = ReadonlyMap<string, string>;

/** @throws TypeError if the reply is not a flat list of strings, so not our data */
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

/** Undefined if there is no such record. */
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
    // The answer is stored as its element. Anything else is shown as it is, rather than nothing.
    ...(answer === undefined ? {} : { answer: said?.content ?? answer }),
    ...(said?.cut === undefined ? {} : { cut: said.cut }),
    ...(said?.unread === undefined ? {} : { unread: said.unread }),
    ...(fields.has('stopped') ? { stopped: true } : {}),
    ...(outcome === undefined ? {} : { outcome }),
    ...(code === undefined ? {} : { code }),
  };
}

/** The followers of the turn. */
export function parseFollowers(text: string | null | undefined): readonly string[] {
  return text == null || text === '' ? [] : text.split(',');
}

/** The messages of these elements, without expired ones. Corrupt ones are reported to the observer. */
export function readElements(
  { observer, maxTtl }: Pick<StoreOptions, 'observer' | 'maxTtl'>,
  sessionId: SessionId,
  elements: readonly string[],
): { readonly messages: readonly ChatMessage[]; readonly corrupt: number } {
  const found = readable(elements, { now: Date.now(), maxTtl });
  if (found.corrupt > 0) observer.badElement(sessionId, found.corrupt);
  return found;
}

/** The fields of the record that store a message ref, as field, value pairs. */
export function refFields(part: number, ref: MessageRef): string[] {
  return [
    ...(ref.intentAt === undefined ? [] : [`intent:${part}`, String(ref.intentAt)]),
    ...(ref.id === undefined ? [] : [`handle:${part}`, ref.id]),
  ];
}

/**
 * The lines of an inbox element after its generation: the part that stays after /forget, the text, other private data, the files.
 */
export function toElement(message: IncomingMessage): string {
  const { text, author, quotes, attachments, ...rest } = message;
  const skeleton = { ...rest, author: { id: author.id } };
  const aside = { name: author.name, quotes };
  return [skeleton, text, aside, attachments ?? []].map((line) => JSON.stringify(line)).join('\n');
}

/** Undefined if the element is corrupt. */
export function fromElement(element: string): IncomingMessage | undefined {
  const [, skeleton, text, aside, files] = element.split('\n');
  if (skeleton === undefined || text === undefined || aside === undefined) return undefined;
  try {
    const { author, ...rest } = JSON.parse(skeleton);
    const { name, ...more } = JSON.parse(aside);
    // Before files had a line of their own, their names were among the other private data.
    const attachments = files === undefined ? more.attachments : JSON.parse(files);
    return parseStoredMessage({
      ...rest,
      ...more,
      ...(attachments?.length > 0 ? { attachments } : { attachments: undefined }),
      text: JSON.parse(text),
      author: { id: author?.id, name: name ?? '' },
    });
  } catch {
    return undefined;
  }
}
