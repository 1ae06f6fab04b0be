/** The model that answers if none is configured: a real LangChain chat model without network or key. */

import { setTimeout as sleep } from 'node:timers/promises';
import type { CallbackManagerForLLMRun } from '@langchain/core/callbacks/manager';
import { BaseChatModel } from '@langchain/core/language_models/chat_models';
import { AIMessage, AIMessageChunk, type BaseMessage } from '@langchain/core/messages';
import { ChatGenerationChunk, type ChatResult } from '@langchain/core/outputs';
import { type DemoMessage, demoAnswer } from './demo-answer.ts';

export interface DemoOptions {
  /** Milliseconds between two pieces of an answer, so that streaming is visible. */
  readonly delayMs: number;
}

/** Deterministic and stateless: the same messages always give the same answer. */
export function createDemoModel(options: DemoOptions): BaseChatModel {
  return new DemoModel(options);
}

class DemoModel extends BaseChatModel {
  readonly #delayMs: number;

  constructor({ delayMs }: DemoOptions) {
    super({ maxRetries: 0 });
    this.#delayMs = delayMs;
  }

  _llmType(): string {
    return 'demo';
  }

  override async _generate(messages: BaseMessage[]): Promise<ChatResult> {
    const text = demoAnswer(messages.map(toPlain));
    return { generations: [{ text, message: new AIMessage(text) }] };
  }

  override async *_streamResponseChunks(
    messages: BaseMessage[],
    options: this['ParsedCallOptions'],
    runManager?: CallbackManagerForLLMRun,
  ): AsyncGenerator<ChatGenerationChunk> {
    for (const text of pieces(demoAnswer(messages.map(toPlain)))) {
      yield new ChatGenerationChunk({ text, message: new AIMessageChunk(text) });
      await runManager?.handleLLMNewToken(text);
      if (this.#delayMs > 0) await sleep(this.#delayMs, undefined, { signal: options.signal });
    }
  }
}

function toPlain(message: BaseMessage): DemoMessage {
  const images = message.contentBlocks.filter(({ type }) => type === 'image').length;
  return { role: message.getType(), text: message.text, images };
}

/** Splits into words, each with its trailing space; text without spaces into pieces of a few characters. */
function pieces(text: string): readonly string[] {
  return text.match(/[^\s\p{Script=Han}]{1,24}\s*|\p{Script=Han}{1,4}|\s+/gu) ?? [];
}
