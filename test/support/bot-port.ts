/**
 * A bot without an engine, for tests of an adapter's edge alone: it takes messages in, keeps whole turns, and answers when
 * the test says so. How the bot really behaves is shown by the tests on the real store and by test/e2e.
 */
import type { BotPort, ReceiveResult, StoreHealth } from '../../src/core/bot-port.ts';
import type { CommandResult } from '../../src/core/commands.ts';
import { type Fact, type Facts, MAX_FACTS } from '../../src/core/facts.ts';
import { placeTag, type SessionId } from '../../src/core/session.ts';
import type { Memory } from '../../src/core/store.ts';
import type { ChatMessage, IncomingMessage, JsonValue, TurnId, TurnRecord, UnreadFile } from '../../src/core/types.ts';
import type { BotError, ErrorCode } from '../../src/errors.ts';

interface Conversation {
  messages: ChatMessage[];
  /** Seconds. */
  ttl: number;
}

export interface EdgeBot extends BotPort {
  /** Every message that was taken in, oldest first. */
  readonly taken: readonly IncomingMessage[];
  /** What the next `receive` comes to, in place of taking the message in. */
  next(result: ReceiveResult | BotError): void;
  /** While set, everything that needs the store fails with it. */
  down: BotError | undefined;
  /** What is known of the store without asking it. */
  known: StoreHealth;
  /** While set, whoever asks for their memory asked for too much. */
  limited: CommandResult | undefined;
  /** When set, a message is answered with what it gives as soon as it is taken in. */
  answerWith: ((message: IncomingMessage) => string) | undefined;
  /** Commits the turn with its answer; its reply is told by `announce`, as a worker's would be. */
  commit(turnId: TurnId, text: string, unread?: readonly UnreadFile[]): void;
  fail(turnId: TurnId, code: ErrorCode): void;
  /** Followers of any turn. */
  followers(): number;
}

/** 30 days, in milliseconds. */
const FACT_MS = 2_592_000_000;

const RECORD: TurnRecord = {
  state: 'queued',
  attempt: 0,
  takeovers: 0,
  failures: 0,
  startedAt: 0,
  messageRefs: new Map(),
  stopRequested: false,
};

