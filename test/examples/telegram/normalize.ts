/** Reads updates. Pure: no network, no SDK. https://core.telegram.org/bots/api#update */
import { z } from 'zod';
import { encodeSession, type Place, type SessionId, type SessionScope } from '../../../src/core/session.ts';
import { type IncomingMessage, turnIdOf } from '../../../src/core/types.ts';
import { localeOf } from '../../../src/i18n/locale.ts';

const messageShape = z.object({
  message_id: z.number(),
  message_thread_id: z.number().optional(),
  date: z.number(),
  chat: z.object({ id: z.number(), type: z.enum(['private', 'group', 'supergroup', 'channel']) }),
  from: z.object({ id: z.number(), first_name: z.string(), language_code: z.string().optional() }),
  text: z.string(),
});
export type TelegramMessage = z.infer<typeof messageShape>;

export const updateShape = z.object({
  update_id: z.number(),
  message: messageShape.optional().catch(undefined),
  edited_message: messageShape.optional().catch(undefined),
});

/** The part of a reply target that only this adapter reads. It is stored with the turn and comes back as JSON. */
export const targetShape = z.object({
  platform: z.literal('telegram'),
  chat: z.number(),
  thread: z.number().optional(),
  message: z.number(),
});

export function placeOf({ chat }: TelegramMessage): Place {
  return { platform: 'telegram', channel: String(chat.id) };
}

/** A private chat is one person's; in a group, everybody has a conversation of their own unless the scope is `channel`. */
function sessionOf(message: TelegramMessage, scope: SessionScope): SessionId {
  const { chat, from, message_thread_id: thread } = message;
  return encodeSession({
    place: placeOf(message),
    ...(thread === undefined ? {} : { thread: String(thread) }),
    ...(chat.type === 'private' || scope === 'channel' ? {} : { user: String(from.id) }),
  });
}

/** The message for the bot; undefined for one in a group that does not mention it. */
export function toIncoming(
  message: TelegramMessage,
  scope: SessionScope,
  username: string,
): IncomingMessage | undefined {
  const { chat, from, date, message_id, message_thread_id: thread } = message;
  const isDirect = chat.type === 'private';
  const mention = `@${username}`;
  const isMention = message.text.toLowerCase().includes(mention.toLowerCase());
  if (!isDirect && !isMention) return undefined;
  const id = String(message_id);
  return {
    id,
    turnId: turnIdOf(id),
    // Message ids are unique within a chat; an update that is delivered again has the same one.
    idempotencyKeys: [id],
    platform: 'telegram',
    sessionId: sessionOf(message, scope),
    author: { id: String(from.id), name: from.first_name },
    text: message.text.replaceAll(mention, '').trim(),
    sentAt: date * 1_000,
    ...{ isDirect, isMention },
    locale: localeOf(from.language_code),
    replyTo: { platform: 'telegram', chat: chat.id, message: message_id, ...(thread === undefined ? {} : { thread }) },
  };
}
