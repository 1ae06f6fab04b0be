/** The chat model that the settings ask for. */
import type { BaseChatModel } from '@langchain/core/language_models/chat_models';
import { BotError } from '../errors.ts';
import { createDemoModel } from './demo.ts';
import { createServerFetch, type ServerOptions } from './wire/server-fetch.ts';

/** Which model answers; with neither key nor base URL it is the demo model. */
export interface ModelSettings {
  readonly apiKey?: string | undefined;
  /** Of an OpenAI-compatible server, with its version: `http://localhost:11434/v1`. Azure's with its `?api-version=`. */
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

export interface ModelParts extends Partial<Pick<ServerOptions, 'now' | 'onSilentCut'>> {
  /** Milliseconds between two pieces of the demo model's answers. Default: 30. */
  readonly demoDelayMs?: number | undefined;
}

const OPENAI_URL = 'https://api.openai.com/v1';

/** Of a limit, because tokens are estimated and some servers count the answer in. */
export const USABLE_SHARE = 0.75;
/** What OpenAI's chat models newer than LangChain's list take at least; the older, smaller ones are on the list. */
const OPENAI_TOKENS = 128_000;
/** What small local servers mostly run with. */
const UNKNOWN_TOKENS = 8_000;

/** @throws BotError `config_invalid` for a server without the name of a model */
export async function createModel(settings: ModelSettings, parts: ModelParts = {}): Promise<Model> {
  const { apiKey, baseUrl, model: name, temperature } = settings;
  const { now = Date.now, onSilentCut, demoDelayMs = 30 } = parts;
  if (apiKey === undefined && baseUrl === undefined) {
    return {
      chat: createDemoModel({ delayMs: demoDelayMs }),
      description: 'demo model',
      contextTokens: UNKNOWN_TOKENS,
    };
  }
  if (name === undefined) throw new BotError('config_invalid', 'OPENAI_MODEL must name the model.');
  const { url, headers, query } = takenApart(baseUrl ?? OPENAI_URL, apiKey);
  // Loaded when it is needed: it is a third of the time to start that the demo model does without.
  const { ChatOpenAI } = await import('@langchain/openai');
  /** ChatOpenAI chooses by the model's name alone; compatible servers mostly have /chat/completions only. */
  let route: 'as ChatOpenAI chooses' | 'responses' | 'completions' =
    url.host === 'api.openai.com' ? 'as ChatOpenAI chooses' : 'completions';
  const changed = new Set<string>();

  class Chat extends ChatOpenAI {
    protected override _useResponsesApi(options: this['ParsedCallOptions'] | undefined): boolean {
      return route === 'as ChatOpenAI chooses' ? super._useResponsesApi(options) : route === 'responses';
    }
  }

  const chat = new Chat({
    model: name,
    // Given explicitly, because LangChain and the SDK look for missing ones in the environment and throw when there is no
    // key. Servers without keys (Ollama, LM Studio, llama.cpp) ignore it.
    apiKey: apiKey ?? 'none',
    configuration: {
      baseURL: url.href,
      defaultHeaders: headers,
      defaultQuery: query,
      fetch: createServerFetch({
        ...{ fetch, model: name, now, onSilentCut },
        onRoute(wanted) {
          if (changed.has(wanted)) return false;
          changed.add(wanted);
          route = wanted;
          return true;
        },
      }),
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

interface BaseUrl {
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly query: Readonly<Record<string, string>>;
}

/**
 * The base URL as the SDK takes it: a user name and a password, as they are written for a server behind a proxy, are refused by
 * `fetch`; a query (Azure's `?api-version=`) belongs behind the route, and the route may have been copied along.
 */
function takenApart(baseUrl: string, apiKey: string | undefined): BaseUrl {
  const url = new URL(baseUrl);
  const query = Object.fromEntries(url.searchParams);
  const headers: Record<string, string> = {};
  if (url.username !== '' || url.password !== '') {
    const credentials = `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`;
    headers.Authorization = `Basic ${Buffer.from(credentials).toString('base64')}`;
  }
  // https://learn.microsoft.com/azure/ai-services/openai/reference: the key has a header of its own.
  if ('api-version' in query && apiKey !== undefined) headers['api-key'] = apiKey;
  url.username = '';
  url.password = '';
  url.search = '';
  url.hash = '';
  url.pathname = url.pathname.replace(/\/chat\/completions\/?$/, '');
  return { url, headers, query };
}
