/** The chat model that the settings ask for. */
import type { BaseChatModel } from '@langchain/core/language_models/chat_models';
import { ChatOpenAI } from '@langchain/openai';
import { BotError } from '../errors.ts';
import { createDemoModel } from './demo.ts';
import { requireWholeStreams } from './whole-stream.ts';

/** Which model answers; with neither key nor base URL it is the demo model. */
export interface ModelSettings {
  readonly apiKey?: string | undefined;
  /** Of an OpenAI-compatible server, with its version: `http://localhost:11434/v1`. */
  readonly baseUrl?: string | undefined;
  /** As its server knows it. */
  readonly model?: string | undefined;
  /** Not sent when it is not set: some models refuse any. */
  readonly temperature?: number | undefined;
}

export interface Model {
  readonly chat: BaseChatModel;
  /** For people: `demo model`, `gpt-4o-mini at api.openai.com`. */
  readonly description: string;
  /** Estimated tokens that a request may have. */
  readonly contextTokens: number;
}

const OPENAI_URL = 'https://api.openai.com/v1';

/** Small local servers mostly run with 8,192 tokens for question and answer; this leaves a quarter for the answer. */
const UNKNOWN_CONTEXT_TOKENS = 6_000;
/** Of a known model's limit, because tokens are estimated. */
const USABLE_SHARE = 0.75;

/**
 * @param demoDelayMs milliseconds between two pieces of the demo model's answers
 * @throws BotError `config_invalid` for a server without the name of a model
 */
export function createModel(settings: ModelSettings, demoDelayMs = 30): Model {
  const { apiKey, baseUrl, model: name, temperature } = settings;
  if (apiKey === undefined && baseUrl === undefined) {
    return {
      chat: createDemoModel({ delayMs: demoDelayMs }),
      description: 'demo model',
      contextTokens: UNKNOWN_CONTEXT_TOKENS,
    };
  }
  if (name === undefined) throw new BotError('config_invalid', 'OPENAI_MODEL must name the model.');
  const baseURL = baseUrl ?? OPENAI_URL;
  const chat = new ChatOpenAI({
    model: name,
    // Given explicitly, because LangChain and the SDK look for missing ones in the environment and throw when there is no
    // key. Servers without keys (Ollama, LM Studio, llama.cpp) ignore it.
    apiKey: apiKey ?? 'none',
    configuration: {
      baseURL,
      fetch: requireWholeStreams(fetch),
      // The SDK would write a piece of the stream that it cannot read, so somebody's text, to the console.
      logLevel: 'off',
    },
    // The turn owns retries and time limits: nothing in here tries again or gives up by itself.
    maxRetries: 0,
    // `stream_options` is unknown to some compatible servers, and tokens are estimated anyway.
    streamUsage: false,
    ...(temperature === undefined ? {} : { temperature }),
  });
  const limit = chat.profile.maxInputTokens;
  return {
    chat,
    description: `${name} at ${new URL(baseURL).host}`,
    contextTokens: limit === undefined ? UNKNOWN_CONTEXT_TOKENS : Math.floor(limit * USABLE_SHARE),
  };
}
