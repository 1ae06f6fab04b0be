/** /memstats: figures of this conversation and of the service; of the server for admins only. */
import { z } from 'zod';
import type { CommandResult } from '../core/commands.ts';
import type { SessionId } from '../core/session.ts';
import { localised } from '../i18n/messages.ts';
import { isAdmin } from './access.ts';
import { answer, type CommandRequest, defineCommand, NO_ARGUMENTS } from './command.ts';
import { withConversation } from './target.ts';

export const memstats = defineCommand({
  definition: {
    name: 'memstats',
    description: localised(({ commands }) => commands.about.memstats),
    options: [],
    who: 'everybody',
    alsoTried: ['stats', 'status'],
  },
  args: z.object({}),
  fromOptions: () => ({}),
  button: { letter: 'm', ...NO_ARGUMENTS },
  // INFO, MEMORY USAGE, the indexes.
  points: () => 4,
  run(request) {
    const act = async (sessionId: SessionId) => {
      const [here, service] = await Promise.all([conversationFigures(request, sessionId), serviceFigures(request)]);
      return figures(here, service);
    };
    // The service has figures even where the person has no conversation.
    const withNone = async () => figures([request.texts.commands.nothingHere], await serviceFigures(request));
    return withConversation(request, { name: 'memstats' }, act, withNone);
  },
});

function figures(here: readonly string[], service: readonly string[]): CommandResult {
  return answer('done', [...here, '', ...service].join('\n'));
}

async function conversationFigures(request: CommandRequest, sessionId: SessionId): Promise<readonly string[]> {
  const { deps, texts } = request;
  const { memstats: lines, nothingHere } = texts.commands;
  const [stats, shown] = await Promise.all([deps.stats.conversationStats(sessionId), deps.context(sessionId)]);
  if (stats === undefined) return [nothingHere];
  return section(lines.here, [
    lines.messages(stats.messages, stats.turns),
    lines.tokens(stats.tokens),
    lines.bytes(stats.bytes),
    lines.left(stats.expiresInMs),
    lines.age(deps.clock.now() - stats.createdAt),
    lines.key(stats.key),
    lines.shown({
      system: shown.tokens.system,
      facts: { count: shown.facts.length, tokens: shown.tokens.facts },
      window: { count: shown.messages.length, of: stats.messages, tokens: shown.tokens.window, end: shown.windowEnd },
      recall: { of: shown.searched, tokens: shown.recallRoom },
    }),
  ]);
}

async function serviceFigures({ deps, texts, context }: CommandRequest): Promise<readonly string[]> {
  const { memstats: lines } = texts.commands;
  const { server, ...stats } = await deps.stats.stats();
  const service = section(lines.service, [
    lines.live(stats.conversations, stats.messages),
    lines.today(stats.turnsToday),
  ]);
  if (!isAdmin(context.person, deps)) return service;
  return [
    ...service,
    '',
    ...section(lines.server, [
      lines.store(server),
      ...(server.usedMemoryHuman === null ? [] : [lines.memory(server.usedMemoryHuman)]),
      ...(server.connectedClients === null ? [] : [lines.clients(server.connectedClients)]),
      lines.waiting(stats.pending),
    ]),
  ];
}

function section(title: string, lines: readonly string[]): readonly string[] {
  return [`**${title}**`, ...lines.map((line) => `- ${line}`)];
}
