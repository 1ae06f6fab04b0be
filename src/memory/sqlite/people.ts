/** Everything of one person, of one workspace, of one place. */

import { z } from 'zod';
import {
  type Area,
  encodePerson,
  encodePlace,
  encodeTeam,
  type Person,
  parseSessionId,
  placeTag,
  type SessionId,
  type Team,
} from '../../core/session.ts';
import type { ConversationSummary, Erased, ExportedConversation, Memory } from '../../core/store.ts';
import { parseStoredSession, readable } from '../elements.ts';
import type { SqliteContext } from './context.ts';
import { afterPrefix } from './conversations.ts';
import { SOURCE } from './schema.ts';
import { forgetConversation, isOwn, removeMatching, type Tables } from './tables.ts';

export type PeopleMemory = Pick<Memory, 'conversations' | 'conversationsAt' | 'find' | 'erase' | 'export'>;

const sessionRow = z.object({ session: z.string() }).transform((row) => parseStoredSession(row.session));

export function createPeopleMemory(context: SqliteContext, tables: Tables): PeopleMemory {
  const { db, read, write, textDeleted } = context;
  const { inbox, conversations, choices, participants, notes, facts } = tables;
  const selectRange = db.query(
    `SELECT session FROM conversation WHERE session >= ?1 AND session < ?2
     UNION SELECT session FROM inbox WHERE session >= ?1 AND session < ?2
     UNION SELECT session FROM choice WHERE session >= ?1 AND session < ?2
     UNION SELECT session FROM fact WHERE session >= ?1 AND session < ?2
     UNION SELECT about AS session FROM note WHERE about >= ?1 AND about < ?2`,
    sessionRow,
  );
  const selectSource = db.query(
    `SELECT session FROM conversation WHERE expires_at > ?5 AND session IN (
       SELECT session FROM message WHERE ${SOURCE} = ?3 AND session >= ?1 AND session < ?2)
     UNION SELECT session FROM inbox WHERE session >= ?1 AND session < ?2 AND instr(element, ?4) > 0`,
    sessionRow,
  );
  const messagesOf = (elements: readonly string[], now: number) =>
    readable(elements, { now, maxTtl: context.options.maxTtl }).messages;
  const withPrefix = (prefix: string): SessionId[] =>
    selectRange.all(prefix, afterPrefix(prefix)).filter((session) => session !== undefined);

  /** Conversations that may be over: those of a person, with the ones of which only a choice, a note or facts are left; or of all. */
  const sessionsOf = (whose: Person | Team | Area): SessionId[] => {
    if ('user' in whose) {
      const chosen = choices.ofPerson(encodePerson(whose));
      const told = facts.ofPerson(whose);
      return [...new Set([...participants.sessionsOf(whose), ...chosen, ...notes.ofPerson(whose), ...told])];
    }
    if (!('place' in whose)) return withPrefix(`{${encodeTeam(whose)}:`);
    const { place, thread } = whose;
    const all = withPrefix(`{${encodePlace(place)}}`);
    return thread === undefined ? all : all.filter((session) => parseSessionId(session).thread === thread);
  };

  const summary = (sessionId: SessionId, now: number): ConversationSummary | undefined => {
    const living = conversations.living(sessionId, now);
    if (living === undefined) {
      return inbox.count(sessionId, now) === 0 ? undefined : { sessionId, messages: 0, lastAt: 0, expiresInMs: 0 };
    }
    const [newest] = messagesOf(conversations.elements(sessionId, 1, 0), now);
    // Only behind an element that cannot be read the others are needed.
    const last = newest ?? messagesOf(conversations.elements(sessionId, -1, 0), now).at(-1);
    const lastAt = last?.timestamp ?? 0;
    return { sessionId, messages: living.messages, lastAt, expiresInMs: living.expiresAt - now };
  };

  const eraseOne = (session: SessionId, whose: Person | Team | Area, keepChoices: boolean, now: number): Erased => {
    if (!('user' in whose) || isOwn(session, whose.user)) {
      if (!keepChoices) choices.remove(session);
      return forgetConversation(tables, session, now);
    }
    const erased = removeMatching(tables, session, { authorId: whose.user }, now);
    // Nothing of anybody else was in it (a direct conversation): its TTL was this person's choice too.
    const over = conversations.living(session, now) === undefined && parseSessionId(session).user === undefined;
    if (over && !keepChoices) choices.remove(session);
    return erased;
  };

  return {
    conversations: (person, place) =>
      read('conversations', (now) => {
        const tag = place === undefined ? undefined : encodePlace(place);
        return participants
          .sessionsOf(person)
          .filter((session) => tag === undefined || placeTag(session) === tag)
          .flatMap((session) => summary(session, now) ?? [])
          .sort((a, b) => b.lastAt - a.lastAt);
      }),

    conversationsAt: (place) =>
      read('conversationsAt', (now) => conversations.withPrefix(`{${encodePlace(place)}}`, now)),

    find: (place, source) =>
      read('find', (now) => {
        const prefix = `{${encodePlace(place)}}`;
        const id = JSON.stringify(source);
        const found = selectSource.all(prefix, afterPrefix(prefix), id, `"id":${id}`, now);
        return found.filter((session) => session !== undefined);
      }),

    erase: (whose, { keepChoices = false, keepFacts = false } = {}) =>
      write('erase', (now) => {
        const sum = { conversations: 0, messages: 0, waiting: 0, facts: 0 };
        for (const session of sessionsOf(whose)) {
          const erased = eraseOne(session, whose, keepChoices, now);
          if ('user' in whose) participants.remove(whose, session);
          sum.conversations += erased.conversations;
          sum.messages += erased.messages;
          sum.waiting += erased.waiting;
          if (!keepFacts) sum.facts += facts.removeAll(session, now);
        }
        if (!('user' in whose)) {
          if (!('place' in whose)) notes.removeAt(whose);
          else if (whose.thread === undefined) notes.removeAt(whose.place);
        }
        textDeleted('now');
        return sum;
      }),

    export: (whose) =>
      read('export', (now) =>
        sessionsOf(whose).flatMap((sessionId): ExportedConversation[] => {
          const living = conversations.living(sessionId, now) !== undefined;
          const all = living ? messagesOf(conversations.elements(sessionId, -1, 0), now) : [];
          const messages = 'user' in whose ? all.filter((message) => message.authorId === whose.user) : all;
          const kept = facts.kept(sessionId, now);
          return messages.length + kept.length === 0 ? [] : [{ sessionId, messages, facts: kept }];
        }),
      ),
  };
}
