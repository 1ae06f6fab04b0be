/** What people's conversations hold: read, kept, shortened, forgotten. */
import { baseSession, type SessionId } from '../../core/session.ts';
import type { Memory, TtlState } from '../../core/store.ts';
import type { ChatMessage } from '../../core/types.ts';
import { BotError } from '../../errors.ts';
import { parseElement } from '../elements.ts';
import type { SqliteContext } from './context.ts';
import { forgetConversation, removeMatching, type Tables } from './tables.ts';

export type SessionMemory = Pick<
  Memory,
  'open' | 'history' | 'forget' | 'ttl' | 'setTtl' | 'followPlaceTtl' | 'removeTurns'
>;

/** A limit that is none. */
const ALL = -1;

export function createSessionMemory(context: SqliteContext, tables: Tables): SessionMemory {
  const { options, read, write, textDeleted } = context;
  const { conversations, choices, facts } = tables;

  const parse = (sessionId: SessionId, elements: readonly string[]) => {
    const messages = elements.flatMap((element): ChatMessage[] => {
      const message = parseElement(element);
      return message === undefined ? [] : [message];
    });
    const corrupt = elements.length - messages.length;
    context.bad(sessionId, corrupt);
    return { messages, corrupt };
  };

  const state = (sessionId: SessionId, now: number): TtlState => {
    const choice = choices.get(sessionId, now);
    const living = conversations.living(sessionId, now);
    return {
      ...(choice === undefined ? {} : { choice }),
      effective: choice ?? options.defaultTtl,
      ...(living === undefined ? {} : { expiresInMs: living.expiresAt - now }),
    };
  };

  return {
    async open(sessionId, limit) {
      const { elements, total, kept } = await read('open', (now) => {
        const living = conversations.living(sessionId, now);
        const kept = facts.kept(baseSession(sessionId), now);
        if (living === undefined) return { elements: [], total: 0, kept };
        return { elements: conversations.elements(sessionId, limit, 0), total: living.messages, kept };
      });
      return { messages: parse(sessionId, elements).messages, total, facts: kept };
    },

    async history(sessionId, { offset = 0, limit = ALL } = {}) {
      const found = await read('history', (now) => {
        const living = conversations.living(sessionId, now);
        if (living === undefined) return undefined;
        const elements = conversations.elements(sessionId, limit, offset);
        return { elements, total: living.messages, expiresInMs: living.expiresAt - now };
      });
      if (found === undefined) return undefined;
      const { elements, ...rest } = found;
      return { ...parse(sessionId, elements), ...rest };
    },

    forget: (sessionId) =>
      write('forget', (now) => {
        textDeleted('now');
        return forgetConversation(tables, sessionId, now);
      }),

    removeTurns: (sessionId, selector) =>
      write('removeTurns', (now) => {
        const erased = removeMatching(tables, sessionId, selector, now);
        textDeleted('now');
        return erased;
      }),

    ttl: (sessionId) => read('ttl', (now) => state(sessionId, now)),

    followPlaceTtl: (sessionId) =>
      write('followPlaceTtl', (now) => {
        if (choices.own(sessionId, now) !== undefined || conversations.living(sessionId, now) === undefined)
          return false;
        conversations.expireAt(sessionId, now + state(sessionId, now).effective * 1_000);
        return true;
      }),

    setTtl: (sessionId, seconds, { remember = true } = {}) =>
      write('setTtl', (now) => {
        if (seconds !== undefined && !(Number.isInteger(seconds) && seconds >= 1 && seconds <= options.maxTtl)) {
          throw new BotError(
            'ttl_out_of_bounds',
            `A TTL is a whole number of seconds from 1 to ${options.maxTtl}, not ${seconds}.`,
          );
        }
        if (remember && seconds === undefined) choices.remove(sessionId);
        if (remember && seconds !== undefined) choices.set(sessionId, seconds, now);
        const next = seconds ?? state(sessionId, now).effective;
        if (conversations.living(sessionId, now) !== undefined) conversations.expireAt(sessionId, now + next * 1_000);
        return state(sessionId, now);
      }),
  };
}
