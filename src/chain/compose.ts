/** Composes a request: the system message, what is shown of the memory, and the message to answer, within the budget. */
import type {
  ChainInput,
  Clock,
  ContextBuilder,
  ContextCosts,
  ContextPreview,
  ContextView,
  HistoryMessage,
} from '../core/ports.ts';
import { estimateTokens } from '../core/tokens.ts';
import type { Budget } from './budget.ts';
import {
  factsText,
  factText,
  hasMessageTimes,
  historyText,
  inputText,
  passageText,
  recalledLines,
  recalledText,
  systemText,
  timed,
} from './prompt.ts';

export interface ComposerOptions {
  /** `{date}` and `{time}` are filled in, all other braces stay as they are. */
  readonly systemPrompt: string;
  readonly budget: Pick<Budget, 'tokens'>;
  readonly context: ContextBuilder;
  readonly clock: Pick<Clock, 'now'>;
}

/** A request as texts. The roles of `messages` alternate, the last one is a person's. */
export interface Composed {
  readonly system: string;
  readonly messages: readonly { readonly role: 'user' | 'assistant'; readonly text: string }[];
  readonly shown: ContextView<HistoryMessage>;
  /** Estimated tokens of the system message, of the message to answer, and of all. */
  readonly tokens: { readonly system: number; readonly input: number; readonly all: number };
  /** Whether something is shown that can be left out. */
  readonly canShrink: boolean;
}

export interface Composer {
  compose(input: ChainInput): Composed;
  preview<M extends HistoryMessage>(
    memory: Pick<ChainInput, 'facts' | 'shared'> & { readonly history: readonly M[] },
  ): ContextPreview<M>;
}

/** What a chat format adds to each message: its role and its separators (OpenAI: 3, and 1 for the role). */
const TOKENS_PER_MESSAGE = 4;

/**
 * What changes with each turn stands last, so that a request begins with the bytes of the one before for as long as possible: the
 * system message, then facts, then the window. Facts and recalled messages are parts of a person's message: strict chat templates
 * demand that roles alternate, and nothing that somebody wrote becomes a system message.
 */
export function createComposer({ systemPrompt, budget, context, clock }: ComposerOptions): Composer {
  const withTimes = hasMessageTimes(systemPrompt);

  /** The same message has the same bytes while it is the newest and later, but for what is recalled with it. */
  const shownText = (message: HistoryMessage, shared: boolean) => {
    const text = historyText(message, shared);
    return message.role === 'user' ? timed(text, withTimes ? message.timestamp : undefined) : text;
  };

  const costsFor = (shared: boolean): ContextCosts => ({
    message: (message) => TOKENS_PER_MESSAGE + estimateTokens(shownText(message, shared)),
    fact: (fact) => estimateTokens(`${factText(fact)}\n`),
    factsFrame: estimateTokens(`${factsText([])}\n\n`),
    recalled: (message) => estimateTokens(`${recalledLines(message, message.content, shared)}\n`),
    passage: estimateTokens(`${passageText(0)}\n`),
    recallFrame: estimateTokens(`${recalledText([], shared)}\n\n`),
  });

  return {
    compose({ history, facts = [], message, shared }) {
      const system = systemText(systemPrompt, clock.now(), shared, withTimes && message.sentAt !== undefined);
      const systemTokens = estimateTokens(system);
      const sentAt = withTimes ? message.sentAt : undefined;
      // What somebody else wrote gives way first: the oldest quotes.
      let quotes = message.quotes ?? [];
      const input = (recalled: string) => timed(inputText({ ...message, quotes }, shared, recalled), sentAt);
      let inputTokens = estimateTokens(input(''));
      while (quotes.length > 0 && systemTokens + inputTokens > budget.tokens()) {
        quotes = quotes.slice(1);
        inputTokens = estimateTokens(input(''));
      }
      const reserved = systemTokens + inputTokens;
      const sources = { history, facts, question: message.text };
      const shown = context.build(sources, { tokens: budget.tokens(), reserved }, costsFor(shared));
      const recalled = shown.recalled.length === 0 ? '' : recalledText(shown.recalled, shared);
      const messages = [
        ...shown.messages.map((earlier) => ({ role: earlier.role, text: shownText(earlier, shared) })),
        { role: 'user' as const, text: input(recalled) },
      ];
      const kept = shown.facts.length === 0 ? '' : `${factsText(shown.facts)}\n\n`;
      return {
        system,
        messages: messages.map(({ role, text }, index) => ({ role, text: index === 0 ? kept + text : text })),
        shown,
        tokens: {
          system: systemTokens,
          input: inputTokens,
          all: reserved + shown.tokens.facts + shown.tokens.window + shown.tokens.recalled,
        },
        canShrink: [shown.messages, shown.facts, shown.recalled, quotes].some(({ length }) => length > 0),
      };
    },

    preview({ history, facts = [], shared }) {
      const system = estimateTokens(systemText(systemPrompt, clock.now(), shared, withTimes));
      const room = { tokens: budget.tokens(), reserved: system };
      const { tokens, ...view } = context.build({ history, facts, question: undefined }, room, costsFor(shared));
      return { ...view, tokens: { ...tokens, system } };
    },
  };
}
