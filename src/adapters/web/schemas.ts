/** What the page may send, and what it is sent. Checked at the edge; test/adapters/web reads every answer by these. */
import { z } from 'zod';
import { isWellFormed } from '../../core/session.ts';
import { ANSWER_CUTS, FILE_FAULTS } from '../../core/types.ts';
import { attachmentsSchema } from '../attachments.ts';

const named = (what: string, max: number) =>
  z
    .string(`${what} must be a text.`)
    .refine((text) => text.trim() !== '', `${what} must not be empty.`)
    .refine((text) => text.length <= max, `${what} may have at most ${max} characters.`)
    .refine(isWellFormed, `${what} must be well-formed Unicode: it has a lone surrogate.`);

/** Longest name of a person or channel, in UTF-16 units. */
const MAX_NAME = 40;
/** Turns of its own that a page may ask about when it connects. */
const MAX_TRACKED = 50;

/** Made by the page: names the message, its turn, and makes a repeated sending the same message. */
const messageId = z.string().regex(/^[A-Za-z0-9_-]{20}$/, 'id must be 20 characters of A-Z, a-z, 0-9, _ and -.');

const seat = {
  user: named('user', MAX_NAME),
  channel: named('channel', MAX_NAME),
  locale: z.enum(['en', 'zh-CN']).default('en'),
};

/** Who sits where: they name the conversation together. */
export const seatQuery = z.object(seat);

const asker = {
  ...seat,
  /** Plays somebody who may manage messages in the channel. */
  can_manage: z.boolean().default(false),
  time_zone: z.string().max(64).optional(),
};

export const setupQuery = z.object({ locale: seat.locale, can_manage: z.string().optional() });
export const messageBody = z.object({
  ...asker,
  id: messageId,
  text: z.string().refine(isWellFormed, 'text is ill-formed.'),
  attachments: attachmentsSchema.optional(),
});
export const actionBody = z.object({ ...asker, action: z.string().max(100) });
export const messageRef = z.object({ ...seat, id: messageId });
export const factBody = z.object({ ...seat, id: z.string().regex(/^[a-z0-9]{8}$/, 'id must be the id of a fact.') });
export const eventsQuery = z.object({ ...seat, track: z.array(messageId).max(MAX_TRACKED) });

export type Seat = z.infer<typeof seatQuery>;
export type Asker = Pick<z.infer<typeof messageBody>, 'user' | 'channel' | 'locale' | 'can_manage' | 'time_zone'>;

/** A private answer to a command. */
export const privateAnswer = z.object({
  kind: z.enum(['done', 'refused', 'confirm', 'pick']),
  text: z.string(),
  actions: z.array(z.object({ label: z.string(), style: z.enum(['primary', 'danger', 'plain']), id: z.string() })),
  files: z.array(z.object({ name: z.string(), media_type: z.string(), content: z.string() })),
});

/** What became of something that was sent. */
export const sent = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('stored') }),
  z.object({ kind: z.literal('refused'), text: z.string(), retry_after_ms: z.number() }),
  z.object({ kind: z.literal('answer'), answer: privateAnswer }),
]);

/** Messages of a conversation that the page is sent, the newest ones: it draws all that it has. An even number, for whole turns. */
export const SHOWN_MESSAGES = 200;

/** Longest text of an earlier message where it is shown in short, in UTF-16 units. */
export const MAX_EXCERPT = 280;

/** Names of the files of a message. What they contain is not kept. Absent: none. */
const files = z.array(z.string()).optional();

/** What of the memory an answer was made with, besides the newest messages, as far as it is still stored. */
const usedMemory = z.object({
  /** Recalled messages with the answers to them, in short, oldest first. */
  messages: z.array(
    z.object({
      turn: z.string(),
      author: z.string().optional(),
      text: z.string(),
      files,
      answer: z.string(),
      /** Unix milliseconds. */
      timestamp: z.number(),
    }),
  ),
  facts: z.array(z.string()),
  /** How many of both are stored no more. */
  gone: z.number(),
});

const stored = z.object({
  role: z.enum(['user', 'assistant']),
  content: z.string(),
  /** Unix milliseconds. */
  timestamp: z.number(),
  turn: z.string(),
  /** Absent in a conversation of one person. */
  author: z.string().optional(),
  stopped: z.boolean(),
  /** Absent: not cut off. */
  cut: z.enum(ANSWER_CUTS).optional(),
  files,
  /** Files that an answer was made without. Absent: none. */
  unread: z.array(z.object({ name: z.string(), why: z.enum(FILE_FAULTS) })).optional(),
});

const fact = z.object({
  id: z.string(),
  text: z.string(),
  /** Both in Unix milliseconds. */
  said_at: z.number(),
  expires_at: z.number(),
});

