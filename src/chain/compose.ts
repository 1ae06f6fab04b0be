/** Composes a request: the system message, what is shown of the memory, and the message to answer, within the budget. */
import type {
  ChainInput,
  Clock,
  ContextBuilder,
  ContextCosts,
  ContextPreview,
  ContextView,
  FileContents,
  HistoryMessage,
} from '../core/ports.ts';
import { estimateTokens, IMAGE_TOKENS } from '../core/tokens.ts';
import type { FileFault, FileRef, UnreadFile } from '../core/types.ts';
import type { Budget } from './budget.ts';
import { byImportance, isShown, withinHistory, withoutFile, withoutImages } from './file-room.ts';
import { imagesOf, NO_FILES, quotedFiles, type ShownImage, saidText, unreadOf } from './files.ts';
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

/** A message of a request. Images follow the text. */
export interface ComposedMessage {
  readonly role: 'user' | 'assistant';
  readonly text: string;
  readonly images: readonly ShownImage[];
}

/** A request. The roles of `messages` alternate, the last one is a person's. */
export interface Composed {
  readonly system: string;
  readonly messages: readonly ComposedMessage[];
  readonly shown: ContextView<HistoryMessage>;
  /** Files of the message and of its quotes that are not shown. */
  readonly unread: readonly UnreadFile[];
  /** Estimated tokens of the system message, of the message to answer, and of all. */
  readonly tokens: { readonly system: number; readonly input: number; readonly all: number };
  /** Whether something is shown that can be left out. */
  readonly canShrink: boolean;
}

export interface Composer {
  /** `noImages`: why images are not shown; undefined: they are. */
  compose(input: ChainInput, noImages?: FileFault): Composed;
  preview<M extends HistoryMessage>(
    memory: Pick<ChainInput, 'facts' | 'shared'> & { readonly history: readonly M[] },
  ): ContextPreview<M>;
}

/** What a chat format adds to each message: its role and its separators (OpenAI: 3, and 1 for the role). */
const TOKENS_PER_MESSAGE = 4;
/** Files of earlier messages take at most this share of the room that the system message and the message to answer leave. */
const EARLIER_FILES_SHARE = 0.5;
/** How much of a long text is searched with when the message has no other text, in UTF-16 units. */
const LONGEST_QUESTION = 1_000;

/**
 * What changes with each turn stands last, so that a request begins with the bytes of the one before for as long as possible: the
 * system message, then facts, then the window. Facts and recalled messages are parts of a person's message: strict chat templates
 * demand that roles alternate, and nothing that somebody wrote becomes a system message.
 */
