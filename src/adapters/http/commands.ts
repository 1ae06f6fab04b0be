/** A memory command sent as a message: run at once, answered to its caller alone, never stored and never shown to the model. */
import type { Context } from 'hono';
import { streamSSE } from 'hono/streaming';
import type { z } from 'zod';
import type { CommandContext, CommandResult } from '../../core/commands.ts';
import { parseSessionId, personOf } from '../../core/session.ts';
import type { IncomingMessage } from '../../core/types.ts';
import type { HttpDeps } from './deps.ts';
import { wantsStream } from './normalize.ts';
import { refuse } from './refuse.ts';
import { renderChat, retryAfter } from './render.ts';
import type { chatResponse } from './schemas.ts';

/** Longest answer in UTF-16 units: HTTP has no limit of its own, a page of history should still be one. */
const MAX_LENGTH = 20_000;

/** The answer to a message that is a command; undefined when it is for the model. @throws BotError as the store does. */
export async function answerCommand(
  c: Context,
  deps: Pick<HttpDeps, 'bot' | 'clock'>,
  message: IncomingMessage,
): Promise<Response | undefined> {
  const { commands, memory } = deps.bot;
  const command = commands.readText(message.text);
  if (command === undefined) return undefined;
  const result = await commands.run({ command, context: contextOf(message) });
  if (result.limited !== undefined) throw refuse(429, result.text, retryAfter(result.limited.retryAfterMs));
  const { expiresInMs = 0 } = await memory.ttl(message.sessionId);
  const text = [result.text, ...result.files.map(fenced)].join('\n\n');
  const said = { kind: 'answered', text, timestamp: deps.clock.now(), expiresInMs } as const;
  const answer = renderChat(message.author.id, said, message.locale);
  return wantsStream(c.req.header('accept')) ? stream(c, answer) : c.json(answer);
}

function contextOf(message: IncomingMessage): CommandContext {
  return {
    place: parseSessionId(message.sessionId).place,
    sessionId: message.sessionId,
    person: personOf(message.sessionId, message.author.id),
    locale: message.locale,
    isDirect: true,
    canManage: false,
    surface: 'text',
    hasButtons: false,
    maxLength: MAX_LENGTH,
  };
}

/** A file as part of a text, in a fence longer than any in it. */
function fenced({ name, content }: CommandResult['files'][number]): string {
  const longest = Math.max(2, ...[...content.matchAll(/`+/g)].map(([ticks]) => ticks.length));
  const fence = '`'.repeat(longest + 1);
  return `${name}\n${fence}\n${content}\n${fence}`;
}

/** As the answers of the model are streamed, in one piece; there is no turn to be told of. */
function stream(c: Context, answer: z.infer<typeof chatResponse>): Response {
  // nginx would hold the events back otherwise.
  c.header('X-Accel-Buffering', 'no');
  return streamSSE(c, async (events) => {
    await events.writeSSE({ event: 'delta', data: JSON.stringify({ text: answer.response }) });
    await events.writeSSE({ event: 'done', data: JSON.stringify(answer) });
  });
}
