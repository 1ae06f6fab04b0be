/** Recognises errors about the images of a request. */
import { estimateTokens, IMAGE_TOKENS } from '../../core/tokens.ts';
import type { FileFault } from '../../core/types.ts';
import { field, type ServerError } from './completion.ts';

/** Thrown and caught within the chain, which then sends the request again without images. */
export class ImagesRefused extends Error {
  override readonly name = 'ImagesRefused';
  /** `no_vision`: the server takes no images for this model; otherwise it does not take these. */
  readonly fault: Extract<FileFault, 'no_vision' | 'malformed' | 'too_large'>;

  constructor(fault: ImagesRefused['fault']) {
    super('The server refused the images of the request.');
    this.fault = fault;
  }
}

/** Statuses of such errors; llama.cpp and Ollama use 500, OpenRouter 404. */
const STATUSES: ReadonlySet<number> = new Set([400, 404, 413, 415, 422, 500, 501]);

const ABOUT_IMAGES = /\bimages?\b|image_url|input_image|\bvision\b|multi-?modal|mmproj|图片|图像|视觉/;
const ONE_IMAGE =
  /unsupported image|image (?:type|format|data|file)|mime|media.?type|formats|corrupt|decod|base64|invalid image|pars(?:e|ing)|process(?:ing)? (?:the )?image|load (?:the )?image|not a valid image|valid image/;
const TOO_LARGE = /too large|too big|too many|exceed|maximum (?:size|dimension)|pixels|at most [1-9]/;
const REFUSES =
  /not (?:be )?(?:support|accept|enabled|allowed|permitted|available|implemented|a (?:multi-?modal|vision))|n.t support|unsupported|only supported|no endpoints found|at most 0 |unknown variant|missing data required|cannot (?:see|accept|handle|read)|without vision|不支持/;
/** Content that is not a text is only sent with images. */
const WANTS_TEXT =
  /must be a (?:valid )?string|expected a string|be a valid string|untagged enum chatcompletionrequest|input should be .text|only text|text[- ]only/;

/**
 * Why the images of a refused request are to blame; undefined if they are not, or it has none. test/chain/vision.test.ts has the source
 * of each wording.
 */
export function readImageRefusal(error: ServerError, status: number, body: unknown): ImagesRefused | undefined {
  if (!STATUSES.has(status) || imagesIn(body) === 0) return undefined;
  if (status === 413) return new ImagesRefused('too_large');
  const words = error.text.toLowerCase();
  if (WANTS_TEXT.test(words)) return new ImagesRefused('no_vision');
  if (!ABOUT_IMAGES.test(words)) return undefined;
  if (REFUSES.test(words) && !ONE_IMAGE.test(words)) return new ImagesRefused('no_vision');
  if (TOO_LARGE.test(words)) return new ImagesRefused('too_large');
  return ONE_IMAGE.test(words) ? new ImagesRefused('malformed') : undefined;
}

/** The number of images in a request of /chat/completions or /responses. */
function imagesIn(body: unknown): number {
  return messagesOf(body).flatMap((message) => partsOf(message).filter(isImage)).length;
}

/** Estimated tokens of a request of /chat/completions. */
export function tokensOf(body: unknown): number {
  return messagesOf(body).reduce((sum: number, message) => {
    const content = field(message, 'content');
    if (typeof content === 'string') return sum + 4 + estimateTokens(content);
    const parts = partsOf(message).map((part) => (isImage(part) ? IMAGE_TOKENS : estimateTokens(textOf(part))));
    return parts.reduce((all, one) => all + one, sum + 4);
  }, 0);
}

/** Content that begins with a text. */
export function withTextBefore(text: string, content: unknown): unknown {
  if (!Array.isArray(content)) return `${text}\n\n${String(content)}`;
  const [first, ...rest]: readonly unknown[] = content;
  if (field(first, 'type') !== 'text') return [{ type: 'text', text }, ...content];
  return [{ type: 'text', text: `${text}\n\n${textOf(first)}` }, ...rest];
}

function messagesOf(body: unknown): readonly unknown[] {
  const messages = field(body, 'messages') ?? field(body, 'input');
  return Array.isArray(messages) ? messages : [];
}

function partsOf(message: unknown): readonly unknown[] {
  const content = field(message, 'content');
  return Array.isArray(content) ? content : [];
}

function isImage(part: unknown): boolean {
  const type = field(part, 'type');
  return type === 'image_url' || type === 'input_image';
}

function textOf(part: unknown): string {
  const text = field(part, 'text');
  return typeof text === 'string' ? text : '';
}
