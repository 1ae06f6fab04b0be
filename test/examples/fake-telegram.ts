/** A strict Telegram of one bot on loopback: the methods that the example uses, as https://core.telegram.org/bots/api has them. */
import { createServer } from 'node:http';
import { z } from 'zod';
import { closeServer } from '../../src/lib/close-server.ts';

export const TOKEN = '123456:ABC-DEF1234ghIkl-zyx57W2v1u123ew11';
export const USERNAME = 'recollect_bot';

const getUpdates = z.strictObject({
  offset: z.number(),
  timeout: z.number().int().positive(),
  allowed_updates: z.array(z.enum(['message', 'edited_message'])),
});
const text = z.string().min(1).max(4_096);
const sendMessage = z.strictObject({
  chat_id: z.number(),
  message_thread_id: z.number().optional(),
  text,
  reply_parameters: z.strictObject({ message_id: z.number(), allow_sending_without_reply: z.boolean() }).optional(),
});
const editMessageText = z.strictObject({ chat_id: z.number(), message_id: z.number(), text });
const sendChatAction = z.strictObject({
  chat_id: z.number(),
  message_thread_id: z.number().optional(),
  action: z.literal('typing'),
});

interface Sent {
  readonly message_id: number;
  readonly replyTo: number | undefined;
  text: string;
}

export interface FakeTelegram {
  readonly url: string;
  /** Delivers what a person writes. Gives the message's id. */
  say(chat: number, words: string, type?: 'private' | 'group'): number;
  /** Delivers an update once more, under another update id. */
  repeat(messageId: number): void;
  /** Lets the next call of a method fail. */
  fail(method: string, error: object): void;
  /** The bot's messages, in order. */
  sent(): readonly Sent[];
  /** How often a method was called. */
  calls(method: string): number;
  /** Updates that the bot has not confirmed yet. */
  unconfirmed(): number;
  close(): Promise<void>;
}

export async function startFakeTelegram(): Promise<FakeTelegram> {
  let updates: { readonly update_id: number; readonly message: { readonly message_id: number } }[] = [];
  const sent: Sent[] = [];
  const calls: string[] = [];
  const failures = new Map<string, object>();
  const waiting = new Set<() => void>();
  let lastId = 100;
  const deliver = (message: { readonly message_id: number }) => {
    lastId += 1;
    updates.push({ update_id: lastId, message });
    for (const wake of waiting) wake();
  };
  const everSaid = new Map<number, { readonly message_id: number }>();
  const bad = (description: string) => ({ ok: false, error_code: 400, description: `Bad Request: ${description}` });

  async function answer(method: string, body: unknown, closed: Promise<void>): Promise<object> {
    calls.push(method);
    const failure = failures.get(method);
    failures.delete(method);
    if (failure !== undefined) return failure;
    switch (method) {
      case 'getMe':
        return { ok: true, result: { id: 123456, is_bot: true, first_name: 'recollect', username: USERNAME } };
      case 'getUpdates': {
        const { offset } = getUpdates.parse(body);
        updates = updates.filter(({ update_id }) => update_id >= offset);
        if (updates.length === 0) {
          let wake = () => {};
          await Promise.race([
            closed,
            new Promise<void>((resolve) => {
              wake = resolve;
              waiting.add(wake);
            }),
          ]);
          waiting.delete(wake);
        }
        return { ok: true, result: updates };
      }
      case 'sendMessage': {
        const message = sendMessage.parse(body);
        lastId += 1;
        sent.push({ message_id: lastId, replyTo: message.reply_parameters?.message_id, text: message.text });
        return { ok: true, result: { message_id: lastId, chat: { id: message.chat_id } } };
      }
      case 'editMessageText': {
        const edit = editMessageText.parse(body);
        const message = sent.find(({ message_id }) => message_id === edit.message_id);
        // https://github.com/TelegramBotAPI/errors/issues/7
        if (message === undefined) return bad('message to edit not found');
        // https://github.com/rubenlagus/TelegramBots/issues/674
        if (message.text === edit.text) {
          return bad('message is not modified: specified new message content and reply markup are exactly the same');
        }
        message.text = edit.text;
        return { ok: true, result: { message_id: message.message_id } };
      }
      case 'sendChatAction':
        sendChatAction.parse(body);
        return { ok: true, result: true };
      default:
        return { ok: false, error_code: 404, description: 'Not Found: method not found' };
    }
  }

  const server = createServer(async (request, response) => {
    const closed = new Promise<void>((resolve) => response.once('close', resolve));
    const [, bot, method = ''] = (request.url ?? '').split('/');
    let body = '';
    for await (const chunk of request) body += String(chunk);
    const result =
      bot === `bot${TOKEN}`
        ? await answer(method, JSON.parse(body), closed).catch((thrown: unknown) => bad(String(thrown)))
        : { ok: false, error_code: 401, description: 'Unauthorized' };
    response.writeHead('error_code' in result ? Number(result.error_code) : 200, {
      'content-type': 'application/json',
    });
    response.end(JSON.stringify(result));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('The server has no port.');
  return {
    url: `http://127.0.0.1:${address.port}`,
    say(chat, words, type = 'private') {
      lastId += 1;
      const message = {
        message_id: lastId,
        date: 1_700_000_000,
        chat: { id: chat, type },
        from: { id: 42, is_bot: false, first_name: 'Grace', language_code: 'en' },
        text: words,
      };
      everSaid.set(message.message_id, message);
      deliver(message);
      return message.message_id;
    },
    repeat(messageId) {
      const message = everSaid.get(messageId);
      if (message !== undefined) deliver(message);
    },
    fail: (method, error) => void failures.set(method, error),
    sent: () => sent,
    calls: (method) => calls.filter((called) => called === method).length,
    unconfirmed: () => updates.length,
    close: () => closeServer(server, 0),
  };
}
