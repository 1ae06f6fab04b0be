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
import type { Chain, ChainEvent, ChainInput, Clock } from '../core/ports.ts';
import { estimateTokens } from '../core/tokens.ts';
import type { Budget } from './budget.ts';
import { causesOf, emptyAnswer, fromAbort, toModelError, tooLong } from './errors.ts';
import { historyText, inputText, systemText, tellsTimes, timed } from './prompt.ts';
import { REASONED, RESTART } from './wire/answer-stream.ts';
import { field } from './wire/completion.ts';
import { ContextOverflow } from './wire/overflow.ts';
import { AskAgain } from './wire/server-fetch.ts';

export interface LangChainOptions {
  /** Retries nothing by itself; honours the signal. */
  readonly model: BaseChatModel;
  /** `{date}` and `{time}` are filled in, all other braces stay as they are. */
  readonly systemPrompt: string;
  readonly budget: Budget;
  readonly clock: Pick<Clock, 'now'>;
  readonly warn?: ((fields: object, message: string) => void) | undefined;
}

/** Requests for one answer at most, those included that were refused for their length or form. */
const MAX_REQUESTS = 16;
/** How often less is shown because there was no space left for an answer; each of these requests is billed. */
const MAX_WITHOUT_ROOM = 2;

/**
 * A {@link Chain} over a LangChain chat model. One call of `stream` is one answer of the model; a request that is longer than
 * the model's context is cut and sent again at once, and so is one that the server wants in another form.
 *
 * When the signal aborts, the request is broken off and the signal's reason is thrown, as it is: an abort is no fault of
 * the model. Only a `TimeoutError` (of `AbortSignal.timeout`) is: it becomes `model_timeout`. Leaving the loop early breaks
 * the request off as well.
 */
