/** What is remembered: the conversations and their messages, as tables. */
import { z } from 'zod';
import type { SessionId } from '../../core/session.ts';
import type { TurnSelector } from '../../core/store.ts';
import type { ChatMessage } from '../../core/types.ts';
import {
  countsFrom,
  editedElement,
  type MessageEdit,
  parseElement,
  parseStoredSession,
  serialiseElement,
} from '../elements.ts';
import type { SqliteDatabase } from './database.ts';
import { overflow, type TrimBounds } from './trim.ts';

export interface LivingConversation {
  readonly messages: number;
  readonly turns: number;
  readonly tokens: number;
  readonly createdAt: number;
  readonly expiresAt: number;
}

export interface ConversationTable {
  /** Undefined when nothing is remembered, or its time is over. */
  living(session: SessionId, now: number): LivingConversation | undefined;
  /** The elements counted from the newest, oldest first. A `limit` of -1 is none. */
  elements(session: SessionId, limit: number, offset: number): string[];
  oldest(session: SessionId): string | undefined;
  /** Adds a turn, and drops the oldest ones until the bounds hold. */
  append(session: SessionId, turn: AppendedTurn, bounds: TrimBounds): void;
  /** With its newest turn all of it is over, at the latest. */
  expireAt(session: SessionId, instant: number, maxTtl: number): void;
  /** Forgets all of it; gives the number of messages. */
  drop(session: string): number;
  /** Removes the messages that are selected; gives their number. A conversation without messages is none. */
  remove(session: SessionId, selector: TurnSelector): number;
  /**
   * Replaces the text of the person's half that came from this message, unless a newer edit did. False: it is not here.
   * @param editedAt Unix milliseconds
   */
  edit(session: SessionId, source: string, edit: MessageEdit): boolean;
  /** Living conversations whose id begins with `prefix`. */
  withPrefix(prefix: string, now: number): SessionId[];
  /** As they are stored: what is no session id has to go too. */
  overdue(now: number, limit: number): string[];
  totals(now: number): { readonly conversations: number; readonly messages: number };
  /** Bytes of the rows of one conversation, its inbox included. */
  bytes(session: SessionId): number;
}

export interface AppendedTurn {
  readonly halves: readonly ChatMessage[];
  readonly tokens: number;
  readonly expiresAt: number;
}

const conversationRow = z
  .object({
    messages: z.number(),
    turns: z.number(),
    tokens: z.number(),
    created_at: z.number(),
    expires_at: z.number(),
  })
  .transform(
    (row): LivingConversation => ({
      messages: row.messages,
      turns: row.turns,
      tokens: row.tokens,
      createdAt: row.created_at,
      expiresAt: row.expires_at,
    }),
  );
const elementRow = z.object({ id: z.number(), element: z.string() });
const sessionRow = z.object({ session: z.string() });
const totalsRow = z.object({ conversations: z.number(), messages: z.number() });
const bytesRow = z.object({ bytes: z.number() });
const countRow = z.object({ count: z.number() });
const sizeRow = z.object({ bytes: z.number().nullable(), sized: z.number().nullable() });

/** Elements that are looked at together when the oldest go: more than usually do. */
const OLDEST = 4;

