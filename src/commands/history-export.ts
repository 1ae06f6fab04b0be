/** A conversation as files: JSON for programs, Markdown for people. */
import type { CommandFile } from '../core/commands.ts';
import type { SessionId } from '../core/session.ts';
import type { ChatMessage } from '../core/types.ts';
import type { CommandRequest } from './command.ts';
import { headOf } from './history-head.ts';
import { quote } from './markdown.ts';

/** Both files, named by the day; times in the JSON are ISO 8601 in UTC. */
export function exportFiles(
  request: CommandRequest,
  sessionId: SessionId,
  messages: readonly ChatMessage[],
): readonly CommandFile[] {
  const { history } = request.texts.commands;
  const now = request.deps.clock.now();
  const exportedAt = new Date(now).toISOString();
  const name = `conversation-${exportedAt.slice(0, 10)}`;
  const json = {
    conversation: sessionId,
    exportedAt,
    messages: messages.map(({ role, author, content, timestamp, stopped, cut }) => ({
      role,
      ...(author === undefined ? {} : { author }),
      content,
      timestamp: new Date(timestamp).toISOString(),
      ...(stopped === true ? { stopped } : {}),
      ...(cut === undefined ? {} : { cut }),
    })),
  };
  const markdown = [
    `# ${history.fileTitle(now)}`,
    ...messages.map((message) => `${headOf(request, message)}\n\n${quote(message.content)}`),
  ].join('\n\n');
  return [
    { name: `${name}.json`, mediaType: 'application/json', content: `${JSON.stringify(json, null, 2)}\n` },
    { name: `${name}.md`, mediaType: 'text/markdown', content: `${markdown}\n` },
  ];
}
