/** The settings of the product in all worlds: its own defaults, but for the limit of messages a person may send. */
import type { BotSettings } from '../../test/support/bot-process.ts';

export function productSettings(modelUrl: string): BotSettings {
  return { OPENAI_BASE_URL: modelUrl, OPENAI_MODEL: 'bench', RATE_LIMIT: '999999/s' };
}