export function createEdgeBot(): EdgeBot {
  const taken: IncomingMessage[] = [];
  const seen = new Map<string, IncomingMessage>();
  const records = new Map<TurnId, TurnRecord>();
  const conversations = new Map<SessionId, Conversation>();
  const listeners = new Map<TurnId, Set<(event: JsonValue) => void>>();
  let planned: ReceiveResult | BotError | undefined;

  function reach(): void {
    if (bot.down !== undefined) throw bot.down;
  }

  function find(turnId: TurnId): IncomingMessage {
    const message = taken.find((candidate) => candidate.turnId === turnId);
    if (message === undefined) throw new Error(`No turn ${turnId}.`);
    return message;
  }

  function wake(turnId: TurnId): void {
    for (const listener of listeners.get(turnId) ?? []) listener({ kind: 'step' });
  }

  function ttlOf(sessionId: SessionId) {
    const conversation = conversations.get(sessionId);
    if (conversation === undefined) return { effective: 1800 };
    return { effective: conversation.ttl, expiresInMs: conversation.ttl * 1000 };
  }

  const memory: Pick<Memory, 'history' | 'forget' | 'ttl' | 'setTtl'> = {
    async history(sessionId, { limit = Number.POSITIVE_INFINITY } = {}) {
      reach();
      const conversation = conversations.get(sessionId);
      if (conversation === undefined) return undefined;
      const { messages, ttl } = conversation;
      return {
        messages: messages.slice(Math.max(0, messages.length - limit)),
        total: messages.length,
        corrupt: 0,
        expiresInMs: ttl * 1000 - 1,
      };
    },
    async forget(sessionId) {
      reach();
      const messages = conversations.get(sessionId)?.messages.length ?? 0;
      conversations.delete(sessionId);
      const waiting = taken.filter(
        ({ turnId, sessionId: of }) => of === sessionId && records.get(turnId)?.state === 'queued',
      );
      for (const { turnId } of waiting) {
        records.set(turnId, { ...RECORD, state: 'forgotten', outcome: 'forgotten' });
        wake(turnId);
      }
      return { conversations: Math.sign(messages), messages, waiting: waiting.length, facts: 0 };
    },
    async ttl(sessionId) {
      reach();
      return ttlOf(sessionId);
    },
    async setTtl(sessionId, seconds) {
      reach();
      const conversation = conversations.get(sessionId);
      if (conversation !== undefined && seconds !== undefined) conversation.ttl = seconds;
      return ttlOf(sessionId);
    },
  };

  const kept = new Map<SessionId, Fact[]>();
  const facts: Facts = {
    async keep(base, _person, fact) {
      reach();
      const list = kept.get(base) ?? [];
      const known = list.find(({ text }) => text === fact.text);
      if (known !== undefined) return { kind: 'known', fact: known };
      if (list.length >= MAX_FACTS) return { kind: 'full', max: MAX_FACTS };
      const whole = { ...fact, expiresAt: fact.saidAt + FACT_MS };
      kept.set(base, [...list, whole]);
      return { kind: 'kept', fact: whole };
    },
    propose: needsEngine,
    confirm: needsEngine,
    async list(base) {
      reach();
      return kept.get(base) ?? [];
    },
    async remove(base, id) {
      reach();
      const before = kept.get(base) ?? [];
      kept.set(
        base,
        before.filter((fact) => fact.id !== id),
      );
      return before.some((fact) => fact.id === id);
    },
    async removeAll(base) {
      reach();
      const count = kept.get(base)?.length ?? 0;
      kept.delete(base);
      return count;
    },
  };

  function needsEngine(): never {
    throw new Error('The edge has no use for this.');
  }

  const bot: EdgeBot = {
    taken,
    down: undefined,
    limited: undefined,
    answerWith: undefined,
    known: { ok: true },
    next(result) {
      planned = result;
    },
    commit(turnId, text, unread = []) {
      const { sessionId, text: question, sentAt, author, ttl, attachments = [] } = find(turnId);
      const of = { turn: turnId, source: turnId, authorId: author.id };
      const conversation = conversations.get(sessionId) ?? { messages: [], ttl: 1800 };
      conversation.messages.push(
        {
          ...of,
          role: 'user',
          content: question,
          timestamp: sentAt,
          files: attachments.map(({ data, ...file }) => file),
        },
        { ...of, role: 'assistant', content: text, timestamp: sentAt + 1000, unread },
      );
      if (ttl !== undefined) conversation.ttl = ttl;
      conversations.set(sessionId, conversation);
      records.set(turnId, { ...RECORD, state: 'finished', outcome: 'answered' });
      wake(turnId);
    },
    fail(turnId, code) {
      records.set(turnId, { ...RECORD, state: 'finished', outcome: 'failed', code });
      wake(turnId);
    },
    followers: () => [...listeners.values()].reduce((sum, set) => sum + set.size, 0),
    async receive(given, whole) {
      reach();
      const result = planned;
      planned = undefined;
      if (result instanceof Error) throw result;
      if (result !== undefined) return result;
      const message = (await whole?.()) ?? given;
      const keys = message.idempotencyKeys.map((id) => `${placeTag(message.sessionId)} ${id}`);
      const known = keys.map((key) => seen.get(key)).find((first) => first !== undefined);
      if (known !== undefined) return { kind: 'duplicate', sessionId: known.sessionId, turnId: known.turnId };
      for (const key of keys) seen.set(key, message);
      taken.push(message);
      records.set(message.turnId, RECORD);
      if (bot.answerWith !== undefined) bot.commit(message.turnId, bot.answerWith(message));
      return { kind: 'queued', turnId: message.turnId, ahead: 0 };
    },
    async record(_sessionId, turnId) {
      reach();
      return records.get(turnId);
    },
    async follow(_sessionId, turnId, listener) {
      reach();
      const set = listeners.get(turnId) ?? new Set();
      listeners.set(turnId, set.add(listener));
      return async () => {
        set.delete(listener);
      };
    },
    async announce(_sessionId, turnId, event) {
      reach();
      for (const listener of listeners.get(turnId) ?? []) listener(event);
    },
    async ping() {
      reach();
    },
    health: () => bot.known,
    memory: {
      ...memory,
      open: needsEngine,
      removeTurns: needsEngine,
      conversations: needsEngine,
      find: needsEngine,
      conversationsAt: needsEngine,
      followPlaceTtl: needsEngine,
      erase: needsEngine,
      export: needsEngine,
    },
    stats: {
      async stats() {
        reach();
        const server = {
          store: 'redis',
          version: '7.0.15',
          usedMemoryBytes: 1_048_576,
          usedMemoryHuman: '1.00M',
        } as const;
        const messages = [...conversations.values()].reduce(
          (sum, conversation) => sum + conversation.messages.length,
          0,
        );
        return {
          conversations: conversations.size,
          messages,
          turnsToday: 0,
          tokensToday: 0,
          pending: 0,
          server: { ...server, connectedClients: 3 },
        };
      },
      conversationStats: needsEngine,
    },
    commands: {
      catalogue: [],
      // Nothing is a command here.
      readText: () => undefined,
      readArguments: needsEngine,
      readOptions: needsEngine,
      readAction: needsEngine,
      readMessage: needsEngine,
      openPrivately: needsEngine,
      async limit() {
        return bot.limited;
      },
      run: needsEngine,
    },
    stop: needsEngine,
    seen: needsEngine,
    amended: needsEngine,
    remembers: needsEngine,
    waiting: needsEngine,
    locate: needsEngine,
    flags: { set: needsEngine, has: needsEngine, drop: needsEngine, ofPerson: needsEngine },
    facts,
  };
  return bot;
}
