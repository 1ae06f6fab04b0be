/** Parses responses of /chat/completions: chunks of a stream, complete documents, and errors. */

/** The content of a chunk, or of a complete document. */
export interface Delta {
  readonly text: string;
  /** The model is reasoning: there is nothing to show, but it is working. */
  readonly reasoning: boolean;
  readonly finish: Finish | undefined;
  /** `usage.prompt_tokens`, if sent. */
  readonly promptTokens: number | undefined;
}

/** `broken`: the server aborted the answer. */
export type Finish = 'stop' | 'length' | 'content_filter' | 'broken';

/**
 * Finish reasons, in lower case. OpenAI: stop, length, content_filter; Mistral: model_length; Gemini: max_tokens, safety,
 * recitation, prohibited_content; Anthropic's names behind proxies: max_tokens, refusal; Zhipu: sensitive, network_error; DeepSeek:
 * insufficient_system_resource; OpenRouter: error. Any other is a normal end.
 */
const FINISH: ReadonlyMap<string, Finish> = new Map([
  ['length', 'length'],
  ['max_tokens', 'length'],
  ['max_output_tokens', 'length'],
  ['model_length', 'length'],
  ['model_context_window_exceeded', 'length'],
  ['content_filter', 'content_filter'],
  ['safety', 'content_filter'],
  ['recitation', 'content_filter'],
  ['prohibited_content', 'content_filter'],
  ['blocklist', 'content_filter'],
  ['refusal', 'content_filter'],
  ['sensitive', 'content_filter'],
  ['error', 'broken'],
  ['network_error', 'broken'],
  ['insufficient_system_resource', 'broken'],
]);

/** Undefined for JSON that is not part of a completion. */
export function readDelta(value: unknown): Delta | undefined {
  if (!isObject(value)) return undefined;
  const promptTokens = numberOf(field(field(value, 'usage'), 'prompt_tokens'));
  const choices = field(value, 'choices');
  if (!Array.isArray(choices))
    return 'choices' in value || promptTokens !== undefined ? nothing(promptTokens) : undefined;
  const choice: unknown = choices[0];
  if (!isObject(choice)) return nothing(promptTokens);
  const said = isObject(choice.delta) ? choice.delta : isObject(choice.message) ? choice.message : choice;
  const content = readContent(field(said, 'content') ?? field(said, 'text') ?? choice.text);
  const refusal = field(said, 'refusal');
  const reasoning = [field(said, 'reasoning_content'), field(said, 'reasoning'), field(said, 'reasoning_details')];
  return {
    text: content.text + (typeof refusal === 'string' ? refusal : ''),
    reasoning: content.reasoning || reasoning.some(hasContent),
    finish: readFinish(choice.finish_reason),
    promptTokens,
  };
}

function nothing(promptTokens: number | undefined): Delta {
  return { text: '', reasoning: false, finish: undefined, promptTokens };
}

function readFinish(reason: unknown): Finish | undefined {
  if (typeof reason !== 'string' || reason === '') return undefined;
  return FINISH.get(reason.toLowerCase()) ?? 'stop';
}

/**
 * Content is a string or a list of typed parts. Only text parts are shown, not Mistral's `{type: 'thinking', …}`, Anthropic's
 * `thinking` and others.
 */
function readContent(content: unknown): { readonly text: string; readonly reasoning: boolean } {
  if (typeof content === 'string') return { text: content, reasoning: false };
  if (!Array.isArray(content)) return { text: isObject(content) ? textOfPart(content) : '', reasoning: false };
  const texts = content.map((part) => (typeof part === 'string' ? part : textOfPart(part)));
  return { text: texts.join(''), reasoning: texts.some((text, index) => text === '' && isObject(content[index])) };
}

function textOfPart(part: unknown): string {
  const type = field(part, 'type');
  if (type !== undefined && type !== 'text' && type !== 'output_text') return '';
  const text = field(part, 'text');
  return typeof text === 'string' ? text : '';
}

function hasContent(value: unknown): boolean {
  return (typeof value === 'string' && value !== '') || (Array.isArray(value) && value.length > 0);
}

/** An error of a server, parsed from any of the usual forms. */
export interface ServerError {
  /** A name, or an HTTP status (OpenRouter). */
  readonly code: string | undefined;
  readonly type: string | undefined;
  readonly param: string | undefined;
  readonly text: string;
  /** llama.cpp: the context, and the tokens of the request. */
  readonly limit: number | undefined;
  readonly requested: number | undefined;
}

/**
 * OpenAI `{error: {message, type, param, code}}`; Ollama `{error: "text"}`; vLLM, flat, `{object: "error", message, …}`; FastAPI
 * `{detail: …}`; Anthropic `{type: "error", error: {…}}`; Gemini the first of them in a list. Undefined if it is not an error.
 */
export function readError(value: unknown): ServerError | undefined {
  if (Array.isArray(value)) return value.length === 0 ? undefined : readError(value[0]);
  if (!isObject(value)) return undefined;
  const { error, detail } = value;
  if (typeof error === 'string' && error !== '') return { ...NO_ERROR, text: error };
  if (isObject(error)) return fromFields(error);
  const flat = value.object === 'error' || value.type === 'error' || ('message' in value && !('choices' in value));
  if (flat) return fromFields(value);
  if (detail !== undefined) return { ...NO_ERROR, ...fromDetail(detail) };
  return undefined;
}

const NO_ERROR: ServerError = {
  ...{ code: undefined, type: undefined, param: undefined, text: '', limit: undefined, requested: undefined },
};

function fromFields(error: object): ServerError {
  const inner = field(error, 'message') ?? field(error, 'msg');
  // OpenRouter: the error text of the upstream provider.
  const raw = field(field(error, 'metadata'), 'raw');
  const words = [inner, raw].map((text) =>
    typeof text === 'string' ? text : isObject(text) ? JSON.stringify(text) : '',
  );
  return {
    code: nameOf(field(field(error, 'innererror'), 'code') ?? field(error, 'code')),
    type: nameOf(field(error, 'type') ?? field(error, 'status')),
    param: nameOf(field(error, 'param')),
    text: words.filter((text) => text !== '').join(' '),
    limit: numberOf(field(error, 'n_ctx')),
    requested: numberOf(field(error, 'n_prompt_tokens')),
  };
}

/** FastAPI: `[{loc: ['body', 'temperature'], msg, type}]`, or a text. */
function fromDetail(detail: unknown): Partial<ServerError> {
  if (!Array.isArray(detail)) return { text: typeof detail === 'string' ? detail : JSON.stringify(detail) };
  const loc = field(detail[0], 'loc');
  const path = Array.isArray(loc) ? loc.filter((step) => step !== 'body').join('.') : undefined;
  return { text: detail.map((one) => nameOf(field(one, 'msg')) ?? '').join(' '), param: path };
}

export function field(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function nameOf(value: unknown): string | undefined {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : undefined;
}

function numberOf(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0 ? value : undefined;
}
