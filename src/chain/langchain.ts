/** The chain: system message, history and input into the model, by LCEL, streamed. */
import type { BaseChatModel } from '@langchain/core/language_models/chat_models';
import {
  AIMessage,
  type AIMessageChunk,
  type BaseMessage,
  HumanMessage,
  SystemMessage,
} from '@langchain/core/messages';
import { ChatPromptTemplate, MessagesPlaceholder } from '@langchain/core/prompts';
import type { Chain, ChainInput, Clock, MemoryWindow } from '../core/ports.ts';
import { estimateTokens } from '../core/tokens.ts';
import { emptyAnswer, fromAbort, toModelError } from './errors.ts';
import { historyText, inputText, systemText } from './prompt.ts';

export interface LangChainOptions {
  /** Retries nothing by itself; honours the signal. */
  readonly model: BaseChatModel;
  /** `{date}` and `{time}` are filled in, all other braces stay as they are. */
  readonly systemPrompt: string;
  readonly window: MemoryWindow;
  readonly clock: Pick<Clock, 'now'>;
}

/**
 * A {@link Chain} over a LangChain chat model. One call of `stream` is one request to the model.
 *
 * When the signal aborts, the request is broken off and the signal's reason is thrown, as it is: an abort is no fault of
 * the model. Only a `TimeoutError` (of `AbortSignal.timeout`) is: it becomes `model_timeout`. Leaving the loop early breaks
 * the request off as well.
 */
export function createLangChain(options: LangChainOptions): Chain {
  const { model, systemPrompt, window, clock } = options;
  // All three are messages, none is a template: braces in anything anybody wrote stay braces.
  const prompt = ChatPromptTemplate.fromMessages<Messages>([
    new MessagesPlaceholder('system'),
    new MessagesPlaceholder('history'),
    new MessagesPlaceholder('input'),
  ]);
  const chain = prompt.pipe(model);

  async function messagesOf({ history, message, shared }: ChainInput): Promise<Messages> {
    const system = systemText(systemPrompt, clock.now(), shared);
    const input = inputText(message, shared);
    const { messages } = await window.view(history, estimateTokens(system) + estimateTokens(input));
    return {
      system: [new SystemMessage(system)],
      history: messages.map((earlier) => {
        const text = historyText(earlier, shared);
        return earlier.role === 'user' ? new HumanMessage(text) : new AIMessage(text);
      }),
      input: [new HumanMessage(input)],
    };
  }

  return {
    async *stream(input, signal) {
      // A controller of its own, so that the request ends with the loop, however the loop ends, and nothing stays
      // attached to a signal that may live on.
      const request = new AbortController();
      const abort = () => request.abort(signal.reason);
      signal.addEventListener('abort', abort, { once: true });
      try {
        signal.throwIfAborted();
        let blank = true;
        let finishReason: unknown;
        const pieces = await chain.stream(await messagesOf(input), { signal: request.signal });
        // By hand: LangChain reads ahead, and to leave a `for await` early would wait for the next piece first.
        for (let next = await pieces.next(); !next.done; next = await pieces.next()) {
          signal.throwIfAborted();
          const piece: AIMessageChunk = next.value;
          finishReason = finishReasonOf(piece) ?? finishReason;
          blank &&= piece.text.trim() === '';
          yield piece.text === '' ? { kind: 'working' } : { kind: 'text', text: piece.text };
        }
        signal.throwIfAborted();
        if (blank) throw emptyAnswer(finishReason);
        const reason = cutOf(finishReason);
        if (reason !== undefined) yield { kind: 'cut', reason };
      } catch (thrown) {
        throw signal.aborted ? fromAbort(signal) : await toModelError(thrown, clock.now());
      } finally {
        signal.removeEventListener('abort', abort);
        request.abort();
      }
    },
  };
}

type Messages = Record<'system' | 'history' | 'input', BaseMessage[]>;

/** What a finish reason means for an answer with some text. OpenAI: `length`, `content_filter`. */
function cutOf(finishReason: unknown): 'length' | 'filtered' | undefined {
  if (finishReason === 'length') return 'length';
  return finishReason === 'content_filter' ? 'filtered' : undefined;
}

function finishReasonOf(piece: AIMessageChunk): unknown {
  return piece.response_metadata.finish_reason;
}
