/** The bot's conversations for other LangChain code: the same data, under the same rules. */
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
  /** Whose turns are added. */
  readonly author: Author;
}

/**
 * A LangChain chat history over one conversation of the bot.
 *
 * Memory holds whole turns only: a person's message is held back in this object until the answer to it is added, and both
 * are stored together. `addMessages([human, ai])` stores at once. System and tool messages are refused, since the bot
 * keeps none.
 */
export class RedisChatMessageHistory extends BaseListChatMessageHistory {
  override lc_namespace = ['recollect', 'memory'];
  readonly #options: RedisChatMessageHistoryOptions;
  #heldBack: { readonly message: HumanMessage; readonly at: number } | undefined;

  constructor(options: RedisChatMessageHistoryOptions) {
    super();
    this.#options = options;
  }

  /** What is remembered, oldest first, and a person's message that is held back. */
  override async getMessages(): Promise<BaseMessage[]> {
    const { store, sessionId } = this.#options;
    const stored = ((await store.history(sessionId))?.messages ?? []).map(({ role, content }) =>
      role === 'user' ? new HumanMessage(content) : new AIMessage(content),
    );
    return this.#heldBack === undefined ? stored : [...stored, this.#heldBack.message];
  }

  /** @throws BotError `bad_input` for a message that no turn can be made of, and as the store does. */
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
