/** A turn on its way into memory: its halves, its elements, and what the scripts that write it are handed. */
import { baseSession } from '../../core/session.ts';
import type { Answer } from '../../core/store.ts';
import type { ChatMessage, TurnLease } from '../../core/types.ts';
import { serialiseElement, type TurnMessage, turnHalves } from '../elements.ts';
import type { RedisContext } from './context.ts';
import { placeMember } from './members.ts';

/** A turn that is to be remembered: what was asked and said, both halves, and the elements that they are stored as. */
export interface WrittenTurn {
  readonly message: TurnMessage;
  readonly answer: Answer;
  readonly halves: readonly [ChatMessage, ChatMessage];
  readonly asked: string;
  readonly said: string;
}

export function writtenTurn(message: TurnMessage, answer: Answer): WrittenTurn {
  const halves = turnHalves(message, answer);
  return { message, answer, halves, asked: serialiseElement(halves[0]), said: serialiseElement(halves[1]) };
}

/**
 * The keys and arguments of commitTurn and appendTurn.
 * @param listed until when the conversation is listed at its place, at least (Unix milliseconds by Redis' clock); 0: not known
 */
export function turnArguments(
  { keys, options }: RedisContext,
  { sessionId, turnId, fence }: TurnLease,
  { message, answer, asked, said }: WrittenTurn,
  listed: number,
) {
  const own = keys.session(sessionId);
  const base = baseSession(sessionId);
  return [
    ...[own.list, own.meta, own.generation, own.ttl, base === sessionId ? own.ttl : keys.session(base).ttl],
    ...[own.fence, own.turn(turnId), own.place, fence, asked, said],
    ...[options.maxMessages, options.defaultTtl, options.minTtl, message.ttl ?? ''],
    ...[answer.tokens, placeMember(sessionId), answer.stopped ? '1' : '', listed],
  ];
}
