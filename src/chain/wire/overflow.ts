/** Recognises errors about requests that exceed the model's context, and the limits in their texts. */
import type { ServerError } from './completion.ts';

/** Thrown and caught within the chain, which then shortens the request and sends it again. */
export class ContextOverflow extends Error {
  override readonly name = 'ContextOverflow';
  /** Context of the model in tokens, if the server named it. */
  readonly limit: number | undefined;
  /** The server's token count of the request, if it named it. */
  readonly requested: number | undefined;

  constructor(limit?: number, requested?: number) {
    super('The request is longer than the context of the model.');
    this.limit = limit;
    this.requested = requested;
  }
}

const CODES = new Set([
  'context_length_exceeded',
  'exceed_context_size_error',
  'request_too_large',
  'string_above_max_length',
]);

/** In lower case. test/chain/overflow.test.ts has the source of each. */
const WORDS = [
  'context length',
  'context window',
  'context size',
  'context limit',
  'context overflow',
  'maximum context',
  'max_model_len',
  'maximum model length',
  'maximum prompt length',
  'maximum allowed input length',
  'prompt is too long',
  'prompt too long',
  'prompt is too large',
  'input is too long',
  'input too long',
  'input length',
  'input token count',
  'prompt token count',
  'input tokens exceed',
  '`inputs` tokens',
  'too many input tokens',
  'too many tokens',
  'token limit',
  'maximum number of tokens',
  'range of input length',
  'reduce the length of the',
  'reduce your message size',
  'reduce your prompt',
  'request too large',
  'request exceeds the maximum size',
  'payload too large',
  'n_ctx',
  'n_keep',
];
/** Errors about the length of the answer, and rate limits. */
const OTHER_ERRORS = /max_tokens must be|output tokens must|too many requests|wait before|throttl/;

/** Undefined if the error is about something else. */
export function readOverflow(error: ServerError, status: number): ContextOverflow | undefined {
  const words = error.text.toLowerCase().replace(/(\d),(?=\d{3})/g, '$1');
  const named = [error.code, error.type].some((name) => name !== undefined && CODES.has(name));
  if (status === 429 && !isTooLargeForRate(words)) return undefined;
  if (status === 401 || status === 403 || status === 404) return undefined;
  const told = status === 413 || named || (!OTHER_ERRORS.test(words) && WORDS.some((word) => words.includes(word)));
  if (!told && !/max_tokens must be at least 1, got -/.test(words)) return undefined;
  return new ContextOverflow(error.limit ?? limitIn(words), error.requested ?? requestedIn(words));
}

/** OpenAI, Groq: "… on tokens per minute (TPM): Limit 6000, Requested 7310": waiting helps unless the request alone is over the limit. */
function isTooLargeForRate(words: string): boolean {
  const limit = limitIn(words);
  const requested = requestedIn(words);
  return words.includes('too large') && limit !== undefined && requested !== undefined && requested > limit;
}

const LIMITS = [
  /maximum context(?: length)?(?: of| is|:)? ?\(?(\d+)/,
  /context length (?:of |is )?(?:only )?\(?(\d+)/,
  /(?:context (?:window|size|limit)|maximum prompt length|max_model_len|n_ctx)(?: of| is|:| =|=)? ?(?:only )?\(?(\d+)/,
  /maximum allowed input length of (\d+)/,
  /maximum number of tokens allowed ?\(?(\d+)/,
  /token limit: ?(\d+)/,
  /range of input length should be \[\d+, ?(\d+)/,
  /must be <= ?(\d+)/,
  /exceeds the limit of (\d+)/,
  /with (\d+) maximum context/,
  /> ?(\d+) maximum/,
  /limit (\d+), requested/,
];
const REQUESTED = [
  /at least (\d+) input tokens/,
  /requested (?:about )?(\d+) ?(?:tokens|$|,|\.)/,
  /requested[: ]+(\d+)/,
  /resulted in (\d+)/,
  /contains (\d+) tokens/,
  /too long: (\d+)/,
  /token count (?:of )?\(?(\d+)/,
  /input (?:length )?\(?(\d+)/,
  /keep the first (\d+)/,
  /requested tokens \((\d+)\)/,
  /given: (\d+)/,
];

function limitIn(words: string): number | undefined {
  return firstNumber(words, LIMITS);
}

function requestedIn(words: string): number | undefined {
  return firstNumber(words, REQUESTED);
}

function firstNumber(words: string, patterns: readonly RegExp[]): number | undefined {
  for (const pattern of patterns) {
    const number = Number(pattern.exec(words)?.[1]);
    if (number > 0) return number;
  }
  return undefined;
}
