/** The message bodies that Discord accepts. Everything else is refused, even if a lenient server would ignore it. */
import { MessageFlags } from 'discord-api-types/v10';
import { z } from 'zod';
import { errors } from './api-error.ts';

const id = z.string().regex(/^\d{17,19}$/);
const wellFormed = z.string().refine((text) => !/\p{Surrogate}/u.test(text), 'lone surrogate');

const button = z.strictObject({
  type: z.literal(2),
  style: z.union([z.literal(1), z.literal(2), z.literal(3), z.literal(4)]),
  label: wellFormed.min(1).max(80),
  custom_id: z.string().min(1).max(100),
});
const row = z.strictObject({ type: z.literal(1), components: z.array(button).min(1).max(5) });
const rows = z
  .array(row)
  .max(5)
  .refine((all) => {
    const ids = all.flatMap(({ components }) => components.map(({ custom_id }) => custom_id));
    return new Set(ids).size === ids.length;
  }, 'custom ids must be unique');

const mentions = z.strictObject({
  parse: z.array(z.enum(['roles', 'users', 'everyone'])),
  replied_user: z.boolean().optional(),
});

const edited = z.strictObject({
  content: wellFormed.max(2_000).optional(),
  allowed_mentions: mentions.optional(),
  components: rows.optional(),
  attachments: z.array(z.strictObject({ id: z.string() })).optional(),
  /** Of an edit only SUPPRESS_EMBEDS can be set and unset: https://docs.discord.com/developers/resources/message#edit-message */
  flags: z.literal([0, 4]).optional(),
});
const followUp = edited.extend({ flags: z.literal([0, 4, 64, 68]).optional() });
const created = edited.extend({
  nonce: z.string().min(1).max(25).optional(),
  enforce_nonce: z.boolean().optional(),
  message_reference: z.strictObject({ message_id: id, fail_if_not_exists: z.boolean().optional() }).optional(),
});
const callback = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal(5), data: z.strictObject({ flags: z.literal(64).optional() }).optional() }),
  z.strictObject({ type: z.literal(6) }),
]);

export type MessageRows = z.infer<typeof rows>;
export type EditedBody = Omit<z.infer<typeof edited>, 'flags'> & { readonly flags?: number | undefined };

/** The body of a request: its JSON, and the names and contents of its files. */
export interface Payload {
  readonly json: unknown;
  readonly files: readonly { readonly name: string; readonly content: string }[];
}

function parse<T>(schema: z.ZodType<T>, payload: Payload): T {
  const parsed = schema.safeParse(payload.json);
  if (!parsed.success) throw errors.invalidForm(z.prettifyError(parsed.error));
  return parsed.data;
}

/** @throws ApiError */
function notEmpty<T extends EditedBody>(body: T, payload: Payload): T {
  if ((body.content ?? '').trim() === '' && payload.files.length === 0) throw errors.empty();
  return body;
}

export const bodies = {
  created: (payload: Payload) => notEmpty(parse(created, payload), payload),
  /** Of a message that has text, or is given some. */
  edited(payload: Payload) {
    const body = parse(edited, payload);
    return body.content === undefined ? body : notEmpty(body, payload);
  },
  followUp: (payload: Payload) => notEmpty(parse(followUp, payload), payload),
  callback: (payload: Payload) => parse(callback, payload),
};

/** Whether Discord would fetch the links in this text to make previews. */
export function unfolds({ content, flags = 0 }: { readonly content: string; readonly flags?: number }): boolean {
  return content !== '' && (flags & MessageFlags.SuppressEmbeds) === 0;
}

/** Whether the message would notify anybody. Without `allowed_mentions`, every mention in the text does. */
export function notifies(body: EditedBody, isReply: boolean): boolean {
  const content = body.content ?? '';
  if (body.allowed_mentions === undefined) return isReply || /@everyone|@here|<@[!&]?\d+>/.test(content);
  const { parse: parsed, replied_user: replied } = body.allowed_mentions;
  return (isReply && replied === true) || (parsed.length > 0 && /@everyone|@here|<@[!&]?\d+>/.test(content));
}
