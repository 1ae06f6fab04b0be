/**
 * A strict OpenAI-compatible server on loopback that does what a test tells it: answers in pieces, fails, hangs, breaks
 * off. It refuses what servers with strict chat templates refuse, so that a request which only a lenient fake takes fails
 * here. For what every provider does the chain is tested against aimock as well; this one adds what aimock cannot do: see
 * a client go away, close a stream cleanly in the middle, hold an answer back until the test lets it go.
 */
import { createHash } from 'node:crypto';
import { once, setMaxListeners } from 'node:events';
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { z } from 'zod';
import { answer, type CallEnd, type ModelReply, sendError, sendWhole } from './model-reply.ts';

export type { CallEnd, ModelReply };

/** What a call says that dies in mid-answer. */
export const CUT_TEXT = 'No, that is not what I mean: what I was about to say will never be said by me.';
const CUT_PIECES = 8;

/** Unknown parameters are refused: some compatible servers refuse them too. `stream_options` is taken, and told nothing for. */
const requestSchema = z.strictObject({
  model: z.string().min(1),
  stream: z.boolean(),
  stream_options: z.strictObject({ include_usage: z.literal(true) }).optional(),
  max_tokens: z.int().positive().optional(),
  temperature: z.number().min(0).max(2).optional(),
  store: z.literal(false).optional(),
  messages: z
    .array(
      z.discriminatedUnion('role', [
        z.strictObject({ role: z.literal('user'), content: z.union([wellFormed(), withImages()]) }).transform(flat),
        z
          .strictObject({ role: z.enum(['system', 'developer', 'assistant']), content: wellFormed() })
          .transform((message): ModelMessage => message),
      ]),
    )
    .refine(alternates, 'after one system message the roles must alternate, from user to user'),
});
type RequestBody = z.infer<typeof requestSchema>;

export interface ModelMessage {
  /** `developer`: the name of `system` for OpenAI's reasoning models. */
  readonly role: 'system' | 'developer' | 'user' | 'assistant';
  /** The text of the message. */
  readonly content: string;
  /** The `data:` URLs of the images that follow it; absent where the content is a text alone. */
  readonly images?: readonly string[];
}

/** One request that was well formed. */
export interface ModelCall {
  /** From 1, in the order of arrival. */
  readonly number: number;
  /** Of the last user message. */
  readonly text: string;
  /** Calls with this same text so far, this one included. */
  readonly attempt: number;
  readonly model: string;
  readonly temperature: number | undefined;
  readonly stream: boolean;
  /** The bytes of the request. */
  readonly raw: string;
  readonly path: string;
  readonly messages: readonly ModelMessage[];
  readonly headers: IncomingHttpHeaders;
  readonly ended: Promise<CallEnd>;
}

export interface ModelOptions {
  /** For every call that nothing is scripted for, on top of the default. */
  readonly reply?: ModelReply;
  /** The text of every answer that nothing is scripted for, made from the messages as the request has them. Default: an echo. */
  readonly respond?: (messages: readonly ModelMessage[]) => string;
  /** Share of the calls, 0 to 1, that fail with 500: decided by seed, text and attempt, so whatever the order. */
  readonly failShare?: number;
  /**
   * Share of the calls, likewise, that die in mid-answer: after words that are no beginning of the right answer, so that
   * whoever still shows them at the end is found out.
   */
  readonly cutShare?: number;
  readonly seed?: number;
  /** Calls whose text contains this hang before the first piece, until `release`. */
  readonly hangOn?: string;
  /** Refuses any other key with 401. */
  readonly apiKey?: string;
  /** Longest request it takes, in tokens of three characters; longer ones get `overflow`, by default in OpenAI's words. */
  readonly contextTokens?: number;
  readonly overflow?: (tokens: number, limit: number) => ModelReply;
  /** What it does not take of a request: gives the refusal. */
  readonly refuses?: (body: RequestBody) => ModelReply | undefined;
  /** What a person wrote, from the content of their message, as `text` of the calls. Default: all but facts and recalled messages. */
  readonly read?: (content: string) => string;
  /** Path of its route. Default: `/v1/chat/completions`. */
  readonly path?: string;
}

