/** Converts a Responses API answer that was not streamed into the events that ChatOpenAI reads. */
import { field } from './completion.ts';

/**
 * https://platform.openai.com/docs/api-reference/responses/object: the text is in the messages of `output`; the object itself, which
 * the last event repeats, says how the answer ended. An error response is returned unchanged.
 */
export async function wholeResponse(response: Response): Promise<Response> {
  if (!response.ok) return response;
  const whole: unknown = await response.json();
  const items = listOf(field(whole, 'output')).filter((item) => field(item, 'type') === 'message');
  const parts = items.flatMap((item) => listOf(field(item, 'content')));
  const events = parts.flatMap((part, index): object[] => {
    const [text, refusal] = [field(part, 'text'), field(part, 'refusal')];
    if (typeof refusal === 'string') return [{ type: 'response.refusal.done', refusal }];
    if (typeof text !== 'string') return [];
    return [{ type: 'response.output_text.delta', delta: text, content_index: index }];
  });
  // As in a stream, an answer that failed has no completion event.
  const ending = field(whole, 'status') === 'failed' ? [] : [{ type: 'response.completed', response: whole }];
  const lines = [...events, ...ending].map(
    (event) => `event: ${String(field(event, 'type'))}\ndata: ${JSON.stringify(event)}\n\n`,
  );
  return new Response(lines.join(''), { headers: { 'content-type': 'text/event-stream' } });
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
