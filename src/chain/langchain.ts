/** The chain (LCEL): streams the answer to the system message, the history and the input. */
import type { BaseChatModel } from '@langchain/core/language_models/chat_models';
import {
  AIMessage,
  type AIMessageChunk,
  type BaseMessage,
  HumanMessage,
  SystemMessage,
} from '@langchain/core/messages';
import { ChatPromptTemplate, MessagesPlaceholder } from '@langchain/core/prompts';
import type { Chain, ChainEvent, ChainInput } from '../core/ports.ts';
import type { FileFault, UsedMemory } from '../core/types.ts';
import type { Budget } from './budget.ts';
import type { Composed, ComposedMessage, Composer } from './compose.ts';
import { causesOf, emptyAnswer, fromAbort, imagesRefused, toModelError, tooLong } from './errors.ts';
import type { Vision } from './vision.ts';
import { REASONED, RESTART } from './wire/answer-stream.ts';
import { field } from './wire/completion.ts';
import { ImagesRefused } from './wire/images.ts';
import { ContextOverflow } from './wire/overflow.ts';
import { RouteChanged } from './wire/server-fetch.ts';

export interface LangChainOptions {
  /** Must not retry by itself, and must honour the signal. */
  readonly model: BaseChatModel;
  readonly composer: Pick<Composer, 'compose'>;
  readonly budget: Pick<Budget, 'tokens' | 'shrink'>;
  readonly vision: Vision;
  readonly warn?: ((fields: object, message: string) => void) | undefined;
}

/** Maximum number of requests for one answer, including those refused for their length or form. */
const MAX_REQUESTS = 16;
/** How often the history is shortened because the answer had no room. Each of these requests is billed. */
const MAX_WITHOUT_ROOM = 2;

/**
 * A {@link Chain} over a LangChain chat model. One call of `stream` gives one answer. A request that is longer than the model's
 * context is shortened and sent again at once; a request that the server wants in another form is adapted likewise, and one whose images
 * are refused is sent again without them.
 *
 * When the signal aborts, the request is cancelled and the signal's reason is thrown unchanged, because an abort is not the
 * model's fault. A `TimeoutError` (of `AbortSignal.timeout`) is, and becomes `model_timeout`. Leaving the loop early cancels the
 * request as well.
 */
export function createLangChain(options: LangChainOptions): Chain {
  const { model, composer, budget, vision, warn } = options;
  // All of these are messages, not templates, so braces in user text stay braces.
  const prompt = ChatPromptTemplate.fromMessages<Messages>([
    new MessagesPlaceholder('system'),
    new MessagesPlaceholder('messages'),
  ]);
  const chain = prompt.pipe(model);

  /** One request. Returns whether the answer had text, how it ended, and whether the model reasoned. */
  async function* request(composed: Composed, signal: AbortSignal): AsyncGenerator<ChainEvent, Ending> {
    // With its own controller, the request ends with the loop, however the loop ends, and no listener stays on a signal that
    // may outlive it.
    const request = new AbortController();
    const abort = () => request.abort(signal.reason);
    signal.addEventListener('abort', abort, { once: true });
    const ending = { blank: true, finish: undefined as unknown, reasoned: false };
    try {
      signal.throwIfAborted();
      const pieces = await chain.stream(toMessages(composed), { signal: request.signal });
      // Not `for await`: LangChain reads ahead, so leaving that loop early would wait for the next piece first.
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

  /** @throws BotError `internal` for a bug */
  async function composeFor(input: ChainInput, noImages: FileFault | undefined): Promise<Composed> {
    try {
      return composer.compose(input, noImages);
    } catch (thrown) {
      throw await toModelError(thrown);
    }
  }

  return {
    async *stream(input, signal) {
      let withoutRoom = 0;
      let refused: ImagesRefused['fault'] | undefined;
      for (let requests = 1; ; requests += 1) {
        const composed = await composeFor(input, vision.isBlind() ? 'no_vision' : refused);
        yield { kind: 'shown', used: usedBy(composed), unread: composed.unread };
        let said = false;
        try {
          const events = request(composed, signal);
          let next = await events.next();
          try {
            for (; !next.done; next = await events.next()) {
              // Only now, because a refusal may have quoted anything.
              if (refused === 'no_vision') vision.setBlind();
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
          const images = causes.find((cause) => cause instanceof ImagesRefused);
          if (images !== undefined) {
            if (images.fault === 'no_vision' && vision.mode === 'on') throw imagesRefused();
            if (said || refused !== undefined || requests >= MAX_REQUESTS) throw imagesRefused();
            refused = images.fault;
            continue;
          }
          const overflow = causes.find((cause) => cause instanceof ContextOverflow);
          if (overflow === undefined) {
            if (!said && requests < MAX_REQUESTS && causes.some((cause) => cause instanceof RouteChanged)) continue;
            throw await toModelError(thrown);
          }
          if (said) {
            yield { kind: 'cut', reason: 'length' };
            return;
          }
          if (!composed.canShrink || requests >= MAX_REQUESTS) throw tooLong(composed.tokens);
          budget.shrink(overflow, composed.tokens.all);
          warn?.(
            { sent: composed.tokens.all, tokens: budget.tokens() },
            'request exceeded the context of the model; shortened it',
          );
        }
      }
    },
  };
}

type Messages = Record<'system' | 'messages', BaseMessage[]>;

function toMessages({ system, messages }: Composed): Messages {
  return {
    system: [new SystemMessage(system)],
    messages: messages.map((message) =>
      message.role === 'user' ? toHumanMessage(message) : new AIMessage(message.text),
    ),
  };
}

/** Without images the content is a text: some servers take nothing else. */
function toHumanMessage({ text, images }: ComposedMessage): HumanMessage {
  if (images.length === 0) return new HumanMessage(text);
  return new HumanMessage({
    contentBlocks: [
      { type: 'text', text },
      ...images.map(({ mime, data }) => ({ type: 'image' as const, mimeType: mime, data })),
    ],
  });
}

function usedBy({ shown: { recalled, facts } }: Composed): UsedMemory {
  const turns = recalled.flatMap(({ message }) => message.turn ?? []);
  return { turns: [...new Set(turns)], facts: facts.map(({ id }) => id) };
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

/** A refusal in words is the answer. The Responses API has it in a separate field. */
function textOf({ text, additional_kwargs: { refusal } }: AIMessageChunk): string {
  return text === '' && typeof refusal === 'string' ? refusal : text;
}

/** Why an answer that has some text is incomplete, by its finish reason. */
function cutOf(finish: unknown): 'length' | 'filtered' | undefined {
  if (finish === 'length') return 'length';
  return finish === 'content_filter' ? 'filtered' : undefined;
}
