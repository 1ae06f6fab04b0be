/** /memstats: figures of this conversation and of the service; of the server for admins only. */
import type { CommandResult, MemoryCommand } from '../core/commands.ts';
import type { SessionId } from '../core/session.ts';
import { isAdmin } from './access.ts';
import { answer, type CommandRequest } from './request.ts';
import { withConversation } from './target.ts';

type MemstatsCommand = Extract<MemoryCommand, { name: 'memstats' }>;

export function runMemstats(ask: CommandRequest, command: MemstatsCommand): Promise<CommandResult> {
  const act = async (sessionId: SessionId) => {
    const [here, service] = await Promise.all([conversationFigures(ask, sessionId), serviceFigures(ask)]);
    return figures(here, service);
  };
  // The service has figures also where the person has no conversation.
  const withNone = async () => figures([ask.texts.commands.nothingHere], await serviceFigures(ask));
  return withConversation(ask, command, act, withNone);
}

function figures(here: readonly string[], service: readonly string[]): CommandResult {
  return answer('done', [...here, '', ...service].join('\n'));
}

async function conversationFigures(ask: CommandRequest, sessionId: SessionId): Promise<readonly string[]> {
  const { deps, texts } = ask;
  const { memstats, nothingHere } = texts.commands;
  const [stats, newest] = await Promise.all([
    deps.stats.conversationStats(sessionId),
    deps.memory.history(sessionId, { limit: deps.memoryWindow }),
  ]);
  if (stats === undefined) return [nothingHere];
  const seen = await deps.visible(newest?.messages ?? []);
  return section(memstats.here, [
    memstats.messages(stats.messages, stats.turns),
    memstats.tokens(stats.tokens),
    memstats.bytes(stats.bytes),
    memstats.left(stats.expiresInMs),
    memstats.age(deps.clock.now() - stats.createdAt),
    memstats.visible(seen.messages.length, stats.messages, seen.tokens),
    memstats.key(stats.key),
  ]);
}

async function serviceFigures({ deps, texts, context }: CommandRequest): Promise<readonly string[]> {
  const { memstats } = texts.commands;
  const { server, ...stats } = await deps.stats.stats();
  const service = section(memstats.service, [
    memstats.live(stats.conversations, stats.messages),
    memstats.today(stats.turnsToday),
  ]);
  if (!isAdmin(deps.admins, context.person)) return service;
  return [
    ...service,
    '',
    ...section(memstats.server, [
      memstats.store(server),
      ...(server.usedMemoryHuman === null ? [] : [memstats.memory(server.usedMemoryHuman)]),
      ...(server.connectedClients === null ? [] : [memstats.clients(server.connectedClients)]),
      memstats.waiting(stats.pending),
    ]),
  ];
}

function section(title: string, lines: readonly string[]): readonly string[] {
  return [`**${title}**`, ...lines.map((line) => `- ${line}`)];
}
