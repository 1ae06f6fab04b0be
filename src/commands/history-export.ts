/** A conversation as files: JSON for programs, Markdown for people. What the person had the bot keep there is in them. */
import type { CommandFile } from '../core/commands.ts';
import type { Fact } from '../core/facts.ts';
import { cleanName } from '../core/names.ts';
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
  facts: readonly Fact[],
): readonly CommandFile[] {
  const { history, facts: factTexts } = request.texts.commands;
  const now = request.deps.clock.now();
  const exportedAt = new Date(now).toISOString();
  const name = `conversation-${exportedAt.slice(0, 10)}`;
  const json = {
    conversation: sessionId,
    exportedAt,
    messages: messages.map(({ role, author, content, timestamp, stopped, cut, files = [] }) => ({
      role,
      ...(author === undefined ? {} : { author }),
      content,
      timestamp: new Date(timestamp).toISOString(),
      ...(stopped === true ? { stopped } : {}),
      ...(cut === undefined ? {} : { cut }),
      ...(files.length === 0 ? {} : { files: files.map((file) => file.name) }),
    })),
    facts: facts.map(({ id, text, saidAt, expiresAt }) => ({
      ...{ id, text },
      saidAt: new Date(saidAt).toISOString(),
      expiresAt: new Date(expiresAt).toISOString(),
    })),
  };
  const markdown = [
    `# ${history.fileTitle(now)}`,
    ...messages.map((message) => [headOf(request, message), ...filesOf(message), ...textOf(message)].join('\n\n')),
    ...(facts.length === 0 ? [] : [`## ${history.factsTitle}`]),
    ...facts.map(({ text, saidAt, expiresAt }) => `${factTexts.entry(saidAt, expiresAt)}\n\n${quote(text)}`),
  ].join('\n\n');
  return [
    { name: `${name}.json`, mediaType: 'application/json', content: `${JSON.stringify(json, null, 2)}\n` },
    { name: `${name}.md`, mediaType: 'text/markdown', content: `${markdown}\n` },
  ];
}

/** One line of names; no line without files. */
function filesOf({ files = [] }: ChatMessage): readonly string[] {
  return files.length === 0 ? [] : [files.map(({ name }) => `\`${cleanName(name)}\``).join(', ')];
}

/** No quotation for a message of files alone. */
function textOf({ content, files = [] }: ChatMessage): readonly string[] {
  return content.trim() === '' && files.length > 0 ? [] : [quote(content)];
}
