/** The inbox of a conversation, and what must outlive it: its generation and its pending mark. */
import { z } from 'zod';
import type { SessionId } from '../../core/session.ts';
import type { DueConversation } from '../../core/store.ts';
import type { IncomingMessage } from '../../core/types.ts';
import { parseJson, parseStoredMessage, parseStoredSession } from '../elements.ts';
import { KEEP_MS, KEEP_PROGRESS_MS } from './context.ts';
import type { SqliteDatabase } from './database.ts';
import { forgotten, isOpen, newTurn, type TurnTable } from './records.ts';

export interface Entry {
  readonly seq: number;
  /** Undefined when the element cannot be read. */
  readonly message: IncomingMessage | undefined;
}

export interface Progress {
  readonly generation: number;
}

export interface InboxTable {
  progress(session: SessionId, now: number): Progress;
  /** Saves the progress, and extends the retention of both it and the inbox. */
  keep(session: SessionId, progress: Progress, now: number): void;
  /** The waiting messages, the head first. */
  entries(session: SessionId, now: number): Entry[];
  head(session: SessionId, now: number): Entry | undefined;
  count(session: SessionId, now: number): number;
  /** Whether a message waits that was not forgotten. */
  anyWaits(session: SessionId, now: number): boolean;
  /** Appends a message and marks the conversation as pending. The progress must have been saved before. */
  push(message: IncomingMessage, now: number): void;
  replace(seq: number, message: IncomingMessage): void;
  remove(seq: number): void;
  /** Clears the pending mark and the rest of an expired inbox. */
  clear(session: string): void;
  /** Marks a known conversation as pending, to be scanned in 4 s; if it is marked already, a microsecond earlier. */
  markPending(session: string, now: number): void;
  /** Clears the pending mark if it is still this one. */
  clearPending(due: DueConversation): void;
  /** Up to `limit` conversations to scan now. Each is due again in 2 s. */
  takeDue(limit: number, now: number): DueConversation[];
  /** Makes all pending conversations due. */
  allDue(now: number): void;
  countPending(now: number): number;
  /** Conversations whose inboxes have expired, as stored: includes malformed session ids. */
  overdue(now: number, limit: number): string[];
  deleteExpiredProgress(now: number): number;
  /** Removes the text of matching messages, which then end as `forgotten`. Returns how many of them were unanswered. */
  forgetWaiting(session: SessionId, matches: (message: IncomingMessage) => boolean, now: number): number;
}

const progressRow = z.object({ generation: z.number() });
const countRow = z.object({ count: z.number() });
const sessionRow = z.object({ session: z.string() });
const entryRow = z
  .object({ seq: z.number(), element: z.string() })
  .transform((row): Entry => ({ seq: row.seq, message: parseStoredMessage(parseJson(row.element)) }));
/** Milliseconds until a newly stored message is scanned. */
const PENDING_MS = 4_000;
/** Milliseconds until it is scanned again. */
const RESCAN_MS = 2_000;
/** A mark further in the future than this comes from a clock that was set back. */
const FAR_MS = 5_000;

const KEPT = 'EXISTS (SELECT 1 FROM progress WHERE progress.session = inbox.session AND inbox_expires_at > ?)';

