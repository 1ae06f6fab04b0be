import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { requireWholeStreams } from '../../src/chain/whole-stream.ts';

const EVENT_STREAM = { 'content-type': 'text/event-stream' };

/** Reads a body of these pieces through the watcher; gives the text, or the code of the error at its end. */
async function readThrough(pieces: readonly Uint8Array[]): Promise<string> {
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      for (const piece of pieces) controller.enqueue(piece);
      controller.close();
    },
  });
  const fetch = requireWholeStreams(async () => new Response(body, { headers: EVENT_STREAM }));
  const response = await fetch('http://127.0.0.1/v1/chat/completions');
  return await response.text().catch((error: { code: string }) => error.code);
}

/** Cuts the text's bytes wherever it is told. */
function pieces(text: string, cuts: readonly number[]): readonly Uint8Array[] {
  const bytes = new TextEncoder().encode(text);
  const at = [...cuts.map((cut) => cut % (bytes.length + 1)), 0, bytes.length].sort((one, other) => one - other);
  return at.slice(1).map((end, index) => bytes.subarray(at[index], end));
}

const delta = (content: string) =>
  `data: ${JSON.stringify({ choices: [{ delta: { content }, finish_reason: null }] })}\n\n`;

describe('a stream', () => {
  it.each([
    ['[DONE]', 'data: [DONE]\n\n'],
    ['[DONE] without a space', 'data:[DONE]\n\n'],
    ['[DONE] after a carriage return', '\r\ndata: [DONE]\r\n\r\n'],
    ['a finish reason', 'data: {"choices":[{"delta":{},"finish_reason":"stop"}]}\n\n'],
    ['a finish reason without a delta, with spaces', 'data: {"choices": [{"finish_reason" : "length"}]}\n\n'],
    ['the last event of the Responses API', 'event: response.completed\ndata: {}\n\n'],
  ])('is whole with %s, wherever its bytes are torn, and comes through unchanged', async (_, end) => {
    const text = `${delta('你好 😀')}${delta('x')}${end}`;
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(), { maxLength: 12 }), async (cuts) => {
        expect(await readThrough(pieces(text, cuts))).toBe(text);
      }),
      { numRuns: 40 },
    );
  });

  it.each([
    ['nothing', ''],
    ['no finish reason', delta('x')],
    [
      'an answer that speaks of the marks',
      delta('\ndata: [DONE]\n\n "finish_reason":"stop"\nevent: response.completed\n'),
    ],
    ['a torn last event', `${delta('x')}data: {"choices":[{"delta":{},"finish_rea`],
    ['an event of the Responses API that is not the last', 'event: response.output_text.delta\ndata: {}\n\n'],
  ])('has been broken off when there is %s', async (_, text) => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(), { maxLength: 12 }), async (cuts) => {
        expect(await readThrough(pieces(text, cuts))).toBe('model_disconnected');
      }),
      { numRuns: 40 },
    );
  });

  it('is refused when it is none, and read no further', async () => {
    const cancel = vi.fn();
    const headers = { 'content-type': 'text/html; charset=utf-8' };
    const fetch = requireWholeStreams(async () => new Response(new ReadableStream({ cancel }), { headers }));
    await expect(fetch('http://127.0.0.1/')).rejects.toMatchObject({ code: 'model_refused_request', retryable: false });
    expect(cancel).toHaveBeenCalledOnce();
  });

  it('is not looked for in an error', async () => {
    const fetch = requireWholeStreams(async () => Response.json({ error: { message: 'no' } }, { status: 400 }));
    expect(await (await fetch('http://127.0.0.1/')).json()).toEqual({ error: { message: 'no' } });
  });
});
