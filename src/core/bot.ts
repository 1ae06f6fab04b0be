/** Implements the interface for adapters: messages, commands, stop, edits. The worker sends the answers. */
import { toBotError } from '../errors.ts';
import type { Announcements } from './announcements.ts';
import type { BotPort, ChangedMessage, ReceiveResult, StoreHealth } from './bot-port.ts';
import type { Commands } from './commands.ts';
import type { CoreMessages, Logger, RateLimiter } from './ports.ts';
import { boundQuotes } from './quotes.ts';
import { encodePerson, type Place, parseSessionId, personOf, type SessionId } from './session.ts';
import type { ConversationStore, Memory, TurnRef } from './store.ts';
import type { IncomingMessage } from './types.ts';
import type { Worker } from './worker.ts';

export interface BotDeps {
  readonly store: ConversationStore;
  /** The store's memory with {@link waking}, as commands use it. */
  readonly memory: Memory;
  /** The part of a conversation that the model would be shown now. */
  readonly seen: BotPort['seen'];
  /** Stores a message and makes sure that its turn runs. */
  readonly enqueue: Worker['enqueue'];
  readonly announcements: Announcements;
  /** The name of this process for signals. */
  readonly process: string;
  readonly limiter: RateLimiter;
  /** Limits edits, by conversation. */
  readonly editLimiter: Pick<RateLimiter, 'take'>;
  readonly coreMessages: CoreMessages;
  readonly commands: Commands;
  /** Longest message of a person, in UTF-16 units. */
  readonly maxMessageLength: number;
  readonly received: (kind: ReceiveResult['kind'], platform: string) => void;
  /** See {@link BotPort.health}. */
  readonly health: () => StoreHealth;
  readonly logger: Logger;
}

/** When a person with a full inbox should try again, in milliseconds: about the duration of one answer. */
const FULL_RETRY_MS = 10_000;
/** Milliseconds for which a stored message is certainly known by its idempotency keys: they live for 24 h, and clocks may differ. */
const KNOWN_MS = 23 * 3_600_000;

