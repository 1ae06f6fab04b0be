/** Detects streams that end before the answer is complete. */
import { BotError } from '../errors.ts';

/**
 * Wraps `fetch` so that a 200 is either a complete stream of server-sent events or an error:
 * - A stream that is closed cleanly but without an end mark becomes `model_disconnected`. Neither the SDK nor LangChain notices
 *   it, and half an answer would be stored as the answer. Any mark will do (a finish reason, `[DONE]`, a final event of the
 *   Responses API), because compatible servers differ in which they send.
 * - A web page or a JSON document instead of a stream becomes `model_refused_request`. Usually the base URL is wrong.
 */
export function requireWholeStreams(fetch: typeof globalThis.fetch): typeof globalThis.fetch {
  return async (input, init) => {
    const response = await fetch(input, init);
    if (!response.ok || response.body === null) return response;
    const type = response.headers.get('content-type') ?? '';
    if (/^(?:text\/html|application\/json)\b/.test(type)) {
      await response.body.cancel();
      throw new BotError(
        'model_refused_request',
        `The model's server sent ${type} where a stream was asked for; see OPENAI_BASE_URL (most end in /v1).`,
      );
    }
    const { status, statusText, headers } = response;
    return new Response(response.body.pipeThrough(endWatcher()), { status, statusText, headers });
  };
}

/**
 * The text of an answer cannot look like a mark, because JSON escapes quotation marks and line ends.
 */
const END_MARKS = [
  /[\r\n]data: ?\[DONE\]/,
  /"finish_reason"\s*:\s*"/,
  /[\r\n]event: ?response\.(?:completed|incomplete)[\r\n]/,
];
/** Longer than any mark, so that a mark split between two chunks is found. */
const OVERLAP = 64;

function endWatcher(): TransformStream<Uint8Array, Uint8Array> {
  const decoder = new TextDecoder('latin1'); // The marks are ASCII, and single-byte characters are never split.
  let tail = '\n';
  let ended = false;
  return new TransformStream({
    transform(chunk, controller) {
      if (!ended) {
        const text = tail + decoder.decode(chunk);
        ended = END_MARKS.some((mark) => mark.test(text));
        tail = text.slice(-OVERLAP);
      }
      controller.enqueue(chunk);
    },
    flush(controller) {
      if (ended) return;
      controller.error(
        new BotError('model_disconnected', "The model's server ended the stream in the middle of the answer.", {
          retryable: true,
        }),
      );
    },
  });
}
