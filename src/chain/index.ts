/** Creates the chain from the settings. */
import type { Chain, ChainInput, Clock, ContextBuilder, ContextPreview, HistoryMessage } from '../core/ports.ts';
import { createBudget } from './budget.ts';
import { createComposer } from './compose.ts';
import { createLangChain } from './langchain.ts';
import { createModel, type ModelSettings } from './model.ts';
import { createVision, type VisionMode } from './vision.ts';

export interface ChainSettings extends ModelSettings {
  readonly systemPrompt: string;
  /** Estimated tokens of a request: system message, history and input. Default: the model's limit. */
  readonly maxContextTokens?: number | undefined;
  /** Default: `auto`. */
  readonly vision?: VisionMode | undefined;
}

export interface ChainParts {
  /** Chooses what of the memory is shown within a token budget. */
  readonly context: ContextBuilder;
  readonly clock: Pick<Clock, 'now'>;
  /** Milliseconds between two pieces of the demo model's answers. */
  readonly demoDelayMs?: number;
  /** Warns the administrator about the model's server. */
  readonly warn?: (fields: object, message: string) => void;
}

export interface ConfiguredChain extends Chain {
  /** Display name: `demo model`, `gpt-4o-mini (api.openai.com)`. */
  describe(): string;
  /** Estimated tokens that all files of a request may have: the share of what the model can take. */
  readonly fileTokens: number;
  /** What the model would be shown next, beside the message itself. */
  preview<M extends HistoryMessage>(
    memory: Pick<ChainInput, 'facts' | 'shared'> & { readonly history: readonly M[] },
  ): ContextPreview<M>;
}

/** Uses OpenAI or a compatible server if a key or a base URL is set, otherwise the demo model. The rest of the chain is the same. */
export async function createChain(settings: ChainSettings, parts: ChainParts): Promise<ConfiguredChain> {
  const { warn, clock, demoDelayMs } = parts;
  const model = await createModel(settings, {
    ...{ demoDelayMs, now: clock.now },
    // OpenAI itself rejects requests that are too long, so only other servers are checked.
    ...(settings.baseUrl === undefined || warn === undefined
      ? {}
      : {
          onSilentCut: (sent: number, read: number) =>
            warn({ sent, read }, `${model.description} reads only the end of a long request. ${RAISE_CONTEXT}`),
        }),
  });
  const contextTokens = settings.maxContextTokens ?? model.contextTokens;
  const budget = createBudget(contextTokens);
  const composer = createComposer({ systemPrompt: settings.systemPrompt, budget, context: parts.context, clock });
  const vision = createVision(settings.vision ?? 'auto', () =>
    warn?.(
      {},
      `${model.description} refuses images; none are sent from now on. OPENAI_VISION=off sends none from the start`,
    ),
  );
  const chain = createLangChain({ model: model.chat, composer, budget, vision, warn });
  return {
    ...chain,
    describe: () => model.description,
    fileTokens: Math.floor(contextTokens * FILE_SHARE),
    preview: composer.preview,
  };
}

/** Files take at most this share of what the model can take. */
const FILE_SHARE = 0.25;

const RAISE_CONTEXT =
  'Ollama: set OLLAMA_CONTEXT_LENGTH (4096 by default) where it is started, or lower MAX_CONTEXT_TOKENS here.';
