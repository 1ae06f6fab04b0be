/** Reads one streamed answer of the model, within its limits of time and length. */
import { BotError } from '../errors.ts';
import type { ChainEvent } from './ports.ts';
import type { AnswerCut } from './types.ts';

/** An answer, and the reason if it is incomplete. */
export interface ModelAnswer {
  readonly text: string;
  readonly cut?: AnswerCut | undefined;
}

export interface AnswerBounds {
  /** Milliseconds until the first event (FIRST_TOKEN_TIMEOUT). */
  readonly firstTokenMs: number;
  /** Milliseconds between two events (TURN_TIMEOUT). */
  readonly betweenTokensMs: number;
  /** UTF-16 units (MAX_ANSWER_LENGTH). */
  readonly maxLength: number;
}

export interface ReadOptions extends AnswerBounds {
  /** Milliseconds left for the whole answer. */
  readonly remainingMs: number;
  /** The turn's signal. Its reason is thrown. */
  readonly signal: AbortSignal;
  readonly onFirst: () => void;
  /** Called with what the model is shown and what it is not; again if a request is repeated. */
  readonly onShown: (shown: Extract<ChainEvent, { kind: 'shown' }>) => void;
  /** Called with the whole text so far; with an empty text if the text so far turned out not to be the answer. */
  readonly onText: (text: string) => void;
}

/**
 * Calls `open` and reads to the end of the answer. The answer is cut, and the request cancelled, at `maxLength` (never within a
 * surrogate pair) or when the turn's time is up and there is some text. The cost is linear in the length.
 * @throws BotError `model_timeout` (retryable) if the model is silent for too long; the errors of `open`'s stream
 */
export async function readAnswer(
  open: (signal: AbortSignal) => AsyncIterable<ChainEvent>,
  options: ReadOptions,
): Promise<ModelAnswer> {
  const { firstTokenMs, betweenTokensMs, remainingMs, maxLength, signal, onFirst, onShown, onText } = options;
  const silent = new AbortController();
  const late = new AbortController();
  const over = setTimeout(
    () => late.abort(timeout(`The turn took ${seconds(remainingMs)} s`)),
    Math.max(0, remainingMs),
  );
  const hush = (ms: number) =>
    setTimeout(() => silent.abort(timeout(`The model sent nothing for ${seconds(ms)} s`)), ms);
  let silence = hush(firstTokenMs);
  let heard = false;
  let first = true;
  let text = '';
  try {
    for await (const event of open(AbortSignal.any([signal, silent.signal, late.signal]))) {
      // Said by the chain itself: the model is still silent.
      if (event.kind === 'shown') {
        onShown(event);
        continue;
      }
      if (heard) {
        silence.refresh();
      } else {
        heard = true;
        clearTimeout(silence);
        silence = hush(betweenTokensMs);
      }
      if (event.kind === 'working') continue;
      if (event.kind === 'restart') {
        text = '';
        onText(text);
        continue;
      }
      if (event.kind === 'cut') return { text, cut: event.reason };
      if (first) onFirst();
      first = false;
      const room = maxLength - text.length;
      const fits = event.text.length <= room;
      text = fits ? text + event.text : wholeCharacters(text + event.text.slice(0, room));
      onText(text);
      if (!fits) return cutAtMaximum(text);
    }
    signal.throwIfAborted();
    silent.signal.throwIfAborted();
    late.signal.throwIfAborted();
    return { text };
  } catch (thrown) {
    if (signal.aborted) throw thrown;
    if (late.signal.aborted && text.trim() !== '') return { text, cut: 'time' };
    throw [silent.signal, late.signal].find(({ aborted }) => aborted)?.reason ?? thrown;
  } finally {
    clearTimeout(over);
    clearTimeout(silence);
  }
}

function cutAtMaximum(text: string): ModelAnswer {
  if (text.trim() !== '') return { text, cut: 'maximum' };
  throw new BotError('model_empty_answer', 'The model sent only blanks.', { retryable: true });
}

/** Drops half a surrogate pair at the end. */
function wholeCharacters(text: string): string {
  return /[\uD800-\uDBFF]$/.test(text) ? text.slice(0, -1) : text;
}

function timeout(what: string): BotError {
  return new BotError('model_timeout', `${what}; see FIRST_TOKEN_TIMEOUT, TURN_TIMEOUT and ANSWER_TIMEOUT.`, {
    retryable: true,
  });
}

function seconds(ms: number): number {
  return Math.round(ms / 100) / 10;
}
