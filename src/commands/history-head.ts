import { cleanName } from '../core/names.ts';
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

/** What the history quotes of a message: its text, or the names of its files if it has none. */
export function quotedOf({ texts }: CommandRequest, { content, files = [] }: ChatMessage): string {
  if (content.trim() !== '' || files.length === 0) return content;
  return texts.commands.history.files(files.map(({ name }) => cleanName(name)));
}
