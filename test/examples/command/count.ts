/** /count: how many messages of this conversation are remembered. */
import { z } from 'zod';
import { answer, defineCommand, NO_ARGUMENTS } from '../../../src/commands/command.ts';
import { withConversation } from '../../../src/commands/target.ts';

export const count = defineCommand({
  definition: {
    name: 'count',
    description: { en: 'Count the messages I remember here', 'zh-CN': '统计我在这里记住了多少条消息' },
    options: [],
    who: 'everybody',
    alsoTried: ['total'],
  },
  args: z.object({}),
  fromOptions: () => ({}),
  button: { letter: 'c', ...NO_ARGUMENTS },
  points: () => 2,
  run: (request) =>
    withConversation(request, { name: 'count' }, async (sessionId) => {
      const { deps, texts, context } = request;
      const history = await deps.memory.history(sessionId, { limit: 1 });
      if (history === undefined) return answer('done', texts.commands.nothingHere);
      const { total } = history;
      return answer('done', context.locale === 'zh-CN' ? `我记得 ${total} 条消息。` : `I remember ${total} messages.`);
    }),
});
