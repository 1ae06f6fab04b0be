/** Adapts requests to what a server accepts, learnt from its refusals: other roles, fewer parameters, no streaming. */
import { field, type ServerError } from './completion.ts';
import { withTextBefore } from './images.ts';

/** A request body as LangChain creates it. */
export type RequestBody = Readonly<Record<string, unknown>>;

/** `system`: instead of `developer`; `folded`: the system message is prepended to the first user message. */
type SystemRole = 'unchanged' | 'system' | 'folded';

export interface Adaptation {
  readonly role: SystemRole;
  /** Omitted parameters. */
  readonly without: ReadonlySet<string>;
  readonly stream: boolean;
  /** Anthropic-like servers require a limit. */
  readonly maxTokens: number | undefined;
}

export const NO_ADAPTATION: Adaptation = { role: 'unchanged', without: new Set(), stream: true, maxTokens: undefined };

const MAX_TOKENS = 4_096;

/** The request in the form that this server accepts. */
export function adapt(body: RequestBody, adaptation: Adaptation): RequestBody {
  const kept = Object.entries(body).filter(([name]) => !adaptation.without.has(name));
  const { messages, ...rest } = Object.fromEntries(kept);
  return {
    ...rest,
    ...(adaptation.stream ? {} : { stream: false }),
    ...(adaptation.maxTokens === undefined ? {} : { max_tokens: adaptation.maxTokens }),
    ...(messages === undefined
      ? {}
      : { messages: Array.isArray(messages) ? withRole(messages, adaptation.role) : messages }),
  };
}

function withRole(messages: readonly unknown[], role: SystemRole): readonly unknown[] {
  const [first, second, ...rest] = messages;
  if (role === 'unchanged' || !isSystem(first)) return messages;
  const content = field(first, 'content');
  if (role === 'system') return [{ role: 'system', content }, ...messages.slice(1)];
  if (field(second, 'role') !== 'user') return [{ role: 'user', content }, ...messages.slice(1)];
  return [{ role: 'user', content: withTextBefore(String(content), field(second, 'content')) }, ...rest];
}

function isSystem(message: unknown): boolean {
  const role = field(message, 'role');
  return role === 'system' || role === 'developer';
}

/** Never omitted: there is no request without them. */
const REQUIRED = new Set(['model', 'messages', 'input', 'stream']);

const REFUSES =
  /not (?:be )?(?:supported|support|allowed|permitted|available|enabled|one of|implemented|valid|a valid)|does ?n[o']t support|unsupported|unknown|unexpected|unrecogni[sz]ed|invalid|incorrect|must be (?:one of|false|verified)|only|expected|extra (?:fields|inputs)|alternate|forbidden|disabled|cannot|can't|should be|不支持/i;

/**
 * The adaptation with which to repeat the request; undefined if the refusal names nothing that can be changed. Every change removes
 * something, so the number of retries is bounded.
 */
export function adaptTo(
  error: ServerError,
  status: number,
  body: RequestBody,
  known: Adaptation,
): Adaptation | undefined {
  if (![400, 404, 405, 406, 415, 422, 500, 501].includes(status)) return undefined;
  const { text, param = '' } = error;
  const words = text.toLowerCase();
  const refuses = REFUSES.test(text) || /unsupported|unknown_param|invalid|not_supported/.test(error.code ?? '');
  if (needsMaxTokens(words) && known.maxTokens === undefined) return { ...known, maxTokens: MAX_TOKENS };
  // The text of a temporary error may mention anything. llama.cpp also reports failing chat templates with such a status.
  if (status >= 500 && status !== 501) return adaptRole(error, status, body, known, refuses);
  const named = Object.keys(body).find(
    (name) =>
      !REQUIRED.has(name) && (param.split(/[.[]/)[0] === name || (refuses && hasWord(words, name.toLowerCase()))),
  );
  if (named === 'max_tokens' && known.maxTokens !== undefined)
    return { ...known, maxTokens: undefined, without: plus(known, named) };
  if (named !== undefined) return { ...known, without: plus(known, named) };
  if (body.stream === true && (param === 'stream' || (refuses && /\bstream(?:ing|ed)?\b/.test(words)))) {
    return { ...known, stream: false };
  }
  return adaptRole(error, status, body, known, refuses);
}

/** Chat templates: https://github.com/vllm-project/vllm/issues/6862; DeepSeek: https://github.com/earendil-works/pi/issues/1048 */
function adaptRole(
  { text, param = '' }: ServerError,
  status: number,
  { messages }: RequestBody,
  known: Adaptation,
  refuses: boolean,
): Adaptation | undefined {
  const first: unknown = Array.isArray(messages) ? messages[0] : undefined;
  if (!isSystem(first)) return undefined;
  const developer = field(first, 'role') === 'developer';
  const words = text.toLowerCase();
  const ofRoles =
    /\broles?\b|\bdeveloper\b|\bsystem\b|system_|chat.?template|jinja|templateerror|raise_exception/.test(words) ||
    /role/.test(param);
  // DeepInfra refuses `developer` without an error text: https://github.com/earendil-works/pi/pull/1578
  const withoutText = developer && text === '' && (status === 422 || status === 400);
  if (!(ofRoles && (refuses || /raise_exception|template/.test(words))) && !withoutText) return undefined;
  return { ...known, role: developer ? 'system' : 'folded' };
}

function needsMaxTokens(words: string): boolean {
  return (
    /max_(?:completion_|new_)?tokens/.test(words) && /required|missing|must be (?:set|specified|provided)/.test(words)
  );
}

function plus({ without }: Adaptation, name: string): ReadonlySet<string> {
  return new Set([...without, name]);
}

/** Whether the text contains the name as a whole word. */
function hasWord(text: string, name: string): boolean {
  for (let at = text.indexOf(name); at >= 0; at = text.indexOf(name, at + 1)) {
    if (!/\w/.test(text[at - 1] ?? '') && !/\w/.test(text[at + name.length] ?? '')) return true;
  }
  return false;
}
