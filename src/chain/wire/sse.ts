/** A lenient parser of server-sent events. */
import { BotError } from '../../errors.ts';

export interface ServerEvent {
  readonly event: string | undefined;
  readonly data: string;
}

/** In UTF-16 units, far more than any answer. A server that never ends a line must not exhaust memory. */
const MAX_EVENT = 64 * 1024 * 1024;

/**
 * The text of a body, decoded from UTF-8, without a byte order mark. Leaving the loop early cancels the request; `ended` cancels a
 * pending read.
 */
export async function* decoded(body: ReadableStream<Uint8Array>, ended?: AbortSignal): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  const reader = body.getReader();
  ended?.addEventListener('abort', () => void reader.cancel().catch(() => undefined), { once: true });
  try {
    for (let next = await reader.read(); !next.done; next = await reader.read()) {
      const text = decoder.decode(next.value, { stream: true });
      if (text !== '') yield text;
    }
    const rest = decoder.decode();
    if (rest !== '') yield rest;
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}

/**
 * The events of a stream. Accepts any kind of line end, skips comments and unknown fields, joins several data lines, and includes a
 * last event without the final line ends. The cost is linear in the length, however it is cut into packets.
 * https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation (it drops an unfinished last event,
 * but servers do omit the end).
 */
export async function* serverEvents(texts: AsyncIterable<string>): AsyncGenerator<ServerEvent> {
  let event: string | undefined;
  let data: string[] = [];
  const finish = (): ServerEvent | undefined => {
    const done = data.length === 0 ? undefined : { event, data: data.join('\n') };
    event = undefined;
    data = [];
    return done;
  };
  for await (const line of lines(texts)) {
    if (line === '') {
      const done = finish();
      if (done !== undefined) yield done;
      continue;
    }
    const colon = line.indexOf(':');
    const name = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(line[colon + 1] === ' ' ? colon + 2 : colon + 1);
    if (name === 'data') {
      // Some servers omit the empty line between events; each of their lines is a JSON document.
      if (data.length > 0 && (value.startsWith('{') || value.startsWith('[DONE]')) && isWhole(data)) {
        const done = finish();
        if (done !== undefined) yield done;
      }
      data.push(value);
    } else if (name === 'event') {
      event = value;
    }
  }
  const done = finish();
  if (done !== undefined) yield done;
}

function isWhole(data: readonly string[]): boolean {
  const [only = ''] = data;
  return data.length === 1 && only.trimEnd().endsWith('}');
}

async function* lines(texts: AsyncIterable<string>): AsyncGenerator<string> {
  /** Pieces of an incomplete line. */
  let open: string[] = [];
  let length = 0;
  let afterReturn = false;
  for await (const text of texts) {
    let from = 0;
    if (afterReturn && text.startsWith('\n')) from = 1;
    afterReturn = text.endsWith('\r');
    const ends = /\r\n|\n|\r/g;
    ends.lastIndex = from;
    for (let end = ends.exec(text); end !== null; end = ends.exec(text)) {
      yield [...open, text.slice(from, end.index)].join('');
      open = [];
      length = 0;
      from = ends.lastIndex;
    }
    if (from >= text.length) continue;
    open.push(text.slice(from));
    length += text.length - from;
    if (length > MAX_EVENT) throw tooLarge();
  }
  if (open.length > 0) yield open.join('');
}

/** The whole text of a body. @throws BotError if it is longer than `max` */
export async function wholeText(texts: AsyncIterable<string>, max = MAX_EVENT): Promise<string> {
  const parts: string[] = [];
  let length = 0;
  for await (const text of texts) {
    parts.push(text);
    length += text.length;
    if (length > max) throw tooLarge();
  }
  return parts.join('');
}

function tooLarge(): BotError {
  return new BotError('model_unavailable', "The model's server sent an event that is too large.");
}
