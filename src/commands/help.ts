/** /help: what the bot does, how to talk to it, and what it keeps. */
import { z } from 'zod';
import type { Who } from '../core/commands.ts';
import { localised } from '../i18n/messages.ts';
import { isManager, isShared, placeSession } from './access.ts';
import { answer, type CommandRequest, defineCommand, NO_ARGUMENTS } from './command.ts';
import { usageOf } from './usage.ts';

export const help = defineCommand({
  definition: {
    name: 'help',
    description: localised(({ commands }) => commands.about.help),
    options: [],
    who: 'everybody',
    alsoTried: ['commands', 'start', 'about'],
  },
  args: z.object({}),
  fromOptions: () => ({}),
  button: { letter: 'p', ...NO_ARGUMENTS },
  points: () => 1,
  async run(request) {
    const { deps, context, texts, commands } = request;
    const lines = texts.commands.help;
    const sessionId = request.sessionId ?? placeSession(context, deps.scope);
    const { effective } = await deps.memory.ttl(sessionId);
    const who: Who = isManager(context, deps) ? 'managers' : 'everybody';
    const shown = commands.filter(({ definition }) => definition.who === 'everybody' || who === 'managers');
    return answer(
      'done',
      [
        `${lines.intro} ${howToTalk(request)} ${isShared(context, sessionId) ? lines.shared : lines.own}`,
        '',
        lines.commands,
        ...shown.map(({ definition: it }) => `- \`${usageOf(it, who)}\`: ${it.description[context.locale]}`),
        '',
        `${lines.kept(effective, deps.memoryWindow, deps.maxMessages)} ${lines.stays}`,
        deps.model === undefined ? lines.demoModel : lines.model(deps.model),
      ].join('\n'),
    );
  },
});

function howToTalk({ context: { place, isDirect }, deps, texts }: CommandRequest): string {
  const { http, direct, channel } = texts.commands.help;
  const addressing = deps.platform(place.platform)?.addressing ?? 'mention';
  if (addressing === 'api') return http;
  return isDirect || addressing === 'any' ? direct : channel;
}
