/** How the fake model puts its replies on the wire. */
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

/** How a call ended: `abandoned` when the client went away before its end, `broken` when the script broke it off. */
export type CallEnd = 'answered' | 'failed' | 'broken' | 'abandoned';

/** What the server does with one call. By default it answers `echo: <text>`, whole. */
export interface ModelReply {
  /** From 400: an error instead of an answer, with `error` and `headers`. */
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly error?: {
    readonly message?: string;
    readonly type?: string;
    readonly code?: string;
    readonly param?: string;
    readonly n_ctx?: number;
    readonly n_prompt_tokens?: number;
    readonly flat?: true;
  };
  readonly text?: string;
  /** Sent as they are, each in a packet of its own, in the place of an answer. `headers` may name the content type. */
  readonly raw?: readonly (string | Uint8Array)[];
  /** In how many pieces the text is sent. */
  readonly pieces?: number;
  /** Milliseconds before the first piece, and between two. */
  readonly firstMs?: number;
  readonly betweenMs?: number;
  readonly finishReason?: string;
  /** Pieces sent before `end`; default: all. Nothing at all is sent before the first piece. */
  readonly sent?: number;
  /**
   * `whole`: finish reason and `[DONE]`. `close`: the response ends in good order but without them. `reset`: the connection
   * is cut. `hang`: nothing more comes until `release` or `goOn`, then the rest. Anything else is sent as one raw event.
   */
  readonly end?: 'whole' | 'close' | 'reset' | 'hang' | { readonly data: string };
  /** When it aborts, this reply hangs no more; others still do. */
  readonly goOn?: AbortSignal;
  /** Leaves these marks of the end out. */
  readonly without?: readonly ('finish_reason' | '[DONE]')[];
}

/** Sends one reply; resolves when it is over, whoever ended it. */
export async function answer(
  response: ServerResponse,
  model: string,
  reply: ModelReply & { readonly text: string },
  released: AbortSignal,
): Promise<CallEnd> {
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  const goesOn = reply.goOn === undefined ? released : AbortSignal.any([released, reply.goOn]);
  const wait = (ms: number) => (ms > 0 ? sleep(ms, undefined, { signal: gone.signal }) : undefined);
  try {
    await wait(reply.firstMs ?? 0);
    if (reply.raw !== undefined) {
      await sendRaw(response, reply.raw, reply.headers);
      if (reply.end === 'hang') await either(goesOn, gone.signal);
      response.end();
      return 'answered';
    }
    if (reply.status !== undefined && reply.status >= 400) {
      sendError(response, reply);
      return 'failed';
    }
    const pieces = split(reply.text, reply.pieces ?? 3);
    const { end = 'whole', without = [] } = reply;
    for (const [index, content] of pieces.entries()) {
      if (index === reply.sent && end === 'hang') await either(goesOn, gone.signal);
      else if (index === reply.sent) break;
      if (index > 0) await wait(reply.betweenMs ?? 0);
      send(response, chunk(model, index === 0 ? { role: 'assistant', content } : { content }, null), reply.headers);
    }
    if (end === 'hang' && (reply.sent ?? pieces.length) >= pieces.length) await either(goesOn, gone.signal);
    if (end === 'reset') {
      // Only after what was sent has left, so that the client has seen it.
      if (response.headersSent) await flushed(response);
      response.destroy();
      return 'broken';
    }
    if (typeof end === 'object') send(response, end.data, reply.headers);
    if (end === 'whole' || end === 'hang') {
      const reason = without.includes('finish_reason') ? null : (reply.finishReason ?? 'stop');
      send(response, chunk(model, {}, reason), reply.headers);
      if (!without.includes('[DONE]')) send(response, '[DONE]');
    } else if (!response.headersSent) {
      response.writeHead(200, { ...EVENT_STREAM, ...reply.headers });
    }
    response.end();
    if (!gone.signal.aborted) await once(gone.signal, 'abort');
    return response.writableFinished ? (end === 'whole' || end === 'hang' ? 'answered' : 'broken') : 'abandoned';
  } catch (error) {
    if (gone.signal.aborted) return 'abandoned';
    throw error;
  }
}

/** Packets that are not joined: each waits until the one before has left. */
async function sendRaw(
  response: ServerResponse,
  packets: readonly (string | Uint8Array)[],
  headers: ModelReply['headers'],
): Promise<void> {
  response.writeHead(200, { ...EVENT_STREAM, ...headers });
  response.socket?.setNoDelay(true);
  for (const packet of packets) {
    if (response.destroyed) return;
    await new Promise<void>((resolve) => response.write(packet, () => resolve()));
    await sleep(1);
  }
}

/** The answer to a request that asks for no stream. */
export function sendWhole(
  response: ServerResponse,
  model: string,
  reply: ModelReply & { readonly text: string },
): CallEnd {
  if (reply.status !== undefined && reply.status >= 400) {
    sendError(response, reply);
    return 'failed';
  }
  const message = { role: 'assistant', content: reply.text };
  const choices = [{ index: 0, message, finish_reason: reply.finishReason ?? 'stop' }];
  response.writeHead(200, { 'content-type': 'application/json', ...reply.headers });
  response.end(
    JSON.stringify({ id: 'chatcmpl-fake', object: 'chat.completion', created: 1_700_000_000, model, choices }),
  );
  return 'answered';
}

const EVENT_STREAM = { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' };

function send(response: ServerResponse, data: string, headers: ModelReply['headers'] = {}): void {
  if (!response.headersSent) response.writeHead(200, { ...EVENT_STREAM, ...headers });
  response.write(`data: ${data}\n\n`);
}

export function sendError(response: ServerResponse, { status = 500, headers = {}, error = {} }: ModelReply): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  const { flat, ...fields } = error;
  const body = { message: 'scripted', type: 'scripted', ...fields };
  // vLLM until 0.10 puts the fields at the top.
  response.end(JSON.stringify(flat === true ? { object: 'error', ...body } : { error: body }));
}

function chunk(model: string, delta: object, finishReason: string | null): string {
  return JSON.stringify({
    id: 'chatcmpl-fake',
    object: 'chat.completion.chunk',
    created: 1_700_000_000,
    model,
    choices: [{ index: 0, delta, finish_reason: finishReason }],
  });
}

/** `count` pieces of about the same length, by code points; fewer when there are fewer characters. */
function split(text: string, count: number): readonly string[] {
  const characters = [...text];
  const size = Math.max(1, Math.ceil(characters.length / count));
  const starts = Array.from({ length: Math.ceil(characters.length / size) }, (_, index) => index * size);
  return starts.map((start) => characters.slice(start, start + size).join(''));
}

/** Resolves when the first aborts, rejects when the second does. */
async function either(goOn: AbortSignal, gone: AbortSignal): Promise<void> {
  if (!goOn.aborted) await once(goOn, 'abort', { signal: gone });
}

async function flushed(response: ServerResponse): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    response.write('\n', (error) => (error ? reject(error) : resolve()));
  });
}
