/** Creates the chat model from the settings. */
import type { BaseChatModel } from '@langchain/core/language_models/chat_models';
import { BotError } from '../errors.ts';
import { createDemoModel } from './demo.ts';
import { createServerFetch, type ServerOptions } from './wire/server-fetch.ts';

/** Without a key and a base URL, the demo model answers. */
export interface ModelSettings {
  readonly apiKey?: string | undefined;
  /** An OpenAI-compatible server, with its version: `http://localhost:11434/v1`; for Azure with `?api-version=`. */
  readonly baseUrl?: string | undefined;
  /** The name that the server uses. */
  readonly model?: string | undefined;
  /** Not sent if unset: some models refuse any value. */
  readonly temperature?: number | undefined;
}

export interface Model {
  readonly chat: BaseChatModel;
  /** Display name: `demo model`, `gpt-4o-mini (api.openai.com)`. */
  readonly description: string;
  /** Estimated tokens that a request may have. */
  readonly contextTokens: number;
}

export interface ModelParts extends Partial<Pick<ServerOptions, 'now' | 'onSilentCut'>> {
  /** Milliseconds between two pieces of the demo model's answers. Default: 30. */
  readonly demoDelayMs?: number | undefined;
}

const OPENAI_URL = 'https://api.openai.com/v1';

/** The usable share of a limit, because tokens are estimated and some servers include the answer. */
export const USABLE_SHARE = 0.75;
/** Minimum context of OpenAI models that are not in LangChain's list, which has the older and smaller ones. */
const OPENAI_TOKENS = 128_000;
/** A common context size of small local servers. */
const UNKNOWN_TOKENS = 8_000;

/** @throws BotError `config_invalid` if a server is set without a model */
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
  // Loaded on demand: it takes a third of the startup time, and the demo model does not need it.
  const { ChatOpenAI } = await import('@langchain/openai');
  /** ChatOpenAI chooses the route by the model's name; compatible servers mostly have /chat/completions only. */
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
    // Passed explicitly, because LangChain and the SDK look for missing options in the environment and throw without a key.
    // Servers without keys (Ollama, LM Studio, llama.cpp) ignore it.
    apiKey: apiKey ?? 'none',
    configuration: {
      baseURL: url.href,
      defaultHeaders: headers,
      defaultQuery: query,
      fetch: createServerFetch({
        ...{ fetch, model: name, now, onSilentCut },
        extra: canStore(url, query) ? { store: false } : {},
        onRoute(wanted) {
          if (changed.has(wanted)) return false;
          changed.add(wanted);
          route = wanted;
          return true;
        },
      }),
      // The SDK would log chunks that it cannot parse, which contain message text, to the console.
      logLevel: 'off',
    },
    // The turn is responsible for retries and time limits.
    maxRetries: 0,
    // Some compatible servers do not know `stream_options`, and tokens are estimated anyway.
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

/**
 * Whether the server may store requests unless it is told not to: OpenAI keeps responses for 30 days by default
 * (https://platform.openai.com/docs/api-reference/responses/create#responses-create-store), and Azure has the same API. Others have
 * no such parameter and refuse it (Mistral: https://github.com/Gitlawb/openclaude/issues/739, Cerebras:
 * https://github.com/huggingface/huggingface.js/pull/2268).
 */
function canStore({ host }: URL, query: BaseUrl['query']): boolean {
  return host === 'api.openai.com' || 'api-version' in query;
}

interface BaseUrl {
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly query: Readonly<Record<string, string>>;
}

/**
 * The base URL in the parts that the SDK expects. `fetch` refuses URLs with a user name and a password, as used for a server
 * behind a proxy; a query (Azure's `?api-version=`) must follow the route; and the URL may include the route by mistake.
 */
function takenApart(baseUrl: string, apiKey: string | undefined): BaseUrl {
  const url = new URL(baseUrl);
  const query = Object.fromEntries(url.searchParams);
  const headers: Record<string, string> = {};
  if (url.username !== '' || url.password !== '') {
    const credentials = `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`;
    headers.Authorization = `Basic ${Buffer.from(credentials).toString('base64')}`;
  }
  // Azure has its own header for the key: https://learn.microsoft.com/azure/ai-services/openai/reference
  if ('api-version' in query && apiKey !== undefined) headers['api-key'] = apiKey;
  url.username = '';
  url.password = '';
  url.search = '';
  url.hash = '';
  url.pathname = url.pathname.replace(/\/chat\/completions\/?$/, '');
  return { url, headers, query };
}
