/** What the recording platform and its clients say to each other: JSON over HTTP on loopback. */
import { z } from 'zod';

/** Longest message the platform takes, in UTF-16 units: Discord's. */
export const MESSAGE_LIMIT = 2000;
/** Stands at the end of a text that still grows: what ends with it for good is half a reply. */
export const MARK = '▌';
export const REPLICA_HEADER = 'x-replica';

const conversation = {
  workspace: z.string().min(1),
  channel: z.string().min(1),
  thread: z.string().min(1).optional(),
  user: z.string().min(1),
  direct: z.boolean(),
};
const delivery = { id: z.string().min(1), eventId: z.string().min(1), ...conversation };
/** What the platform tells of whoever asks: their language, and whether they may manage messages here. */
const asking = { locale: z.enum(['en', 'zh-CN']), canManage: z.boolean().optional() };

/** What happens on the platform and is pushed to one of the bot's replicas until one acks it. */
export const deliverySchema = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('message'),
    ...delivery,
    name: z.string(),
    text: z.string(),
    ...asking,
    sentAt: z.int(),
    quotes: z.array(z.strictObject({ author: z.string(), text: z.string() })).optional(),
    /** Its name; GET /files/<id of the message> gives the text in it. */
    file: z.string().optional(),
  }),
  /** The platform's own command, chosen from a menu. */
  z.strictObject({
    kind: z.literal('command'),
    ...delivery,
    ...asking,
    name: z.string().min(1),
    options: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])),
  }),
  /** Somebody pressed a button. */
  z.strictObject({ kind: z.literal('action'), ...delivery, ...asking, action: z.string().min(1) }),
  z.strictObject({ kind: z.literal('stop'), ...delivery, trigger: z.string().min(1) }),
]);
export type Delivery = z.infer<typeof deliverySchema>;

/** What an ack tells, for the judge: `queued`, `duplicate` or why it was refused; `done` for what is no message. */
export const ackSchema = z.strictObject({
  result: z.enum(['queued', 'duplicate', 'rate_limited', 'inbox_full', 'too_long', 'empty', 'done']),
});
export type Ack = z.infer<typeof ackSchema>;

export const fileSchema = z.strictObject({ text: z.string() });

export const replicaSchema = z.strictObject({ name: z.string().min(1), url: z.url() });

const text = z
  .string()
  .max(MESSAGE_LIMIT)
  .refine((value) => value.trim() !== '', 'A message must not be empty.');
const actionSchema = z.strictObject({
  label: z.string().min(1).max(75),
  style: z.enum(['primary', 'danger', 'plain']),
  id: z.string().regex(/^[!-~]{1,100}$/, 'A button id is printable ASCII.'),
});
const actions = z.array(actionSchema).max(25);
export const postSchema = z.strictObject({
  /** The person's message that it answers. */
  trigger: z.string().min(1),
  channel: z.string().min(1),
  /** From 1. */
  part: z.int().min(1),
  text,
  /** Repeated within the platform's nonce window: the earlier message comes back as it is. */
  nonce: z.string().min(1).max(25).optional(),
  /** Told beside the replies: a refusal, not an answer. */
  notice: z.boolean().optional(),
  /** Anybody who sees the message can press them. */
  actions: actions.optional(),
});
/** An answer that one person alone gets to see. */
export const answerSchema = z.strictObject({
  /** What it answers: a message, a command or a pressed button. */
  trigger: z.string().min(1),
  channel: z.string().min(1),
  user: z.string().min(1),
  kind: z.enum(['done', 'refused', 'confirm', 'pick']),
  text,
  actions,
  files: z.array(z.strictObject({ name: z.string().min(1), mediaType: z.string().min(1), content: z.string() })),
});
export type PrivateAnswer = z.infer<typeof answerSchema>;
export const editSchema = z.strictObject({ text });
export const thinkSchema = z.strictObject({ trigger: z.string().min(1) });
export const postedSchema = z.object({ id: z.string() });
export const foundSchema = z.object({ messages: z.array(z.object({ id: z.string() })) });