export interface FakeModel {
  /** The base URL, `http://127.0.0.1:<port>/v1`. */
  readonly url: string;
  /** Every well-formed request so far. */
  journal(): readonly ModelCall[];
  /** Calls whose last user message is this text. */
  count(text: string): number;
  /** Requests that `refuses` or `contextTokens` turned away. */
  turnedAway(): number;
  /** Why requests were refused as ill-formed. Empty in a good test. */
  refused(): readonly string[];
  /** The next calls whose text contains `part` get these replies, one each, then the default again. */
  script(part: string, ...replies: readonly ModelReply[]): void;
  /** Resolves with the `nth` call (from 1) whose text contains `part`, as soon as it is there. */
  called(part: string, nth?: number): Promise<ModelCall>;
  /** Lets everything that hangs, now and later, go on. */
  release(): void;
  /** Cuts what is open and frees the port. */
  close(): Promise<void>;
}

/** Starts the server on a free port, or on `port`. */
export async function startModel(options: ModelOptions = {}, port = 0): Promise<FakeModel> {
  const calls: ModelCall[] = [];
  const refusals: string[] = [];
  const scripts: { readonly part: string; readonly replies: ModelReply[] }[] = [];
  const counts = new Map<string, number>();
  const released = new AbortController();
  setMaxListeners(0, released.signal);
  const waiters: (() => void)[] = [];
  let turnedAway = 0;

  function nextReply({ text, attempt }: Pick<ModelCall, 'text' | 'attempt'>): ModelReply {
    const scripted = scripts.find(({ part, replies }) => replies.length > 0 && text.includes(part))?.replies.shift();
    if (scripted !== undefined) return { ...options.reply, ...scripted };
    if (options.hangOn !== undefined && text.includes(options.hangOn)) {
      return { ...options.reply, sent: 0, end: 'hang' };
    }
    const failed = chance(`${options.seed ?? 0}:${attempt}:${text}`) < (options.failShare ?? 0);
    if (failed) return { status: 500, error: { message: 'chosen to fail' } };
    const drawn = chance(`cut:${options.seed ?? 0}:${attempt}:${text}`);
    const cutShare = options.cutShare ?? 0;
    return drawn < cutShare ? { ...options.reply, ...cutReply(drawn / cutShare) } : { ...options.reply };
  }

  function overflowOf({ messages }: RequestBody): ModelReply | undefined {
    const { contextTokens: limit = Number.POSITIVE_INFINITY, overflow = inOpenAiWords } = options;
    const tokens = messages.reduce((sum, message) => sum + 4 + tokensOf(message), 0);
    return tokens > limit ? overflow(tokens, limit) : undefined;
  }

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const raw = await readBody(request);
    const body = parseJson(raw);
    if (request.method !== 'POST' || request.url !== (options.path ?? '/v1/chat/completions')) {
      return refuse(response, refusals, 404, `no such route: ${request.method} ${request.url}`);
    }
    if (options.apiKey !== undefined && request.headers.authorization !== `Bearer ${options.apiKey}`) {
      return sendError(response, { status: 401, error: { message: 'Incorrect API key', code: 'invalid_api_key' } });
    }
    const parsed = requestSchema.safeParse(body);
    if (!parsed.success) return refuse(response, refusals, 400, z.prettifyError(parsed.error));
    const { model, temperature, stream } = parsed.data;
    const refusal = options.refuses?.(parsed.data) ?? overflowOf(parsed.data);
    if (refusal !== undefined) {
      turnedAway += 1;
      if (refusal.raw === undefined) return sendError(response, refusal);
      return void (await answer(response, model, { text: '', ...refusal }, released.signal));
    }
    const messages = parsed.data.messages.map((message) => ({ ...message, content: withoutTime(message.content) }));
    const text = (options.read ?? withoutMemory)(messages.at(-1)?.content ?? '');
    const attempt = (counts.get(text) ?? 0) + 1;
    counts.set(text, attempt);
    const reply = nextReply({ text, attempt });
    const full = { text: options.respond?.(parsed.data.messages) ?? `echo: ${text}`, ...reply };
    const ended = stream
      ? answer(response, model, full, released.signal)
      : Promise.resolve(sendWhole(response, model, full));
    calls.push({
      number: calls.length + 1,
      text,
      attempt,
      model,
      temperature,
      stream,
      raw,
      path: request.url,
      messages,
      headers: request.headers,
      ended,
    });
    for (const wake of waiters.splice(0)) wake();
    await ended;
  }

  const server = createServer((request, response) => {
    handle(request, response).catch((error: unknown) => response.destroy(error instanceof Error ? error : undefined));
  });
  await once(server.listen(port, '127.0.0.1'), 'listening');
  const url = `http://127.0.0.1:${portOf(server.address())}/v1`;

  return {
    url,
    journal: () => [...calls],
    count: (text) => counts.get(text) ?? 0,
    refused: () => [...refusals],
    turnedAway: () => turnedAway,
    script: (part, ...replies) => void scripts.push({ part, replies: [...replies] }),
    async called(part, nth = 1) {
      for (;;) {
        const call = calls.filter(({ text }) => text.includes(part))[nth - 1];
        if (call !== undefined) return call;
        await new Promise<void>((resolve) => waiters.push(resolve));
      }
    },
    release: () => released.abort(),
    async close() {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

/** A call that dies after a few words, sooner or later. `drawn`: from 0 (included) to 1. */
export function cutReply(drawn: number): ModelReply {
  const end = drawn < 0.5 ? 'reset' : 'close';
  return { text: CUT_TEXT, pieces: CUT_PIECES, sent: 1 + Math.floor(drawn * CUT_PIECES), betweenMs: 80, end };
}

function refuse(response: ServerResponse, refusals: string[], status: number, message: string): void {
  refusals.push(message);
  sendError(response, { status, error: { message, type: 'invalid_request_error' } });
}

/** The same text always gives the same number from 0 (included) to 1. */
function chance(text: string): number {
  return createHash('sha256').update(text).digest().readUInt32BE() / 2 ** 32;
}

/** https://community.openai.com/t/error-this-models-maximum-context-length-is-x-tokens/105799 */
function inOpenAiWords(tokens: number, limit: number): ModelReply {
  const message =
    `This model's maximum context length is ${limit} tokens. However, your messages resulted in ${tokens} tokens. ` +
    'Please reduce the length of the messages.';
  return {
    status: 400,
    error: { message, type: 'invalid_request_error', param: 'messages', code: 'context_length_exceeded' },
  };
}

/** A message as it was written: the product tells the model at its end when it was sent. */
function withoutTime(content: string): string {
  return content.replace(/\n\n\[Sent [^\]\n]*\]$/, '');
}

/** What a person wrote, without the facts and the recalled messages that the product puts before it. */
function withoutMemory(content: string): string {
  return [
    ['[Facts that the person', '[End of the facts]\n\n'],
    ['[Recalled from earlier', '[End of what was recalled]\n\n'],
  ].reduce((text, [begin = '', end = '']) => {
    const from = text.startsWith(begin) ? 0 : text.indexOf(`\n${begin}`) + 1;
    const to = text.indexOf(`\n${end}`, from);
    if ((from === 0 && !text.startsWith(begin)) || to === -1) return text;
    return text.slice(0, from) + text.slice(to + 1 + end.length);
  }, content);
}

async function readBody(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part);
  return Buffer.concat(parts).toString('utf8');
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/**
 * A text and images after it, as the user's content in https://platform.openai.com/docs/api-reference/chat/create; of the images, only
 * those within the request.
 */
function withImages() {
  const url = z.string().regex(/^data:image\/(?:png|jpeg|webp|gif);base64,[A-Za-z0-9+/]+={0,2}$/);
  const image = z.strictObject({ type: z.literal('image_url'), image_url: z.strictObject({ url }) });
  return z.tuple([z.strictObject({ type: z.literal('text'), text: wellFormed() })], image);
}

function flat({ content }: { readonly content: string | z.infer<ReturnType<typeof withImages>> }): ModelMessage {
  if (typeof content === 'string') return { role: 'user', content };
  const [{ text }, ...images] = content;
  return { role: 'user', content: text, images: images.map(({ image_url: { url } }) => url) };
}

/** An image counts a thousand. */
function tokensOf({ content, images = [] }: ModelMessage): number {
  return Math.ceil(content.length / 3) + 1_000 * images.length;
}

function wellFormed() {
  return z.string().refine((text) => !/\p{Surrogate}/u.test(text), 'lone surrogate');
}

function alternates(messages: readonly { readonly role: string }[]): boolean {
  const roles = messages.map(({ role }) => role);
  const turns = roles[0] === 'system' || roles[0] === 'developer' ? roles.slice(1) : roles;
  return turns.length % 2 === 1 && turns.every((role, index) => role === (index % 2 === 0 ? 'user' : 'assistant'));
}

function portOf(address: AddressInfo | string | null): number {
  if (address === null || typeof address === 'string') throw new Error('not listening on a port');
  return address.port;
}
