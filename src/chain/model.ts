/** The chat model that the settings ask for. */
import type { BaseChatModel } from '@langchain/core/language_models/chat_models';
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
  /** For people, in any language: `demo model`, `gpt-4o-mini (api.openai.com)`. */
  readonly description: string;
  /** Estimated tokens that a request may have. */
  readonly contextTokens: number;
}

const OPENAI_URL = 'https://api.openai.com/v1';

/** Of a limit, because tokens are estimated and some servers count the answer in. */
const USABLE_SHARE = 0.75;
/** What OpenAI's chat models newer than LangChain's list take at least; the older, smaller ones are on the list. */
const OPENAI_TOKENS = 128_000;
/** What small local servers mostly run with. */
const UNKNOWN_TOKENS = 8_000;

/**
 * @param demoDelayMs milliseconds between two pieces of the demo model's answers
 * @throws BotError `config_invalid` for a server without the name of a model
 */
export async function createModel(settings: ModelSettings, demoDelayMs = 30): Promise<Model> {
  const { apiKey, baseUrl, model: name, temperature } = settings;
  if (apiKey === undefined && baseUrl === undefined) {
    return {
      chat: createDemoModel({ delayMs: demoDelayMs }),
      description: 'demo model',
      contextTokens: UNKNOWN_TOKENS,
    };
  }
  if (name === undefined) throw new BotError('config_invalid', 'OPENAI_MODEL must name the model.');
  const { url, headers } = withoutCredentials(baseUrl ?? OPENAI_URL);
  // Loaded when it is needed: it is a third of the time to start that the demo model does without.
  const { ChatOpenAI } = await import('@langchain/openai');
  const chat = new ChatOpenAI({
    model: name,
    // Given explicitly, because LangChain and the SDK look for missing ones in the environment and throw when there is no
    // key. Servers without keys (Ollama, LM Studio, llama.cpp) ignore it.
    apiKey: apiKey ?? 'none',
    configuration: {
      baseURL: url.href,
      defaultHeaders: headers,
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
  const limit = chat.profile.maxInputTokens ?? (baseUrl === undefined ? OPENAI_TOKENS : UNKNOWN_TOKENS);
  return {
    chat,
    description: `${name} (${url.host})`,
    contextTokens: Math.floor(limit * USABLE_SHARE),
  };
}

/** A URL with a user name and a password in it, as it is written for a server behind a proxy, is refused by `fetch`. */
function withoutCredentials(baseUrl: string): {
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
} {
  const url = new URL(baseUrl);
  if (url.username === '' && url.password === '') return { url, headers: {} };
  const credentials = `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`;
  url.username = '';
  url.password = '';
  return { url, headers: { Authorization: `Basic ${Buffer.from(credentials).toString('base64')}` } };
}
