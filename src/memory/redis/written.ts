/** A turn on its way into memory: its halves, its elements, and what the scripts of commit-scripts.ts are handed. */
import type { Answer } from '../../core/store.ts';
import type { ChatMessage, TurnLease } from '../../core/types.ts';
import { serialiseElement, type TurnMessage, turnHalves } from '../elements.ts';
import type { RedisContext } from './context.ts';

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

/** What the scripts that write turns are handed once, however many there are. */
export function commonArguments({
  keys,
  options,
}: Pick<RedisContext, 'keys' | 'options'>): readonly (string | number)[] {
  return [options.maxMessages, options.defaultTtl, options.minTtl, keys.places];
}

/**
 * What they are handed of each turn.
 * @param listed until when the conversation is listed at its place, at least (Unix milliseconds by Redis' clock); 0: not known
 */
export function turnArguments(
  { turnId, fence }: Pick<TurnLease, 'turnId' | 'fence'>,
  { message, answer, asked, said }: WrittenTurn,
  listed: number,
): readonly (string | number)[] {
  const stopped = answer.stopped ? '1' : '';
  return [fence, turnId, asked, said, message.ttl ?? '', answer.tokens, stopped, listed, message.author.id];
}
