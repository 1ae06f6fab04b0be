/** A turn on its way into memory: its halves, its elements, and what the scripts that write it are handed. */
import { baseSession } from '../../core/session.ts';
import type { Answer } from '../../core/store.ts';
import type { ChatMessage, TurnLease } from '../../core/types.ts';
import { serialiseElement, type TurnMessage, turnHalves } from '../elements.ts';
import type { RedisContext } from './context.ts';
import { placeMember } from './members.ts';

/** Both halves of a turn, and the elements that they are stored as. */
export interface WrittenTurn {
  readonly halves: readonly [ChatMessage, ChatMessage];
  readonly asked: string;
  readonly said: string;
}

export function writtenTurn(message: TurnMessage, answer: Answer): WrittenTurn {
  const halves = turnHalves(message, answer);
  return { halves, asked: serialiseElement(halves[0]), said: serialiseElement(halves[1]) };
}

/**
 * The keys and arguments of commitTurn and appendTurn.
 * @param listed until when the conversation is listed at its place, at least (Unix milliseconds by Redis' clock); 0: not known
 */
export function turnArguments(
  { keys, options }: RedisContext,
  lease: TurnLease,
  message: TurnMessage,
  answer: Answer,
  { asked, said }: WrittenTurn,
  listed: number,
) {
  const own = keys.session(lease.sessionId);
  const base = baseSession(lease.sessionId);
  return [
    ...[own.list, own.meta, own.generation, own.ttl, base === lease.sessionId ? own.ttl : keys.session(base).ttl],
    ...[own.fence, own.turn(lease.turnId), own.place, lease.fence, asked, said],
    ...[options.maxMessages, options.defaultTtl, options.minTtl, message.ttl ?? ''],
    ...[answer.tokens, placeMember(lease.sessionId), answer.stopped ? '1' : '', listed],
  ];
}
