/** The chain that the settings ask for. */
import type { Chain, Clock, MemoryWindow } from '../core/ports.ts';
import { createBudget } from './budget.ts';
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
  /** Told of what the administrator should know of the model's server. */
  readonly warn?: (fields: object, message: string) => void;
}

export interface ConfiguredChain extends Chain {
  /** For people: `demo model`, `gpt-4o-mini at api.openai.com`. */
  describe(): string;
  /** What the model sees of a history, for /memstats as well. */
  readonly window: MemoryWindow;
}

/** OpenAI or a compatible server when a key or a base URL is set, else the demo model; the chain around it is the same. */
export async function createChain(settings: ChainSettings, parts: ChainParts): Promise<ConfiguredChain> {
  const { warn, clock, demoDelayMs } = parts;
  const model = await createModel(settings, {
    ...{ demoDelayMs, now: clock.now },
    // What OpenAI itself takes is known; its servers say what is too long.
    ...(settings.baseUrl === undefined || warn === undefined
      ? {}
      : {
          onSilentCut: (sent: number, read: number) =>
            warn({ sent, read }, `${model.description} reads only the end of a long request. ${RAISE_CONTEXT}`),
        }),
  });
  const budget = createBudget(settings.maxContextTokens ?? model.contextTokens, parts.createWindow);
  const chain = createLangChain({ model: model.chat, systemPrompt: settings.systemPrompt, budget, clock, warn });
  return { ...chain, describe: () => model.description, window: budget.window };
}

const RAISE_CONTEXT =
  'Ollama: set OLLAMA_CONTEXT_LENGTH (4096 by default) where it is started; or lower MAX_CONTEXT_TOKENS here to what it reads.';