export function createComposer({ systemPrompt, budget, context, clock }: ComposerOptions): Composer {
  const withTimes = hasMessageTimes(systemPrompt);

  /** The same message has the same bytes while it is the newest and later, but for what is quoted and recalled with it. */
  const shownText = (message: HistoryMessage, shared: boolean, contents: FileContents) => {
    const text = historyText(message, shared, contents);
    return message.role === 'user' ? timed(text, withTimes ? message.timestamp : undefined) : text;
  };

  const messageCost = (message: HistoryMessage, shared: boolean, contents: FileContents) =>
    TOKENS_PER_MESSAGE +
    estimateTokens(shownText(message, shared, contents)) +
    IMAGE_TOKENS * imagesOf(message.files, [], contents).length;

  const costsFor = (shared: boolean, contents: FileContents): ContextCosts => ({
    message: (message) => messageCost(message, shared, contents),
    fact: (fact) => estimateTokens(`${factText(fact)}\n`),
    factsFrame: estimateTokens(`${factsText([])}\n\n`),
    recalled: (message) => estimateTokens(`${recalledLines(message, message.content, shared)}\n`),
    passage: estimateTokens(`${passageText(0)}\n`),
    recallFrame: estimateTokens(`${recalledText([], shared)}\n\n`),
  });

  /** The message to answer within the budget. What somebody else wrote gives way first, and the oldest of each. */
  function fitInput(input: ChainInput, contents: FileContents, room: number): FittedInput {
    const { message, shared } = input;
    const sentAt = withTimes ? message.sentAt : undefined;
    const fitted = (quotes: FittedInput['quotes'], shown: FileContents): FittedInput => {
      const textWith = (recalled: string) => timed(inputText({ ...message, quotes }, shared, recalled, shown), sentAt);
      const images = imagesOf(message.attachments, quotedFiles(quotes), shown);
      return {
        quotes,
        contents: shown,
        images,
        textWith,
        tokens: estimateTokens(textWith('')) + IMAGE_TOKENS * images.length,
      };
    };
    let fit = fitted(message.quotes ?? [], contents);
    const giveWay = (files: readonly FileRef[]) => {
      for (const file of files) {
        if (fit.tokens <= room) return;
        if (isShown(file, fit.contents)) fit = fitted(fit.quotes, withoutFile(fit.contents, file));
      }
    };
    giveWay(quotedFiles(message.quotes));
    while (fit.quotes.length > 0 && fit.tokens > room) fit = fitted(fit.quotes.slice(1), fit.contents);
    giveWay(byImportance(message.attachments));
    return fit;
  }

  return {
    compose(input, noImages) {
      const { history, facts = [], message, shared } = input;
      const system = systemText(systemPrompt, clock.now(), shared, withTimes && message.sentAt !== undefined);
      const systemTokens = estimateTokens(system);
      const all = withoutImages(input.files ?? NO_FILES, noImages);
      const fit = fitInput(input, all, budget.tokens() - systemTokens);
      const reserved = systemTokens + fit.tokens;
      const own = message.attachments ?? [];
      const question = message.text.trim() === '' ? saidText('', own, all).slice(0, LONGEST_QUESTION) : message.text;
      const view = (contents: FileContents) =>
        context.build({ history, facts, question }, { tokens: budget.tokens(), reserved }, costsFor(shared, contents));
      const roomForEarlier = Math.floor((budget.tokens() - reserved) * EARLIER_FILES_SHARE);
      let contents = withinHistory(history, fit.contents, roomForEarlier, (each, files) =>
        messageCost(each, shared, files),
      );
      let shown = view(contents);
      // An earlier turn that only fits without its files is shown without them.
      if (
        shown.messages.length === 0 &&
        history.some(({ files = [] }) => files.some((file) => isShown(file, contents)))
      ) {
        contents = withinHistory(history, fit.contents, -1, (each, files) => messageCost(each, shared, files));
        shown = view(contents);
      }
      const recalled = shown.recalled.length === 0 ? '' : recalledText(shown.recalled, shared);
      const messages: readonly ComposedMessage[] = [
        ...shown.messages.map((earlier) => ({
          role: earlier.role,
          text: shownText(earlier, shared, contents),
          images: earlier.role === 'user' ? imagesOf(earlier.files, [], contents) : [],
        })),
        { role: 'user', text: fit.textWith(recalled), images: fit.images },
      ];
      const kept = shown.facts.length === 0 ? '' : `${factsText(shown.facts)}\n\n`;
      const files = [...quotedFiles(message.quotes), ...own];
      return {
        system,
        messages: messages.map((each, index) => ({ ...each, text: index === 0 ? kept + each.text : each.text })),
        shown,
        unread: unreadOf(files, fit.contents),
        tokens: {
          system: systemTokens,
          input: fit.tokens,
          all: reserved + shown.tokens.facts + shown.tokens.window + shown.tokens.recalled,
        },
        canShrink:
          [shown.messages, shown.facts, shown.recalled, fit.quotes].some(({ length }) => length > 0) ||
          files.some((file) => isShown(file, fit.contents)),
      };
    },

    preview({ history, facts = [], shared }) {
      const system = estimateTokens(systemText(systemPrompt, clock.now(), shared, withTimes));
      const room = { tokens: budget.tokens(), reserved: system };
      const { tokens, ...view } = context.build(
        { history, facts, question: undefined },
        room,
        costsFor(shared, NO_FILES),
      );
      return { ...view, tokens: { ...tokens, system } };
    },
  };
}

/** The message to answer, as far as it fits. */
interface FittedInput {
  readonly quotes: NonNullable<ChainInput['message']['quotes']>;
  readonly contents: FileContents;
  readonly images: readonly ShownImage[];
  /** Estimated, without what is recalled. */
  readonly tokens: number;
  textWith(recalled: string): string;
}