export function createLangChain(options: LangChainOptions): Chain {
  const { model, systemPrompt, budget, clock, warn } = options;
  // All three are messages, none is a template: braces in anything anybody wrote stay braces.
  const prompt = ChatPromptTemplate.fromMessages<Messages>([
    new MessagesPlaceholder('system'),
    new MessagesPlaceholder('history'),
    new MessagesPlaceholder('input'),
  ]);
  const chain = prompt.pipe(model);

  const withTimes = tellsTimes(systemPrompt);
  const inputOf = (message: ChainInput['message'], shared: boolean) =>
    timed(inputText(message, shared), withTimes ? message.sentAt : undefined);

  /** The same message has the same bytes while it is the newest and later, so that requests begin with those before them. */
  async function compose({ history, message, shared }: ChainInput): Promise<Composed> {
    const system = systemText(systemPrompt, clock.now(), shared, withTimes && message.sentAt !== undefined);
    const systemTokens = estimateTokens(system);
    // What somebody else wrote gives way first: the oldest quotes.
    let quotes = message.quotes ?? [];
    let input = inputOf(message, shared);
    while (quotes.length > 0 && systemTokens + estimateTokens(input) > budget.tokens()) {
      quotes = quotes.slice(1);
      input = inputOf({ ...message, quotes }, shared);
    }
    const reserved = systemTokens + estimateTokens(input);
    const { messages, tokens } = await budget.window.view(history, reserved);
    return {
      messages: {
        system: [new SystemMessage(system)],
        history: messages.map((earlier) => {
          const text = historyText(earlier, shared);
          if (earlier.role === 'assistant') return new AIMessage(text);
          return new HumanMessage(timed(text, withTimes ? earlier.timestamp : undefined));
        }),
        input: [new HumanMessage(input)],
      },
      system: systemTokens,
      input: reserved - systemTokens,
      tokens: reserved + tokens,
      canShrink: messages.length > 0 || quotes.length > 0,
    };
  }

  /** One request. Gives whether the answer had a word in it, how it ended, and whether the model reasoned. */
  async function* request(composed: Composed, signal: AbortSignal): AsyncGenerator<ChainEvent, Ending> {
    // A controller of its own, so that the request ends with the loop, however the loop ends, and nothing stays
    // attached to a signal that may live on.
    const request = new AbortController();
    const abort = () => request.abort(signal.reason);
    signal.addEventListener('abort', abort, { once: true });
    const ending = { blank: true, finish: undefined as unknown, reasoned: false };
    try {
      signal.throwIfAborted();
      const pieces = await chain.stream(composed.messages, { signal: request.signal });
      // By hand: LangChain reads ahead, and to leave a `for await` early would wait for the next piece first.
      for (let next = await pieces.next(); !next.done; next = await pieces.next()) {
        signal.throwIfAborted();
        const piece: AIMessageChunk = next.value;
        const mark = piece.additional_kwargs.reasoning_content;
        if (mark === RESTART) {
          ending.blank = true;
          yield { kind: 'restart' };
        }
        ending.reasoned ||= mark === REASONED || piece.additional_kwargs.reasoning !== undefined;
        ending.finish = finishOf(piece) ?? ending.finish;
        const text = textOf(piece);
        ending.blank &&= text.trim() === '';
        if (text !== '') yield { kind: 'text', text };
        else if (piece.content.length > 0 || typeof piece.content === 'string') yield { kind: 'working' };
      }
      signal.throwIfAborted();
      return ending;
    } finally {
      signal.removeEventListener('abort', abort);
      request.abort();
    }
  }

  return {
    async *stream(input, signal) {
      let withoutRoom = 0;
      for (let requests = 1; ; requests += 1) {
        const composed = await compose(input).catch(async (thrown: unknown) => {
          throw await toModelError(thrown);
        });
        let said = false;
        try {
          const events = request(composed, signal);
          let next = await events.next();
          try {
            for (; !next.done; next = await events.next()) {
              said = next.value.kind === 'text' || (said && next.value.kind !== 'restart');
              yield next.value;
            }
          } finally {
            await events.return({ blank: true, finish: undefined, reasoned: false });
          }
          const { blank, finish, reasoned } = next.value;
          if (blank && finish === 'length' && !reasoned && composed.canShrink && withoutRoom < MAX_WITHOUT_ROOM) {
            withoutRoom += 1;
            throw new ContextOverflow();
          }
          if (blank) throw emptyAnswer(finish, reasoned);
          const reason = cutOf(finish);
          if (reason !== undefined) yield { kind: 'cut', reason };
          return;
        } catch (thrown) {
          if (signal.aborted) throw fromAbort(signal);
          const causes = causesOf(thrown);
          const overflow = causes.find((cause) => cause instanceof ContextOverflow);
          if (overflow === undefined) {
            if (!said && requests < MAX_REQUESTS && causes.some((cause) => cause instanceof AskAgain)) continue;
            throw await toModelError(thrown);
          }
          if (said) {
            yield { kind: 'cut', reason: 'length' };
            return;
          }
          if (!composed.canShrink || requests >= MAX_REQUESTS) throw tooLong(composed);
          budget.shrink(overflow, composed.tokens);
          warn?.(
            { sent: composed.tokens, tokens: budget.tokens() },
            'the request was longer than the model takes; cut',
          );
        }
      }
    },
  };
}

type Messages = Record<'system' | 'history' | 'input', BaseMessage[]>;

interface Composed {
  readonly messages: Messages;
  /** Estimated tokens of the system message, of the message to answer, and of all. */
  readonly system: number;
  readonly input: number;
  readonly tokens: number;
  /** Whether something is shown that can be left out. */
  readonly canShrink: boolean;
}

interface Ending {
  readonly blank: boolean;
  readonly finish: unknown;
  readonly reasoned: boolean;
}

/** Of the Responses API: https://platform.openai.com/docs/api-reference/responses/object#responses/object-incomplete_details */
function finishOf({ response_metadata: metadata }: AIMessageChunk): unknown {
  const finish = metadata.finish_reason ?? field(metadata.incomplete_details, 'reason');
  return finish === 'max_output_tokens' ? 'length' : finish;
}

/** A refusal in words is what the model says; of the Responses API it stands beside the texts. */
function textOf({ text, additional_kwargs: { refusal } }: AIMessageChunk): string {
  return text === '' && typeof refusal === 'string' ? refusal : text;
}

/** What a finish reason means for an answer with some text. */
function cutOf(finish: unknown): 'length' | 'filtered' | undefined {
  if (finish === 'length') return 'length';
  return finish === 'content_filter' ? 'filtered' : undefined;
}
