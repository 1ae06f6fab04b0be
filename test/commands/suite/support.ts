/** What the parts of the command suite share: commands over a real store, and people who ask. */
import { expect } from 'vitest';
import { DESCRIPTORS } from '../../../src/app/platforms.ts';
import { type CommandDeps, createCommands } from '../../../src/commands/commands.ts';
import type {
  Command,
  CommandAction,
  CommandCall,
  CommandContext,
  CommandResult,
  Commands,
} from '../../../src/core/commands.ts';
import { encodeSession, type Session, type SessionId } from '../../../src/core/session.ts';
import type { ConversationStore } from '../../../src/core/store.ts';
import type { IncomingMessage, Locale } from '../../../src/core/types.ts';
import { answerOf, type Harness, LIMITS, messageOf, runTurn } from '../../contracts/store/support.ts';
import { previewOf } from '../../support/context.ts';

export const LOCALES: readonly Locale[] = ['en', 'zh-CN'];
const WINDOW = 4;
/** Enough for pages; the contract's own limit is for its own tests. */
export const MAX_MESSAGES = 60;
export const CHANNEL = { platform: 'slack', workspace: 'T1', channel: 'C1' };
const ADA = { platform: 'slack', workspace: 'T1', user: 'ada' };
export const BOB = { platform: 'slack', workspace: 'T1', user: 'bob' };
/** In ADMIN_USER_IDS. */
export const ROOT = { platform: 'slack', workspace: 'T1', user: 'root' };

/** A conversation of the channel; Ada's own unless told otherwise. */
export const here = (parts: Partial<Session> = {}): SessionId =>
  encodeSession({ place: CHANNEL, user: 'ada', ...parts });
/** The channel's conversation when all share it. */
export const SHARED = encodeSession({ place: CHANNEL });

export interface Asking {
  readonly commands: Commands;
  readonly store: ConversationStore;
  /** Runs a command, or what a text says, for Ada by a slash command in her conversation, unless told otherwise. */
  ask(command: Command | string, context?: CommandContext): Promise<CommandResult>;
  /** Presses a button of an answer, as the person of the context. */
  press(action: CommandAction | undefined, context?: CommandContext): Promise<CommandResult>;
}

export function contextOf(overrides: Partial<CommandContext> = {}): CommandContext {
  return {
    place: CHANNEL,
    sessionId: here(),
    person: ADA,
    locale: 'en',
    isDirect: false,
    canManage: false,
    surface: 'slash',
    hasButtons: true,
    ...overrides,
  };
}

/** Without a thread, as Slack's slash commands come. */
export function unknownThread(overrides: Partial<CommandContext> = {}): CommandContext {
  const { sessionId: _, ...context } = contextOf();
  return { ...context, ...overrides };
}

export function depsOf(store: ConversationStore, scope: 'user' | 'channel' = 'user'): CommandDeps {
  return {
    memory: store,
    stats: store,
    facts: store.facts,
    clock: { now: () => Date.now() },
    limiter: { take: async () => ({ ok: true }) },
    scope,
    platform: (id) => DESCRIPTORS.find((each) => each.id === id),
    admins: new Set(['slack:T1:root', 'discord:42', 'http:42']),
    minTtl: LIMITS.minTtl,
    maxTtl: LIMITS.maxTtl,
    memoryWindow: WINDOW,
    maxMessages: MAX_MESSAGES,
    model: 'gpt-test (models.example)',
    context: previewOf(store, { maxMessages: WINDOW, maxTokens: 1_000 }),
  };
}

export function asking(harness: Harness, scope: 'user' | 'channel' = 'user'): Asking {
  // A fresh one for every call: the store of the harness changes with every test, and commands hold no state.
  const commands = () => createCommands(depsOf(harness.store, scope));
  const run = async (call: CommandCall) => {
    const result = await commands().run(call);
    if (call.context.maxLength === undefined) expect(result.text.length, result.text).toBeLessThanOrEqual(2000);
    for (const { label, id } of result.actions) {
      expect(label.length).toBeLessThanOrEqual(75);
      expect(id).toMatch(/^[!-~]{1,100}$/);
    }
    return result;
  };
  return {
    get commands() {
      return commands();
    },
    get store() {
      return harness.store;
    },
    async ask(command, context = contextOf()) {
      const read = typeof command === 'string' ? commands().readText(command) : command;
      if (read === undefined) throw new Error(`No command: ${JSON.stringify(command)}`);
      return run({ command: read, context });
    },
    async press(action, context = contextOf()) {
      const pressed = commands().readAction(action?.id ?? '');
      if (pressed === undefined) throw new Error(`No button: ${JSON.stringify(action)}`);
      return run({ ...pressed, context: { ...context, surface: 'action' } });
    },
  };
}

/** A turn of Ada's (or another's) that was answered. */
export async function talk(
  store: ConversationStore,
  sessionId: SessionId,
  id: string,
  overrides: Partial<IncomingMessage> = {},
): Promise<void> {
  const message = messageOf(sessionId, id, overrides);
  await runTurn(store, message, answerOf(`answer to ${id}`, { timestamp: message.sentAt + 1_000 }));
}

/** The author's part of a message of somebody else. */
export const by = (user: string): Pick<IncomingMessage, 'author'> => ({ author: { id: user, name: `${user}'s name` } });