export function createInboxTable(db: SqliteDatabase, turns: TurnTable): InboxTable {
  const selectProgress = db.query('SELECT generation FROM progress WHERE session = ? AND expires_at > ?', progressRow);
  const putProgress = db.change(
    `INSERT INTO progress (session, generation, inbox_expires_at, expires_at) VALUES (?, ?, ?, ?)
     ON CONFLICT (session) DO UPDATE SET generation = excluded.generation, inbox_expires_at = excluded.inbox_expires_at, expires_at = excluded.expires_at`,
  );
  const selectEntries = db.query(
    `SELECT seq, element FROM inbox WHERE session = ? AND ${KEPT} ORDER BY seq LIMIT ?`,
    entryRow,
  );
  const countEntries = db.query(`SELECT count(*) AS count FROM inbox WHERE session = ? AND ${KEPT}`, countRow);
  const insert = db.change('INSERT INTO inbox (session, element) VALUES (?, ?)');
  const update = db.change('UPDATE inbox SET element = ? WHERE seq = ?');
  const remove = db.change('DELETE FROM inbox WHERE seq = ?');
  const removeAll = db.change('DELETE FROM inbox WHERE session = ?');
  const markPending = db.change(
    'UPDATE progress SET due_us = CASE WHEN due_us IS NULL THEN ?1 ELSE due_us - 1 END WHERE session = ?2',
  );
  const clearPending = db.change('UPDATE progress SET due_us = NULL WHERE session = ?');
  const clearMark = db.change('UPDATE progress SET due_us = NULL WHERE session = ? AND due_us = ?');
  const selectDue = db.query(
    `SELECT session FROM progress WHERE (due_us <= ?1 OR due_us > ?2) AND inbox_expires_at > ?3 ORDER BY due_us LIMIT ?4`,
    sessionRow,
  );
  const setDue = db.change('UPDATE progress SET due_us = ? WHERE session = ?');
  const makeAllDue = db.change('UPDATE progress SET due_us = min(due_us, ?) WHERE due_us IS NOT NULL');
  const countAllPending = db.query(
    'SELECT count(*) AS count FROM progress WHERE due_us IS NOT NULL AND inbox_expires_at > ?',
    countRow,
  );
  const selectOverdue = db.query(
    'SELECT session FROM progress WHERE due_us IS NOT NULL AND inbox_expires_at <= ? LIMIT ?',
    sessionRow,
  );
  const expireProgress = db.change('DELETE FROM progress WHERE expires_at <= ? AND due_us IS NULL');

  const progress = (session: SessionId, now: number): Progress => selectProgress.one(session, now) ?? { generation: 0 };
  const entries = (session: SessionId, now: number) => selectEntries.all(session, now, -1);
  const replace = (seq: number, message: IncomingMessage) => void update(JSON.stringify(message), seq);

  return {
    entries,
    replace,
    progress,
    keep(session, { generation }, now) {
      putProgress(session, generation, now + KEEP_MS, now + KEEP_PROGRESS_MS);
    },
    head: (session, now) => selectEntries.one(session, now, 1),
    count: (session, now) => countEntries.one(session, now)?.count ?? 0,
    anyWaits: (session, now) =>
      entries(session, now).some(({ message }) => message !== undefined && !isTombstone(message)),
    push(message, now) {
      insert(message.sessionId, JSON.stringify(message));
      markPending((now + PENDING_MS) * 1_000, message.sessionId);
    },
    remove: (seq) => void remove(seq),
    clear(session) {
      clearPending(session);
      removeAll(session);
    },
    markPending: (session, now) => void markPending((now + PENDING_MS) * 1_000, session),
    clearPending: ({ sessionId, mark: due }) => void clearMark(sessionId, Number(due)),
    takeDue(limit, now) {
      const due = String((now + RESCAN_MS) * 1_000);
      return selectDue.all(now * 1_000, (now + FAR_MS) * 1_000, now, limit).flatMap(({ session }) => {
        setDue(Number(due), session);
        const sessionId = parseStoredSession(session);
        if (sessionId !== undefined) return { sessionId, mark: due };
        // A malformed session id would come up in every scan.
        clearPending(session);
        return [];
      });
    },
    allDue: (now) => void makeAllDue(now * 1_000),
    countPending: (now) => countAllPending.one(now)?.count ?? 0,
    overdue: (now, limit) => selectOverdue.all(now, limit).map(({ session }) => session),
    deleteExpiredProgress: (now) => expireProgress(now),
    forgetWaiting(session, matches, now) {
      const { generation } = progress(session, now);
      let unanswered = 0;
      for (const { seq, message } of entries(session, now)) {
        if (message === undefined) {
          // Nobody can ever answer it, and its text may be the one that must go. a claim drops it.
          update('', seq);
          continue;
        }
        if (!matches(message)) continue;
        replace(seq, tombstone(message));
        const record = turns.get(session, message.turnId, now) ?? newTurn(generation);
        if (isOpen(record)) unanswered += 1;
        turns.put(session, message.turnId, forgotten(record), now);
      }
      return unanswered;
    },
  };
}

/** What is left of a message that was forgotten or withdrawn: where its reply goes, and nothing that anybody wrote. */
export function tombstone(message: IncomingMessage): IncomingMessage {
  const { quotes, attachments, ...rest } = message;
  return { ...rest, text: '', author: { id: message.author.id, name: '' } };
}

function isTombstone({ text, author, attachments }: IncomingMessage): boolean {
  return text === '' && author.name === '' && attachments === undefined;
}
