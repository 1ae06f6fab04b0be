/**
 * What the replicas tell each other of a conversation on the page, beside the turns' own events (live-text.ts). Each only wakes:
 * a page looks at the conversation by itself every few seconds.
 */
import { z } from 'zod';
import type { BotPort } from '../../core/bot-port.ts';
import type { Logger } from '../../core/ports.ts';
import type { SessionId } from '../../core/session.ts';
import { toBotError } from '../../errors.ts';

/** Announced in the place of a turn id, which has 20 characters here: of the conversation as a whole. */
export const CONVERSATION = 'conversation';

export const announcement = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('web.said'),
    turn: z.string(),
    author: z.string(),
    text: z.string(),
    files: z.array(z.string()).optional(),
  }),
  z.object({ kind: z.literal('web.changed') }),
]);

/** Tells all pages that show this conversation. Never rejects. */
export async function announce(
  bot: Pick<BotPort, 'announce'>,
  logger: Logger,
  sessionId: SessionId,
  event: z.infer<typeof announcement>,
): Promise<void> {
  await bot.announce(sessionId, CONVERSATION, event).catch((thrown: unknown) => {
    logger.debug({ session: sessionId, err: toBotError(thrown).message }, 'pages not notified, they will poll');
  });
}