/** Tokens are estimated; times in milliseconds. */
export const memoryAnswer = z.object({
  ttl: z.object({ choice: z.number().nullable(), effective: z.number(), expires_in_ms: z.number().nullable() }),
  conversation: z
    .object({
      key: z.string(),
      messages: z.number(),
      turns: z.number(),
      tokens: z.number(),
      bytes: z.number(),
      created_at: z.number(),
      corrupt: z.number(),
    })
    .nullable(),
  /** The newest {@link SHOWN_MESSAGES}. */
  messages: z.array(stored.extend({ seen: z.boolean() })),
  /** What the model would be shown with the next message. */
  next: z.object({
    tokens: z.object({ system: z.number(), facts: z.number(), window: z.number() }),
    facts: z.number(),
    messages: z.number(),
    /** Names of the files of these messages. */
    files: z.array(z.string()),
    window_end: z.enum(['all', 'messages', 'tokens']),
    /** Older messages, which are searched unless there is no room for what would be found. */
    searched: z.number(),
    /** Tokens that recalled messages may take at most. */
    recall_room: z.number(),
  }),
  /** What this person had the bot keep here, oldest first, and how many there may be; null: people share one conversation. */
  facts: z.object({ kept: z.array(fact), max: z.number() }).nullable(),
});

/** What happened in the fifteen seconds before `at`; null: nothing to measure, or the store did not answer. */
export const sample = z.object({
  at: z.number(),
  conversations: z.number().nullable(),
  messages: z.number().nullable(),
  waiting: z.number().nullable(),
  turns_per_minute: z.number(),
  errors: z.number(),
  first_token_p50: z.number().nullable(),
  first_token_p99: z.number().nullable(),
  turn_p50: z.number().nullable(),
  turn_p99: z.number().nullable(),
  memory_bytes: z.number().nullable(),
  clients: z.number().nullable(),
});
export type Sample = z.infer<typeof sample>;

export const overviewAnswer = z.object({ every_ms: z.number(), samples: z.array(sample) });

const option = z.object({ name: z.string(), description: z.string(), values: z.array(z.string()) });
export const setupAnswer = z.object({
  scope: z.enum(['user', 'channel']),
  store: z.string(),
  model: z.string(),
  max_message_length: z.number(),
  /** Of one message, and their bytes together. */
  max_files: z.number(),
  max_file_bytes: z.number(),
  commands: z.array(
    z.object({ name: z.string(), usage: z.string(), description: z.string(), options: z.array(option) }),
  ),
});

/** The events of a conversation, by name. */
export const feedEvents = {
  /** The conversation, its newest {@link SHOWN_MESSAGES} messages: makes up for events that were missed. */
  state: z.object({
    messages: z.array(stored.extend({ used: usedMemory.optional() })),
    /** Stored messages before these. */
    earlier: z.number(),
    /** Unfinished turns, the running one first; the text where this connection heard it being said. */
    waiting: z.array(z.object({ turn: z.string(), author: z.string().optional(), text: z.string().optional(), files })),
    /** Turns that ended without being in memory. `unknown`: no such turn; what was sent under that id is not stored. */
    settled: z.array(
      z.object({ turn: z.string(), outcome: z.enum(['answered', 'failed', 'forgotten', 'unknown']), text: z.string() }),
    ),
  }),
  /** From UTF-16 offset `from` on, the answer of this turn now reads `text`. */
  text: z.object({ turn: z.string(), from: z.number(), text: z.string() }),
  /** The store does not answer; the next `state` says that it does again. */
  away: z.object({ text: z.string() }),
} as const;

export type FeedEvents = { readonly [Name in keyof typeof feedEvents]: z.infer<(typeof feedEvents)[Name]> };

/**
 * What the page's script (public/) asks for under /playground/api, by route: it takes the shapes from here as types, so that
 * neither side can change one without the other.
 */
export interface Reads {
  readonly setup: { readonly query: Pick<Asker, 'locale' | 'can_manage'>; readonly answer: SetupAnswer };
  readonly memory: { readonly query: Seat; readonly answer: MemoryAnswer };
  readonly overview: { readonly query: Record<never, never>; readonly answer: z.infer<typeof overviewAnswer> };
}

/** The same for what it posts. */
export interface Writes {
  readonly messages: { readonly body: z.input<typeof messageBody>; readonly answer: Sent };
  readonly actions: { readonly body: z.input<typeof actionBody>; readonly answer: Extract<Sent, { kind: 'answer' }> };
  /** Deletes a message and the answer to it; `deleted`: false when it was gone, or is not this person's. */
  readonly 'messages/delete': {
    readonly body: z.input<typeof messageRef>;
    readonly answer: { readonly deleted: boolean };
  };
  /** Removes one; `removed`: false when it was gone already. */
  readonly 'facts/remove': { readonly body: z.input<typeof factBody>; readonly answer: { readonly removed: boolean } };
  readonly stop: { readonly body: z.input<typeof messageRef>; readonly answer: { readonly stopped: boolean } };
}

export type Sent = z.infer<typeof sent>;
export type PrivateAnswer = z.infer<typeof privateAnswer>;
export type ShownUse = z.infer<typeof usedMemory>;
export type MemoryAnswer = z.infer<typeof memoryAnswer>;
export type SetupAnswer = z.infer<typeof setupAnswer>;
