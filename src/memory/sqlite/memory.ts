/** What people's conversations hold: read, kept, shortened, forgotten. */
import { baseSession, type SessionId } from '../../core/session.ts';
import type { Memory, TtlState } from '../../core/store.ts';
import { BotError } from '../../errors.ts';
import { readable, withoutOver } from '../elements.ts';
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

  const retention = (now: number) => ({ now, maxTtl: options.maxTtl });
  const parse = (sessionId: SessionId, elements: readonly string[], now: number) => {
    const found = readable(elements, retention(now));
    context.bad(sessionId, found.corrupt);
    return found;
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
    open: (sessionId, limit) =>
      read('open', (now) => {
        const living = conversations.living(sessionId, now);
        const kept = facts.kept(baseSession(sessionId), now);
        if (living === undefined) return { messages: [], total: 0, facts: kept };
        const { messages } = parse(sessionId, conversations.elements(sessionId, limit, 0), now);
        return { messages, total: living.messages, facts: kept };
      }),

    history: (sessionId, { offset = 0, limit = ALL } = {}) =>
      read('history', (now) => {
        const living = conversations.living(sessionId, now);
        if (living === undefined) return undefined;
        const expiresInMs = living.expiresAt - now;
        const oldest = conversations.oldest(sessionId);
        if (oldest !== undefined && withoutOver([oldest], retention(now)).length === 1) {
          const elements = conversations.elements(sessionId, limit, offset);
          return { ...parse(sessionId, elements, now), total: living.messages, expiresInMs };
        }
        // Nobody has said anything since something was over: the rest of it is counted.
        const left = withoutOver(conversations.elements(sessionId, ALL, 0), retention(now));
        if (left.length === 0) return undefined;
        const end = Math.max(0, left.length - offset);
        const elements = left.slice(limit === ALL ? 0 : Math.max(0, end - limit), end);
        return { ...parse(sessionId, elements, now), total: left.length, expiresInMs };
      }),

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
        conversations.expireAt(sessionId, now + state(sessionId, now).effective * 1_000, options.maxTtl);
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
        if (conversations.living(sessionId, now) !== undefined)
          conversations.expireAt(sessionId, now + next * 1_000, options.maxTtl);
        return state(sessionId, now);
      }),
  };
}
