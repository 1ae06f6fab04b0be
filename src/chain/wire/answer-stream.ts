/** Converts the answer of any server into a clean stream of OpenAI-style chunks. */
import { BotError } from '../../errors.ts';
import { raceTimeout } from '../../lib/timeout.ts';
import { type Delta, type Finish, field, readDelta, readError, type ServerError } from './completion.ts';
import type { ReasoningFilter } from './reasoning.ts';
import { decoded, serverEvents, wholeText } from './sse.ts';

/** An error instead of an answer, or in the middle of one. */
export class ErrorInStream extends Error {
  override readonly name = 'ErrorInStream';
  readonly error: ServerError;

  constructor(error: ServerError) {
    super('The server sent an error in its stream.');
    this.error = error;
  }
}

/** Maximum number of characters in one of our chunks. A reader that has enough can stop between two of them. */
const LARGEST_CHUNK = 16_384;
/** Milliseconds to wait for the end of the stream after the answer is complete. */
const END_MS = 2_000;

/**
 * The deltas of a 200, which may be a stream of events or one JSON document.
 * @throws ErrorInStream; BotError `model_misconfigured` for a web page or another document, `model_disconnected` for a stream
 * that ends before the answer
 */
export async function* deltasOf(response: Response): AsyncGenerator<Delta> {
  if (response.body === null) throw notAnApi('nothing');
  const ended = new AbortController();
  const texts = decoded(response.body, ended.signal);
  const { first, all } = await sniff(texts);
  const type = response.headers.get('content-type') ?? '';
  if (first === '<' || /^text\/html\b/.test(type)) {
    await texts.return(undefined);
    throw notAnApi(`a web page (${type})`);
  }
  yield* first === '{' || first === '[' ? wholeAnswer(all, type) : streamed(all, ended);
}

/** Reads up to the first character that is not blank. `all` still yields everything. */
async function sniff(texts: AsyncGenerator<string>): Promise<{ first: string; all: AsyncGenerator<string> }> {
  const seen: string[] = [];
  let first = '';
  while (first === '') {
    const next = await texts.next();
    if (next.done === true) break;
    seen.push(next.value);
    first = /\S/.exec(next.value)?.[0] ?? '';
  }
  async function* all(): AsyncGenerator<string> {
    try {
      yield* seen;
      yield* texts;
    } finally {
      await texts.return(undefined);
    }
  }
  return { first, all: all() };
}

async function* wholeAnswer(texts: AsyncIterable<string>, type: string): AsyncGenerator<Delta> {
  const text = await wholeText(texts);
  const value = parse(text);
  if (value === undefined) throw unreadable();
  const error = readError(value);
  if (error !== undefined) throw new ErrorInStream(error);
  const delta = readDelta(value);
  if (delta === undefined) throw notAnApi(`another document (${type})`);
  // A complete document has ended even without a finish reason.
  yield { ...delta, finish: delta.finish ?? 'stop' };
}

async function* streamed(texts: AsyncGenerator<string>, ended: AbortController): AsyncGenerator<Delta> {
  const events = serverEvents(texts);
  let finish: Finish | undefined;
  try {
    for (let next = await events.next(); !next.done; ) {
      const { event, data } = next.value;
      if (data.startsWith('[DONE]')) {
        await soon(events.next());
        if (finish === undefined) yield { text: '', reasoning: false, finish: 'stop', promptTokens: undefined };
        return;
      }
      const value = parse(data);
      if (value === undefined && data.trim() !== '') throw event === 'error' ? inWords(data) : unreadable();
      const error = readError(event === 'error' && field(value, 'error') === undefined ? { error: value } : value);
      if (error !== undefined) throw new ErrorInStream(error);
      const delta = readDelta(value);
      if (delta !== undefined) {
        finish ??= delta.finish;
        yield delta;
      }
      // A server that keeps the connection open after the answer must not delay it.
      const coming = events.next();
      const further = finish === undefined ? await coming : await soon(coming);
      if (further === undefined) return;
      next = further;
    }
  } finally {
    // Cancels a pending read.
    ended.abort();
    await events.return(undefined);
  }
  if (finish === undefined) {
    throw new BotError('model_disconnected', "The model's server ended the stream in the middle of the answer.", {
      retryable: true,
    });
  }
}

/** The value if it arrives within {@link END_MS}. Errors after the end of the answer are ignored. */
function soon<T>(coming: Promise<T>): Promise<T | undefined> {
  return raceTimeout(
    END_MS,
    coming.catch(() => undefined),
    () => undefined,
  );
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function inWords(text: string): ErrorInStream {
  return new ErrorInStream({
    ...{ code: undefined, type: undefined, param: undefined, limit: undefined, requested: undefined },
    text,
  });
}

function unreadable(): BotError {
  return new BotError('model_disconnected', 'The model sent a stream that cannot be read.', { retryable: true });
}

function notAnApi(what: string): BotError {
  return new BotError(
    'model_misconfigured',
    `The model's server sent ${what} instead of an answer; see OPENAI_BASE_URL (most end in /v1).`,
  );
}

export interface ChunkOptions {
  readonly filter: ReasoningFilter;
  /** Called once, at the end of the answer. */
  readonly onEnd: (promptTokens: number | undefined) => void;
}

/**
 * Marks in the clean stream. They use the field for reasoning, which ChatOpenAI passes on and from which the servers' own reasoning
 * is removed. RESTART: all text before this chunk was reasoning. REASONED: the model has reasoned.
 */
export const RESTART = 'restart';
export const REASONED = 'reasoned';

/** A chunk in the form that ChatOpenAI reads. */
function chunk(content: string, finish: Finish | null, mark?: typeof RESTART | typeof REASONED): string {
  const delta = { role: 'assistant', content, ...(mark === undefined ? {} : { reasoning_content: mark }) };
  return `data: ${JSON.stringify({ object: 'chat.completion.chunk', choices: [{ index: 0, delta, finish_reason: finish }] })}\n\n`;
}

/**
 * The events of a clean stream: text without reasoning, empty text while the model is working, and at the end the finish reason
 * and `[DONE]`.
 * @throws what `deltas` throws
 */
export async function* cleanEvents(
  deltas: AsyncIterable<Delta>,
  { filter, onEnd }: ChunkOptions,
): AsyncGenerator<string> {
  let finish: Finish = 'stop';
  let promptTokens: number | undefined;
  let reasoned = false;
  for await (const delta of deltas) {
    promptTokens = delta.promptTokens ?? promptTokens;
    reasoned ||= delta.reasoning;
    if (delta.text === '') {
      // Some servers send empty deltas to keep the connection open.
      if (delta.reasoning) yield chunk('', null);
    } else {
      for (const piece of pieces(delta.text)) {
        const { text, restart } = filter.push(piece);
        yield chunk(text, null, restart ? RESTART : undefined);
      }
    }
    if (delta.finish !== undefined) finish = delta.finish;
  }
  if (finish === 'broken') {
    throw new BotError('model_disconnected', "The model's server aborted the answer.", { retryable: true });
  }
  for (const text of pieces(filter.end(finish === 'length'))) yield chunk(text, null);
  onEnd(promptTokens);
  yield chunk('', finish, reasoned || filter.reasoned() ? REASONED : undefined);
  yield 'data: [DONE]\n\n';
}

function* pieces(text: string): Generator<string> {
  for (let from = 0; from < text.length; from += LARGEST_CHUNK) yield text.slice(from, from + LARGEST_CHUNK);
}
