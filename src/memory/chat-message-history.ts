/** The bot's conversations for other LangChain code, with the same data and rules. */
import { randomBytes } from 'node:crypto';
import { BaseListChatMessageHistory } from '@langchain/core/chat_history';
import { AIMessage, type BaseMessage, HumanMessage } from '@langchain/core/messages';
import type { SessionId } from '../core/session.ts';
import { estimateTokens } from '../core/tokens.ts';
import type { Author } from '../core/types.ts';
import { BotError } from '../errors.ts';
import type { RedisStore } from './redis/store.ts';

export interface RedisChatMessageHistoryOptions {
  readonly store: Pick<RedisStore, 'history' | 'forget' | 'append'>;
  readonly sessionId: SessionId;
  /** Author of the added turns. */
  readonly author: Author;
}

/**
 * A LangChain chat history over one conversation of the bot.
 *
 * Memory only contains whole turns: a person's message is held in this object until its answer is added, and both are stored
 * together. `addMessages([human, ai])` stores them at once. System and tool messages are refused.
 */
export class RedisChatMessageHistory extends BaseListChatMessageHistory {
  override lc_namespace = ['recollect', 'memory'];
  readonly #options: RedisChatMessageHistoryOptions;
  #heldBack: { readonly message: HumanMessage; readonly at: number } | undefined;

  constructor(options: RedisChatMessageHistoryOptions) {
    super();
    this.#options = options;
  }

  /** The stored messages, oldest first, and a person's message that is held in this object. */
  override async getMessages(): Promise<BaseMessage[]> {
    const { store, sessionId } = this.#options;
    const stored = ((await store.history(sessionId))?.messages ?? []).map(({ role, content }) =>
      role === 'user' ? new HumanMessage(content) : new AIMessage(content),
    );
    return this.#heldBack === undefined ? stored : [...stored, this.#heldBack.message];
  }

  /** @throws BotError `bad_input` for a message that is not part of a turn, and the errors of the store */
  override async addMessage(message: BaseMessage): Promise<void> {
    if (HumanMessage.isInstance(message) && this.#heldBack === undefined) {
      this.#heldBack = { message, at: Date.now() };
      return;
    }
    if (AIMessage.isInstance(message) && this.#heldBack !== undefined) {
      await this.#append(this.#heldBack.message.text, this.#heldBack.at, message.text);
      this.#heldBack = undefined;
      return;
    }
    throw new BotError(
      'bad_input',
      `A ${message.getType()} message cannot come now: a turn is a human message, then the answer to it.`,
    );
  }

  /** Forgets the conversation. */
  override async clear(): Promise<void> {
    this.#heldBack = undefined;
    await this.#options.store.forget(this.#options.sessionId);
  }

  async #append(question: string, sentAt: number, answer: string): Promise<void> {
    const { store, sessionId, author } = this.#options;
    const id = randomBytes(9).toString('base64url');
    const tokens = estimateTokens(question) + estimateTokens(answer);
    await store.append(
      { turnId: id, id, sessionId, author, text: question, sentAt, isDirect: false },
      { text: answer, timestamp: Date.now(), stopped: false, tokens },
    );
  }
}
