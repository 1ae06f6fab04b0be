/** The chain that the settings ask for. */
import type { Chain, Clock, MemoryWindow } from '../core/ports.ts';
import { createLangChain } from './langchain.ts';
import { createModel, type ModelSettings } from './model.ts';

export interface ChainSettings extends ModelSettings {
  readonly systemPrompt: string;
  /** Estimated tokens of a request: system message, history and input. Default: what the model can take. */
  readonly maxContextTokens?: number | undefined;
}

export interface ChainParts {
  /** Makes the window within the token bound that the settings or the model give. */
  readonly createWindow: (maxTokens: number) => MemoryWindow;
  readonly clock: Pick<Clock, 'now'>;
  /** Milliseconds between two pieces of the demo model's answers. */
  readonly demoDelayMs?: number;
}

export interface ConfiguredChain extends Chain {
  /** For people: `demo model`, `gpt-4o-mini at api.openai.com`. */
  describe(): string;
  /** What the model sees of a history, for /memstats as well. */
  readonly window: MemoryWindow;
}

/** OpenAI or a compatible server when a key or a base URL is set, else the demo model; the chain around it is the same. */
export async function createChain(settings: ChainSettings, parts: ChainParts): Promise<ConfiguredChain> {
  const model = await createModel(settings, parts.demoDelayMs);
  const window = parts.createWindow(settings.maxContextTokens ?? model.contextTokens);
  const chain = createLangChain({
    model: model.chat,
    systemPrompt: settings.systemPrompt,
    window,
    clock: parts.clock,
  });
  return { ...chain, describe: () => model.description, window };
}
