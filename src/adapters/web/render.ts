/** Renders results for the page. Pure. */
import type { ReceiveResult } from '../../core/bot-port.ts';
import type { CommandDefinition, CommandOption, CommandResult } from '../../core/commands.ts';
import { type Fact, MAX_FACTS } from '../../core/facts.ts';
import type { ContextPreview } from '../../core/ports.ts';
import type { ConversationStats, History, TtlState } from '../../core/store.ts';
import type { ChatMessage, FileRef, Locale, UsedMemory } from '../../core/types.ts';
import {
  type FeedEvents,
  MAX_EXCERPT,
  type MemoryAnswer,
  type PrivateAnswer,
  type Sent,
  type SetupAnswer,
  type ShownUse,
} from './schemas.ts';

export function renderAnswer({ kind, text, actions, files }: CommandResult): PrivateAnswer {
  return {
    kind,
    text,
    actions: actions.map(({ label, style, id }) => ({ label, style, id })),
    files: files.map(({ name, mediaType, content }) => ({ name, media_type: mediaType, content })),
  };
}

/** A duplicate is as good as stored: it is. */
export function renderReceived(result: ReceiveResult): Sent {
  if (result.kind === 'queued' || result.kind === 'duplicate') return { kind: 'stored' };
  return { kind: 'refused', text: result.text, retry_after_ms: result.retryAfterMs };
}

export function renderMessage(message: ChatMessage): FeedEvents['state']['messages'][number] {
  const { role, content, timestamp, turn, author, stopped, cut, unread = [] } = message;
  return {
    ...{ role, content, timestamp, turn, stopped: stopped === true },
    ...(author === undefined ? {} : { author }),
    ...(cut === undefined ? {} : { cut }),
    ...renderFiles(message.files),
    ...(unread.length === 0 ? {} : { unread: unread.map(({ name, why }) => ({ name, why })) }),
  };
}

/** By name only. */
export function renderFiles(files: readonly FileRef[] = []): { files?: string[] } {
  return files.length === 0 ? {} : { files: files.map(({ name }) => name) };
}

/** `from`: what is stored now. */
export function renderUsed(
  used: UsedMemory,
  from: { readonly messages: readonly ChatMessage[]; readonly facts: readonly Fact[] },
): ShownUse {
  const answers = new Map(
    from.messages.flatMap(({ role, turn, content }) => (role === 'user' ? [] : [[turn, content]])),
  );
  const messages = from.messages.filter(({ role, turn }) => role === 'user' && used.turns.includes(turn));
  const facts = from.facts.filter(({ id }) => used.facts.includes(id));
  return {
    messages: messages.map(({ turn, author, content, timestamp, files }) => ({
      ...{ turn, timestamp, text: excerptOf(content), answer: excerptOf(answers.get(turn) ?? '') },
      ...renderFiles(files),
      ...(author === undefined ? {} : { author }),
    })),
    facts: facts.map(({ text }) => text),
    gone: used.turns.length - messages.length + used.facts.length - facts.length,
  };
}

/** Never half a surrogate pair. */
function excerptOf(text: string): string {
  return text.length <= MAX_EXCERPT ? text : `${text.slice(0, MAX_EXCERPT).replace(/[\uD800-\uDBFF]$/, '')}…`;
}

function renderFact({ id, text, saidAt, expiresAt }: Fact) {
  return { id, text, said_at: saidAt, expires_at: expiresAt };
}

export interface MemoryParts {
  readonly ttl: TtlState;
  readonly stats: ConversationStats | undefined;
  readonly history: History | undefined;
  readonly seen: ContextPreview<ChatMessage>;
  /** Undefined where people share one conversation. */
  readonly facts: readonly Fact[] | undefined;
}

export function renderMemory({ ttl, stats, history, seen, facts }: MemoryParts): MemoryAnswer {
  const seenTurns = new Set(seen.messages.map(({ turn }) => turn));
  return {
    ttl: { choice: ttl.choice ?? null, effective: ttl.effective, expires_in_ms: ttl.expiresInMs ?? null },
    conversation:
      stats === undefined
        ? null
        : {
            key: stats.key,
            messages: stats.messages,
            turns: stats.turns,
            tokens: stats.tokens,
            bytes: stats.bytes,
            created_at: stats.createdAt,
            corrupt: history?.corrupt ?? 0,
          },
    messages: (history?.messages ?? []).map((message) => ({
      ...renderMessage(message),
      seen: seenTurns.has(message.turn),
    })),
    next: {
      tokens: { system: seen.tokens.system, facts: seen.tokens.facts, window: seen.tokens.window },
      facts: seen.facts.length,
      messages: seen.messages.length,
      files: seen.messages.flatMap(({ files = [] }) => files.map(({ name }) => name)),
      window_end: seen.windowEnd,
      searched: seen.searched,
      recall_room: seen.recallRoom,
    },
    facts: facts === undefined ? null : { kept: facts.map(renderFact), max: MAX_FACTS },
  };
}

/** The commands for completion; commands for managers are listed for managers only. */
export function renderCommands(
  catalogue: readonly CommandDefinition[],
  locale: Locale,
  canManage: boolean,
): SetupAnswer['commands'] {
  const mayUse = ({ who }: Pick<CommandDefinition, 'who'>) => canManage || who === 'everybody';
  return catalogue.filter(mayUse).map(({ name, description, options }) => {
    const shown = options.filter(({ textOnly }) => textOnly !== true);
    return {
      name,
      usage: [
        `/${name}`,
        ...shown.map((option) => (option.required === true ? `<${option.name}>` : `[${option.name}]`)),
      ].join(' '),
      description: description[locale],
      options: shown.map((option) => ({
        name: option.name,
        description: option.description[locale],
        values: valuesOf(option, mayUse),
      })),
    };
  });
}

/** What may be typed for an option: all of it, or examples. */
function valuesOf(option: CommandOption, mayUse: (choice: Pick<CommandDefinition, 'who'>) => boolean): string[] {
  switch (option.kind) {
    case 'choice':
      return option.choices.filter(mayUse).map(({ value }) => value);
    case 'duration':
      return [...option.examples];
    case 'flag':
      return [option.name];
    case 'word':
    case 'text':
      return [];
    case 'integer':
      return [String(option.min), String(option.max)];
  }
}
