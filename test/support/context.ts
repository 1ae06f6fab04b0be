/** What the model would be shown of a store's conversations, as the composition makes it. */
import { createComposer } from '../../src/chain/compose.ts';
import type { ContextPreview } from '../../src/core/ports.ts';
import type { SessionId } from '../../src/core/session.ts';
import type { Memory } from '../../src/core/store.ts';
import type { ChatMessage } from '../../src/core/types.ts';
import { createContext } from '../../src/memory/context/context.ts';

export function previewOf(
  memory: Pick<Memory, 'open'>,
  { maxMessages = 20, maxTokens = 1_000 } = {},
): (sessionId: SessionId) => Promise<ContextPreview<ChatMessage>> {
  const context = createContext({ maxMessages, recallTokens: 100 });
  const budget = { tokens: () => maxTokens };
  const composer = createComposer({ systemPrompt: 'Be brief.', budget, context, clock: Date });
  return async (sessionId) =>
    composer.preview({ history: (await memory.open(sessionId, 1_000)).messages, shared: false });
}
