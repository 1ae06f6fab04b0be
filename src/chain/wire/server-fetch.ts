/** The `fetch` of the model client. It makes any server's answers readable for ChatOpenAI and adapts requests after refusals. */
import { fromRefusal } from '../errors.ts';
import { requireWholeStreams } from '../whole-stream.ts';
import { type Adaptation, adapt, adaptTo, NO_ADAPTATION, type RequestBody } from './adaptation.ts';
import { cleanEvents, deltasOf, ErrorInStream } from './answer-stream.ts';
import { type Delta, readError, type ServerError } from './completion.ts';
import { readImageRefusal, tokensOf } from './images.ts';
import { readOverflow } from './overflow.ts';
import { createReasoningFilter } from './reasoning.ts';
import { wholeResponse } from './responses.ts';
import { decoded, wholeText } from './sse.ts';

export interface ServerOptions {
  readonly fetch: typeof globalThis.fetch;
  /** Parameters that are added to each request; one that the server refuses is left out from then on. */
  readonly extra?: Readonly<Record<string, unknown>>;
  readonly model: string;
  /** Unix milliseconds. */
  readonly now: () => number;
  /** Called once if the server has read far fewer tokens than it was sent. */
  readonly onSilentCut?: ((sent: number, read: number) => void) | undefined;
  /** Called if the server requires another route of the API. Returns whether that route can be used. */
  readonly onRoute: (route: 'responses' | 'completions') => boolean;
}

/** Thrown if the request must be repeated on another route. */
export class RouteChanged extends Error {
  override readonly name = 'RouteChanged';
}

/** Maximum number of adaptations for one request. */
const MAX_CHANGES = 8;
/** Longest text of a refusal that is read. */
const LONGEST_REFUSAL = 1_000_000;
/** Models whose answers may begin within reasoning, with only a closing tag: the chat template has the opening one. */
const REASONING_MODEL = /r1\b|qwq|qwen-?3|think|reason|magistral|nemotron|glm-?[45]|minimax|deepseek|phi-4-mini-flash/i;
/** Tokens from which the server's count is requested. Ollama's smallest context is 2,048 tokens, its default 4,096. */
const MIN_COUNTED_TOKENS = 1_500;
/** A request was silently cut if the server counts less than this share. Estimates are at most about twice too high (tokens.ts). */
const SILENT_CUT_SHARE = 0.45;

/** Remembers adaptations for the lifetime of the process. */
export function createServerFetch(options: ServerOptions): typeof globalThis.fetch {
  const passThrough = requireWholeStreams(options.fetch);
  let known: Adaptation = NO_ADAPTATION;
  /** Whether answers of this model begin within reasoning; undefined while unknown. */
  let opensInside: boolean | undefined;
  let reportedCut = false;

  return async (input, init) => {
    const url = new URL(input instanceof Request ? input.url : input);
    const asked = readBody(init?.body);
    const body = asked && { ...asked, ...options.extra };
    if (body === undefined || !url.pathname.endsWith('/chat/completions')) {
      return await responsesRoute(input, init, body);
    }
    let trying = known;
    for (let changes = 0; ; changes += 1) {
      const sent = withUsage(adapt(body, trying), trying);
      const attempt = await send(input, withBody(init, sent));
      if ('deltas' in attempt) {
        // Only a successful adaptation is remembered: a refusal may have quoted anything.
        known = trying;
        return respond(attempt.deltas, tokensOf(sent));
      }
      const { error, status, headers } = attempt;
      if (
        status === 404 &&
        /v1\/responses|responses api|not a chat model/i.test(error.text) &&
        options.onRoute('responses')
      ) {
        throw new RouteChanged();
      }
      const refused = readImageRefusal(error, status, sent);
      if (refused !== undefined) throw refused;
      const overflow = readOverflow(error, status);
      if (overflow !== undefined) throw overflow;
      const next = changes < MAX_CHANGES ? adaptTo(error, status, sent, trying) : undefined;
      if (next === undefined) throw fromRefusal({ ...error, status, headers }, options.now());
      trying = next;
    }
  };

  /** The Responses API, which is only used for OpenAI's own models. */
  async function responsesRoute(
    input: Parameters<typeof fetch>[0],
    init: RequestInit | undefined,
    body: RequestBody | undefined,
  ): Promise<Response> {
    if (body === undefined) return await passThrough(input, init);
    let trying = known;
    for (let changes = 0; ; changes += 1) {
      const sent = adapt(body, trying);
      const request = withBody(init, sent);
      const response = trying.stream
        ? await passThrough(input, request)
        : await wholeResponse(await options.fetch(input, request));
      const { ok, status, headers } = response;
      if (ok) {
        known = trying;
        return response;
      }
      const error = await refusalOf(response);
      const refused = readImageRefusal(error, status, sent);
      if (refused !== undefined) throw refused;
      if ([404, 405, 501].includes(status) && options.onRoute('completions')) throw new RouteChanged();
      const overflow = readOverflow(error, status);
      if (overflow !== undefined) throw overflow;
      const next = changes < MAX_CHANGES ? adaptTo(error, status, sent, trying) : undefined;
      if (next === undefined) throw fromRefusal({ ...error, status, headers }, options.now());
      trying = next;
    }
  }

  async function send(input: Parameters<typeof fetch>[0], init: RequestInit): Promise<Attempt> {
    const response = await options.fetch(input, init);
    if (!response.ok) return { error: await refusalOf(response), status: response.status, headers: response.headers };
    try {
      return { deltas: await peeked(deltasOf(response)) };
    } catch (thrown) {
      // Some servers report errors with 200, in the first event or instead of the answer.
      if (!(thrown instanceof ErrorInStream)) throw thrown;
      return { error: thrown.error, status: statusOf(thrown.error), headers: response.headers };
    }
  }

  /** Requests the server's token count, which reveals a server that silently drops the beginning, as Ollama does. */
  function withUsage(body: RequestBody, { stream, without }: Adaptation): RequestBody {
    const ask = options.onSilentCut !== undefined && !reportedCut && stream && !without.has('stream_options');
    return ask && tokensOf(body) >= MIN_COUNTED_TOKENS ? { ...body, stream_options: { include_usage: true } } : body;
  }

  function startOfAnswer(): 'answer' | 'reasoning' | 'unknown' {
    if (opensInside ?? REASONING_MODEL.test(options.model)) return 'reasoning';
    return opensInside === undefined ? 'unknown' : 'answer';
  }

  function respond(deltas: AsyncGenerator<Delta>, tokens: number): Response {
    const filter = createReasoningFilter(startOfAnswer());
    const onEnd = (promptTokens: number | undefined) => {
      opensInside = filter.opensInside() || (opensInside === true && !filter.reasoned());
      if (reportedCut || promptTokens === undefined || tokens < MIN_COUNTED_TOKENS) return;
      // Small counts come from prompt caching, not from a small context.
      if (promptTokens < 1_000 || promptTokens > tokens * SILENT_CUT_SHARE) return;
      reportedCut = true;
      options.onSilentCut?.(tokens, promptTokens);
    };
    const events = cleanEvents(withBotErrors(deltas), { filter, onEnd });
    const encoder = new TextEncoder();
    const stream = new ReadableStream<Uint8Array>({
      async pull(controller) {
        const next = await events.next();
        if (next.done === true) controller.close();
        else controller.enqueue(encoder.encode(next.value));
      },
      cancel: async () => void (await events.return(undefined)),
    });
    return new Response(stream, { headers: { 'content-type': 'text/event-stream' } });
  }

  /** Turns an error in the middle of the answer into a BotError. */
  async function* withBotErrors(deltas: AsyncGenerator<Delta>): AsyncGenerator<Delta> {
    try {
      yield* deltas;
    } catch (thrown) {
      if (!(thrown instanceof ErrorInStream)) throw thrown;
      const status = statusOf(thrown.error);
      throw (
        readOverflow(thrown.error, status) ??
        fromRefusal({ ...thrown.error, status, headers: new Headers() }, options.now())
      );
    }
  }
}

