import { type ChainSettings, createChain } from '../../src/chain/index.ts';
import type { Chain, ChainEvent, ChainInput } from '../../src/core/ports.ts';
import type { UnreadFile, UsedMemory } from '../../src/core/types.ts';
import { BotError } from '../../src/errors.ts';
import { createContext } from '../../src/memory/context/context.ts';

/** 2026-04-05 14:03 UTC, a Sunday. */
export const NOW = Date.UTC(2026, 3, 5, 14, 3);

/** The whole chain as the settings make it: real ChatOpenAI when there is a base URL, else the demo model. */
export function testChain(
  settings: Partial<ChainSettings> = {},
  maxMessages = 20,
  recallTokens = 1_800,
  warn: (message: string) => void = () => undefined,
) {
  return createChain(
    { model: 'test-model', systemPrompt: 'Be brief.', ...settings },
    {
      context: createContext({ maxMessages, recallTokens }),
      clock: { now: () => NOW },
      demoDelayMs: 0,
      warn: (_, message) => warn(message),
    },
  );
}

/** A message in a conversation of one person. */
export function input(text: string, changes: Partial<ChainInput> = {}): ChainInput {
  return {
    history: [],
    shared: false,
    message: { text, author: { id: '1', name: 'Grace' }, locale: 'en' },
    ...changes,
  };
}

/** Earlier turns of one person, `said('q1', 'a1', 'q2', 'a2')`. */
export function said(...contents: string[]): ChainInput['history'] {
  return contents.map((content, index) => ({ role: index % 2 === 0 ? 'user' : 'assistant', content }));
}

export interface Outcome {
  readonly pieces: readonly string[];
  readonly text: string;
  /** Why the answer ends before its end, if it does. */
  readonly cut: string | undefined;
  readonly used: UsedMemory | undefined;
  /** Files of the message that the model was not shown, by the last request. */
  readonly unread: readonly UnreadFile[];
  /** Signs that the model was at work without saying anything. */
  readonly working: number;
  /** What the stream threw, if it did. */
  readonly thrown: unknown;
}

/** Reads one answer to its end. `onPiece` is called with each piece and the number of it, from 1. */
export async function read(
  stream: AsyncIterable<ChainEvent>,
  onPiece: (piece: string, number: number) => void = () => undefined,
): Promise<Outcome> {
  const pieces: string[] = [];
  let cut: string | undefined;
  let working = 0;
  let used: UsedMemory | undefined;
  let unread: readonly UnreadFile[] = [];
  let thrown: unknown;
  try {
    for await (const event of stream) {
      if (event.kind === 'text') onPiece(event.text, pieces.push(event.text));
      else if (event.kind === 'working') working += 1;
      else if (event.kind === 'cut') cut = event.reason;
      else if (event.kind === 'shown') ({ used, unread } = event);
      else pieces.splice(0);
    }
  } catch (error) {
    thrown = error;
  }
  return { pieces, text: pieces.join(''), cut, working, used, unread, thrown };
}

/** Asks and reads the answer to its end. */
export async function ask(chain: Chain, question: ChainInput, signal = new AbortController().signal): Promise<Outcome> {
  return await read(chain.stream(question, signal));
}

/** What a worker goes by. */
export function verdict({ thrown }: Outcome) {
  if (!(thrown instanceof BotError)) return thrown;
  const { code, retryable, retryAfterMs } = thrown;
  return { code, retryable, retryAfterMs };
}
