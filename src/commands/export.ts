/** A conversation as files: JSON for programs, Markdown for people. */
import type { CommandFile } from '../core/commands.ts';
import type { SessionId } from '../core/session.ts';
import type { ChatMessage } from '../core/types.ts';
import { quote } from './markdown.ts';
import { headOf } from './message-head.ts';
import type { CommandRequest } from './request.ts';

/** Both files, named by the day; times in the JSON are ISO 8601 in UTC. */
export function exportFiles(
  ask: CommandRequest,
  sessionId: SessionId,
  messages: readonly ChatMessage[],
): readonly CommandFile[] {
  const { history } = ask.texts.commands;
  const now = ask.deps.clock.now();
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
    ...messages.map((message) => `${headOf(ask, message)}\n\n${quote(message.content)}`),
  ].join('\n\n');
  return [
    { name: `${name}.json`, mediaType: 'application/json', content: `${JSON.stringify(json, null, 2)}\n` },
    { name: `${name}.md`, mediaType: 'text/markdown', content: `${markdown}\n` },
  ];
}
