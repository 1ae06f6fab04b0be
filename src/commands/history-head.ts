import type { ChatMessage } from '../core/types.ts';
import type { CommandRequest } from './command.ts';
import { plainLine } from './markdown.ts';

const MAX_NAME = 40;

/** The line above a message in the history: who said it, as the asking person reads it, and when. Markdown. */
export function headOf({ texts, context }: CommandRequest, message: ChatMessage): string {
  const { commands } = texts;
  const mine = message.authorId === context.person.user;
  const author = mine ? commands.you : plainLine(message.author ?? '', MAX_NAME) || commands.somebody;
  const speaker = message.role === 'assistant' ? commands.bot : author;
  const stopped = message.stopped === true ? ` · ${commands.stopped}` : '';
  const cut = message.cut === undefined ? '' : ` · ${commands.cut}`;
  return `**${speaker}** · ${commands.history.header(message.timestamp)}${stopped}${cut}`;
}