export function createBot(deps: BotDeps): BotPort {
  const { store, memory, announcements, limiter, coreMessages, logger } = deps;

  const shapeRefusal = (message: IncomingMessage) =>
    lengthRefusal(message, deps.maxMessageLength, coreMessages) ?? emptyRefusal(message, coreMessages);

  const receive: BotPort['receive'] = async (message, whole) => {
    // A message may consist only of what is looked up.
    const refusal =
      whole === undefined ? shapeRefusal(message) : lengthRefusal(message, deps.maxMessageLength, coreMessages);
    if (refusal !== undefined) return refusal;
    const person = encodePerson(personOf(message.sessionId, message.author.id));
    const place = parseSessionId(message.sessionId).place;
    const allowed = await limiter.take(person);
    if (!allowed.ok) {
      // A stored message has been counted already. Its redelivery is a duplicate, whatever the limit is now.
      const known = await store.locate(place, message.idempotencyKeys);
      if (known !== undefined) {
        // Otherwise the next message would not be the first refused one, and its author would get no message.
        await limiter.giveBack(person);
        return { kind: 'duplicate', ...known };
      }
      const { retryAfterMs, first } = allowed;
      return {
        kind: 'rate_limited',
        text: coreMessages.rateLimited(retryAfterMs, message.locale),
        retryAfterMs,
        tell: first,
      };
    }
    const enqueueWhole = async () => {
      const complete = bounded((await whole?.()) ?? message);
      return shapeRefusal(complete) ?? (await deps.enqueue(complete, followerOf(complete)));
    };
    const stored = await enqueueWhole().catch(async (thrown: unknown) => {
      // The platform delivers it again: an outage must not use up its author's limit.
      await limiter.giveBack(person).catch(() => {});
      throw thrown;
    });
    switch (stored.kind) {
      case 'claimed':
        return { kind: 'queued', turnId: message.turnId, ahead: 0 };
      case 'queued':
        return { kind: 'queued', turnId: message.turnId, ahead: stored.ahead };
      case 'duplicate':
        await limiter.giveBack(person);
        return { kind: 'duplicate', sessionId: stored.sessionId, turnId: stored.turnId };
      case 'full':
        return {
          kind: 'inbox_full',
          text: coreMessages.inboxFull(stored.waiting, message.locale),
          retryAfterMs: FULL_RETRY_MS,
          tell: true,
        };
      default:
        return stored;
    }
  };

  const followerOf = ({ sessionId, turnId }: IncomingMessage) =>
    announcements.isFollowed(sessionId, turnId) ? deps.process : undefined;

  const waits = async ({ sessionId, turnId }: TurnRef) => (await store.record(sessionId, turnId))?.state === 'queued';

  /** The conversations that have a message whose idempotency keys are unknown: none for most edits and deletions. */
  const having = async (place: Place, source: string, sentAt = 0): Promise<readonly SessionId[]> =>
    Date.now() - sentAt < KNOWN_MS ? [] : await store.find(place, source);

  const edited = async (
    sessionId: SessionId,
    source: string,
    text: string,
    { editedAt = Date.now(), attachments }: ChangedMessage,
  ): Promise<void> => {
    if (!(await deps.editLimiter.take(`edit:${sessionId}`)).ok) {
      logger.debug({ session: sessionId }, 'too many edits; ignored this one');
      return;
    }
    // A text that is too long is cut to one character too many, so that the turn detects it and its author gets an error.
    const result = await store.amend(
      sessionId,
      source,
      text.slice(0, deps.maxMessageLength + 1),
      editedAt,
      attachments,
    );
    // If it is answered already, memory gets at most the maximum length.
    if (result !== 'amended' && text.length > deps.maxMessageLength) {
      await store.amend(sessionId, source, text.slice(0, deps.maxMessageLength), editedAt, attachments);
    }
  };

  return {
    async receive(message, whole) {
      const { sessionId: session, turnId: turn, platform } = message;
      try {
        const result = await receive(message, whole);
        deps.received(result.kind, platform);
        logger.debug({ session, turn, platform, kind: result.kind, length: message.text.length }, 'message received');
        return result;
      } catch (thrown) {
        const error = toBotError(thrown);
        logger.warn({ session, turn, platform, code: error.code, err: error.message }, 'message not stored');
        throw thrown;
      }
    },
    commands: deps.commands,
    async stop(sessionId, turnId) {
      if (!(await store.requestStop(sessionId, turnId))) return false;
      await announcements.wake(sessionId, turnId);
      return true;
    },
    async amended(place, source, text, about = {}) {
      const known = await store.locate(place, [source]);
      if (text === undefined && known !== undefined && (await waits(known))) return;
      const sessions = known === undefined ? await having(place, source, about.sentAt) : [known.sessionId];
      for (const sessionId of sessions) {
        if (text !== null) await edited(sessionId, source, text ?? '', about);
        else if ((await store.amend(sessionId, source, null)) === 'amended') return;
        else await memory.removeTurns(sessionId, { source });
      }
    },
    async remembers(place, source, { sentAt } = {}) {
      if ((await store.locate(place, [source])) !== undefined) return true;
      return (await having(place, source, sentAt)).length > 0;
    },
    record: (sessionId, turnId) => store.record(sessionId, turnId),
    waiting: (sessionId) => store.waiting(sessionId),
    locate: (place, idempotencyKeys) => store.locate(place, idempotencyKeys),
    async follow(sessionId, turnId, listener, stored) {
      const unfollow = announcements.follow(sessionId, turnId, listener);
      if (stored !== undefined && !announcements.runsHere(sessionId, turnId)) {
        try {
          if (await store.follow(sessionId, turnId, deps.process)) await announcements.wake(sessionId, turnId);
        } catch (thrown) {
          unfollow();
          throw thrown;
        }
      }
      return async () => unfollow();
    },
    announce: (sessionId, turnId, event) => announcements.announce(sessionId, turnId, event),
    memory,
    seen: deps.seen,
    flags: store.flags,
    facts: store.facts,
    stats: store,
    ping: () => store.ping(),
    health: deps.health,
  };
}

/** Refused permanently, with a text each time. */
const REFUSED = { retryAfterMs: 0, tell: true };

function lengthRefusal({ text, locale }: IncomingMessage, max: number, coreMessages: CoreMessages) {
  if (text.length <= max) return undefined;
  return { kind: 'too_long', text: coreMessages.tooLong(max, locale), ...REFUSED } as const;
}

function emptyRefusal({ text, attachments = [], quotes = [], locale }: IncomingMessage, coreMessages: CoreMessages) {
  // A shared or quoted message, or a file, needs no text.
  if (text.trim() !== '' || attachments.length + quotes.length > 0) return undefined;
  return { kind: 'empty', text: coreMessages.empty(locale), ...REFUSED } as const;
}

function bounded(message: IncomingMessage): IncomingMessage {
  return message.quotes === undefined ? message : { ...message, quotes: boundQuotes(message.quotes) };
}

/** A memory whose erasing operations wake the running turns, so that these stop. */
export function waking(memory: Memory, announcements: Announcements): Memory {
  return {
    ...memory,
    async forget(sessionId) {
      const erased = await memory.forget(sessionId);
      await announcements.wake(sessionId);
      return erased;
    },
    async removeTurns(sessionId, selector) {
      const erased = await memory.removeTurns(sessionId, selector);
      if (erased.waiting > 0) await announcements.wake(sessionId);
      return erased;
    },
    async erase(whose, options) {
      const erased = await memory.erase(whose, options);
      if (erased.waiting > 0) await announcements.wake();
      return erased;
    },
  };
}