export function createConversationTable(db: SqliteDatabase): ConversationTable {
  const select = db.query(
    'SELECT messages, turns, tokens, created_at, expires_at FROM conversation WHERE session = ? AND expires_at > ?',
    conversationRow,
  );
  const selectElements = db.query(
    'SELECT id, element FROM message WHERE session = ? ORDER BY id DESC LIMIT ? OFFSET ?',
    elementRow,
  );
  // Parsing a full conversation takes tens of milliseconds. Within a JSON string every quote is escaped, so that only a field can
  // match. What is not in the form that the store writes is parsed.
  const selectWithField = db.query(
    `SELECT id, element FROM message
     WHERE session = ? AND (instr(element, ?) > 0 OR substr(element, 1, 9) <> '{"role":"') ORDER BY id`,
    elementRow,
  );
  const insertMessage = db.change('INSERT INTO message (session, element) VALUES (?, ?)');
  const selectOldest = db.query(
    'SELECT id, element FROM message WHERE session = ? ORDER BY id LIMIT ? OFFSET ?',
    elementRow,
  );
  const deleteOldest = db.change(
    'DELETE FROM message WHERE session = ?1 AND id IN (SELECT id FROM message WHERE session = ?1 ORDER BY id LIMIT ?2)',
  );
  const count = db.query('SELECT count(*) AS count FROM message WHERE session = ?', countRow);
  const selectSize = db.query('SELECT bytes, sized FROM conversation WHERE session = ?', sizeRow);
  const measure = db.query(
    'SELECT coalesce(sum(octet_length(element)), 0) AS bytes FROM message WHERE session = ?',
    bytesRow,
  );
  const resize = db.change('UPDATE conversation SET messages = ?2, sized = ?2, bytes = ?3 WHERE session = ?1');
  const upsert = db.change(
    `INSERT INTO conversation (session, messages, turns, tokens, created_at, expires_at) VALUES (?, 0, 1, ?, ?, ?)
     ON CONFLICT (session) DO UPDATE
     SET turns = turns + 1, tokens = tokens + excluded.tokens, expires_at = excluded.expires_at`,
  );
  const recount = db.change(
    `UPDATE conversation SET messages = (SELECT count(*) FROM message WHERE session = ?1), bytes = NULL, sized = NULL
     WHERE session = ?1`,
  );
  const fewerTurns = db.change('UPDATE conversation SET turns = max(0, turns - ?) WHERE session = ?');
  const setExpiry = db.change('UPDATE conversation SET expires_at = ? WHERE session = ?');
  const updateMessage = db.change('UPDATE message SET element = ? WHERE id = ?');
  const edits = db.change(
    'UPDATE conversation SET tokens = max(0, tokens + ?), bytes = NULL, sized = NULL WHERE session = ?',
  );
  const deleteMessage = db.change('DELETE FROM message WHERE id = ?');
  const deleteMessages = db.change('DELETE FROM message WHERE session = ?');
  const deleteConversation = db.change('DELETE FROM conversation WHERE session = ?');
  const deleteEmpty = db.change('DELETE FROM conversation WHERE session = ? AND messages = 0');
  const selectPrefix = db.query(
    'SELECT session FROM conversation WHERE session >= ? AND session < ? AND expires_at > ?',
    sessionRow,
  );
  const selectOverdue = db.query('SELECT session FROM conversation WHERE expires_at <= ? LIMIT ?', sessionRow);
  const selectTotals = db.query(
    `SELECT count(*) AS conversations, coalesce(sum(messages), 0) AS messages FROM conversation WHERE expires_at > ?`,
    totalsRow,
  );
  const selectBytes = db.query(
    `SELECT
       (SELECT coalesce(sum(octet_length(session) + octet_length(element) + 8), 0) FROM message WHERE session = ?1)
     + (SELECT coalesce(sum(octet_length(session) + octet_length(element) + 8), 0) FROM inbox WHERE session = ?1)
     + (SELECT coalesce(sum(octet_length(session) + 40), 0) FROM conversation WHERE session = ?1)
     + (SELECT coalesce(sum(octet_length(session) + 40), 0) FROM progress WHERE session = ?1)
     + (SELECT coalesce(sum(octet_length(session) + octet_length(person)), 0) FROM participant WHERE session = ?1) AS bytes`,
    bytesRow,
  );

  const drop = (session: string): number => {
    deleteConversation(session);
    return deleteMessages(session);
  };

  const trim = (session: SessionId, added: number, bounds: TrimBounds): void => {
    const messages = count.one(session)?.count ?? 0;
    const size = selectSize.one(session);
    // Else it is counted again: an earlier version wrote to it, or something was taken out of it.
    const known = size !== undefined && size.bytes !== null && size.sized === messages - 2;
    const bytes = known ? (size.bytes ?? 0) + added : (measure.one(session)?.bytes ?? 0);
    const oldest: string[] = [];
    const at = (index: number): string => {
      if (index >= oldest.length) {
        const more = Math.max(OLDEST, index);
        oldest.push(...selectOldest.all(session, more, oldest.length).map(({ element }) => element));
      }
      return oldest[index] ?? '';
    };
    const { dropped, freed } = overflow({ messages, bytes, at }, bounds);
    if (dropped > 0) deleteOldest(session, dropped);
    resize(session, messages - dropped, bytes - freed);
  };

  return {
    drop,
    living: (session, now) => select.one(session, now),
    elements: (session, limit, offset) =>
      selectElements
        .all(session, limit, offset)
        .map((row) => row.element)
        .reverse(),
    oldest: (session) => selectOldest.one(session, 1, 0)?.element,
    append(session, { halves, tokens, expiresAt }, bounds) {
      const { now } = bounds.retention;
      // What expired and was not swept yet must not come to life again.
      if (select.one(session, now) === undefined) drop(session);
      const elements = halves.map(serialiseElement);
      for (const element of elements) insertMessage(session, element);
      upsert(session, tokens, now, expiresAt);
      trim(session, Buffer.byteLength(elements.join('')), bounds);
    },
    expireAt(session, instant, maxTtl) {
      const [newest] = selectElements.all(session, 1, 0);
      const message = newest && parseElement(newest.element);
      const over = message === undefined ? instant : countsFrom(message) + maxTtl * 1_000;
      setExpiry(Math.min(instant, over), session);
    },
    remove(session, selector) {
      const [name, value] = 'source' in selector ? ['source', selector.source] : ['authorId', selector.authorId];
      const turns = new Set<string>();
      let removed = 0;
      for (const { id, element } of selectWithField.all(session, `"${name}":${JSON.stringify(value)}`)) {
        const message = parseElement(element);
        const chosen = 'source' in selector ? message?.source : message?.authorId;
        if (message === undefined || chosen !== value) continue;
        removed += deleteMessage(id);
        turns.add(message.turn);
      }
      if (removed === 0) return 0;
      fewerTurns(turns.size, session);
      recount(session);
      deleteEmpty(session);
      return removed;
    },
    edit(session, source, edit) {
      const half = selectWithField
        .all(session, `"source":${JSON.stringify(source)}`)
        .map(({ id, element }) => ({ id, element, message: parseElement(element) }))
        .find(({ message }) => message?.source === source && message.role === 'user');
      if (half === undefined) return false;
      const edited = editedElement(half.element, edit);
      if (edited !== undefined) {
        updateMessage(edited.element, half.id);
        edits(edited.tokens, session);
      }
      return true;
    },
    withPrefix: (prefix, now) =>
      selectPrefix.all(prefix, afterPrefix(prefix), now).flatMap(({ session }) => parseStoredSession(session) ?? []),
    overdue: (now, limit) => selectOverdue.all(now, limit).map(({ session }) => session),
    totals: (now) => selectTotals.one(now) ?? { conversations: 0, messages: 0 },
    bytes: (session) => selectBytes.one(session)?.bytes ?? 0,
  };
}

/** The least text behind every one that begins with `prefix`, in the order of SQLite's indexes. Session ids are ASCII. */
export function afterPrefix(prefix: string): string {
  const last = prefix.charCodeAt(prefix.length - 1);
  return prefix.slice(0, -1) + String.fromCharCode(last + 1);
}