type Attempt =
  | { readonly deltas: AsyncGenerator<Delta> }
  | { readonly error: ServerError; readonly status: number; readonly headers: Headers };

/** Waits for the first delta with content, so that an error instead of the answer is detected before anything is passed on. */
async function peeked(deltas: AsyncGenerator<Delta>): Promise<AsyncGenerator<Delta>> {
  const seen: Delta[] = [];
  for (;;) {
    const next = await deltas.next();
    if (next.done === true) break;
    seen.push(next.value);
    if (next.value.text !== '' || next.value.reasoning || next.value.finish !== undefined) break;
  }
  async function* all(): AsyncGenerator<Delta> {
    try {
      yield* seen;
      yield* deltas;
    } finally {
      await deltas.return(undefined);
    }
  }
  return all();
}

const EVENT_STATUS: ReadonlyMap<string, number> = new Map([
  ['rate_limit_exceeded', 429],
  ['rate_limit_error', 429],
  ['insufficient_quota', 429],
  ['context_length_exceeded', 400],
  ['exceed_context_size_error', 400],
  ['invalid_request_error', 400],
  ['content_filter', 400],
  ['authentication_error', 401],
]);

/** The status of an error that came with 200: its code is a name, or a status (OpenRouter). */
function statusOf({ code, type }: ServerError): number {
  const status = EVENT_STATUS.get(code ?? '') ?? EVENT_STATUS.get(type ?? '') ?? Number(code);
  return status >= 400 && status < 600 ? status : 500;
}

async function refusalOf(response: Response): Promise<ServerError> {
  const nothing: ServerError = {
    ...{ code: undefined, type: undefined, param: undefined, text: '', limit: undefined, requested: undefined },
  };
  if (response.body === null) return nothing;
  const text = await wholeText(decoded(response.body), LONGEST_REFUSAL).catch(() => '');
  const type = response.headers.get('content-type') ?? '';
  try {
    return readError(JSON.parse(text)) ?? nothing;
  } catch {
    return /html/.test(type) || text.trimStart().startsWith('<') ? nothing : { ...nothing, text };
  }
}

function withBody(init: RequestInit | undefined, body: RequestBody): RequestInit {
  const headers = new Headers(init?.headers);
  headers.delete('content-length');
  return { ...init, headers, body: JSON.stringify(body) };
}

function readBody(body: unknown): RequestBody | undefined {
  if (typeof body !== 'string') return undefined;
  const value: unknown = JSON.parse(body);
  return typeof value === 'object' && value !== null ? Object.fromEntries(Object.entries(value)) : undefined;
}
