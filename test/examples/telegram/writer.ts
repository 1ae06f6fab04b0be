/** Writes the messages of one reply. */
import { z } from 'zod';
import { BotError } from '../../../src/errors.ts';
import type { ReplyWriter } from '../../../src/replies/writer.ts';
import type { TelegramApi } from './api.ts';
import type { targetShape } from './normalize.ts';

const sentShape = z.object({ message_id: z.number() });

/** Telegram has no codes for these; the descriptions are stable. */
const isAbout = (thrown: unknown, what: string) => thrown instanceof BotError && thrown.message.includes(what);

export function createTelegramWriter(
  api: TelegramApi,
  { chat: chat_id, thread: message_thread_id, message }: z.infer<typeof targetShape>,
): ReplyWriter {
  return {
    async post(part, text, { signal, check }) {
      check();
      const reply_parameters = part === 1 ? { message_id: message, allow_sending_without_reply: true } : undefined;
      const sent = await api.call('sendMessage', { chat_id, message_thread_id, text, reply_parameters }, signal);
      return String(sentShape.parse(sent).message_id);
    },
    async edit(id, text, { signal, check }) {
      check();
      try {
        await api.call('editMessageText', { chat_id, message_id: Number(id), text }, signal);
      } catch (thrown) {
        if (isAbout(thrown, 'message to edit not found')) return 'gone';
        if (!isAbout(thrown, 'message is not modified')) throw thrown;
      }
      return 'edited';
    },
    async remove(id, { signal, check }) {
      check();
      await api.call('deleteMessage', { chat_id, message_id: Number(id) }, signal).catch((thrown: unknown) => {
        if (!isAbout(thrown, 'message to delete not found')) throw thrown;
      });
    },
    async showTyping(signal) {
      await api.call('sendChatAction', { chat_id, message_thread_id, action: 'typing' }, signal);
    },
  };
}
