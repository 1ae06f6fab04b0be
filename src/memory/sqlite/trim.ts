/** Which messages of a conversation go when it was given a turn: the oldest whole turns, until its bounds hold. */
import { isOver, parseElement, type Retention } from '../elements.ts';

export interface TrimBounds {
  readonly messages: number;
  readonly bytes: number;
  readonly retention: Retention;
}

/** What is there: messages and their bytes, and the elements counted from the oldest. */
export interface Trimmed {
  readonly messages: number;
  readonly bytes: number;
  at(index: number): string;
}

/** How many of the oldest go, and their bytes. The newest turn stays, however large it is. */
export function overflow({ messages, bytes, at }: Trimmed, bounds: TrimBounds): { dropped: number; freed: number } {
  const most = messages - 2;
  let dropped = 0;
  let freed = 0;
  /** What cannot be read is over with what was said after it. */
  const over = (): boolean => {
    for (let index = dropped; index < most; index += 1) {
      const message = parseElement(at(index));
      if (message !== undefined) return isOver(message, bounds.retention);
    }
    return false;
  };
  const drop = () => {
    freed += Buffer.byteLength(at(dropped));
    dropped += 1;
  };
  while (dropped < most && (messages - dropped > bounds.messages || bytes - freed > bounds.bytes || over())) {
    drop();
    if (dropped < most && at(dropped).startsWith('{"role":"assistant"')) drop();
  }
  return { dropped, freed };
}
