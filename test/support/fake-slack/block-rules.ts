/** The limits of messages and blocks that the fake Slack enforces. Numbers: docs.slack.dev and what bots have met. */
import { z } from 'zod';

/** What a Web API method refuses, by Slack's name for it. */
export class ApiError extends Error {
  readonly code: string;
  constructor(code: string) {
    super(code);
    this.code = code;
  }
}

const MAX_BLOCKS = 50;
const MAX_MARKDOWN = 12_000;
const MAX_SECTION = 3_000;
/** Documented is 40,000; chat.update refuses near this. */
const MAX_UPDATE_TEXT = 4_000;
const MAX_POST_TEXT = 40_000;
/** Where streams were seen to be refused, in bytes. */
const MAX_STREAM_BYTES = 10_600;

const plainText = z.strictObject({ type: z.literal('plain_text'), text: z.string(), emoji: z.boolean().optional() });
const button = z.strictObject({
  type: z.literal('button'),
  text: plainText.extend({ text: z.string().min(1).max(75) }),
  action_id: z.string().min(1).max(255),
  value: z.string().max(2_000).optional(),
  style: z.enum(['primary', 'danger']).optional(),
});
const block = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('markdown'), text: z.string().min(1), block_id: z.string().optional() }),
  z.strictObject({
    type: z.literal('section'),
    text: z.strictObject({ type: z.literal('mrkdwn'), text: z.string().min(1).max(MAX_SECTION) }),
    block_id: z.string().optional(),
  }),
  z.strictObject({
    type: z.literal('actions'),
    elements: z.array(button).min(1).max(25),
    block_id: z.string().optional(),
  }),
]);

export type FakeBlock = z.infer<typeof block>;

/** Reads and checks blocks. @throws ApiError `invalid_blocks`, `msg_too_long` */
export function readBlocks(value: unknown): readonly FakeBlock[] {
  const parsed = z.array(block).max(MAX_BLOCKS).safeParse(value);
  if (!parsed.success) throw new ApiError('invalid_blocks');
  const markdown = parsed.data.reduce((sum, each) => sum + (each.type === 'markdown' ? each.text.length : 0), 0);
  if (markdown > MAX_MARKDOWN) throw new ApiError('msg_too_long');
  const ids = parsed.data.flatMap((each) => (each.type === 'actions' ? each.elements : [])).map((it) => it.action_id);
  if (new Set(ids).size < ids.length) throw new ApiError('invalid_blocks');
  return parsed.data;
}

/** What people read of a message: the blocks where there are any, else the text. */
export function shownText(text: string | undefined, blocks: readonly FakeBlock[]): string {
  if (blocks.length === 0) return text ?? '';
  return blocks
    .flatMap((each) => {
      if (each.type === 'markdown') return [each.text];
      return each.type === 'section' ? [each.text.text] : [];
    })
    .join('\n');
}

export function checkText(method: string, text: string | undefined): void {
  if ((text ?? '').length > (method === 'chat.update' ? MAX_UPDATE_TEXT : MAX_POST_TEXT)) {
    throw new ApiError('msg_too_long');
  }
}

export function checkMarkdownText(text: string | undefined): void {
  if ((text ?? '').length > MAX_MARKDOWN) throw new ApiError('msg_too_long');
}

export function checkStream(whole: string): void {
  if (Buffer.byteLength(whole) > MAX_STREAM_BYTES) throw new ApiError('msg_too_long');
}
