/** How much of the evidence a model is shown, and at what price. */
import type { LongConversation } from './locomo.ts';
import type { Way } from './ways.ts';

export interface Quality {
  /** Percent of the questions for which any of the evidence is shown, or all of it. */
  readonly any: number;
  readonly all: number;
  /** Average of a request. */
  readonly tokens: number;
  readonly questions: number;
}

export async function qualityOf(conversations: readonly LongConversation[], way: Way): Promise<Quality> {
  let [any, all, tokens, questions] = [0, 0, 0, 0];
  for (const { messages, questions: asked } of conversations) {
    for (const { text, evidence } of asked) {
      const shown = await way(messages, text);
      const found = evidence.filter((index) => shown.messages.has(messages[index]?.content ?? ''));
      if (found.length > 0) any += 1;
      if (found.length === evidence.length) all += 1;
      tokens += shown.tokens;
      questions += 1;
    }
  }
  const percent = (count: number) => (100 * count) / Math.max(1, questions);
  return { any: percent(any), all: percent(all), tokens: tokens / Math.max(1, questions), questions };
}
