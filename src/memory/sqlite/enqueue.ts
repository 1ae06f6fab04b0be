/** Operations on messages before a worker claims them: store, locate, edit. */
import { z } from 'zod';
import { encodePlace, personOf, placeTag, type SessionId } from '../../core/session.ts';
import type { AmendResult, EnqueueResult, TurnRef, Turns } from '../../core/store.ts';
import type { IncomingMessage } from '../../core/types.ts';
import { type MessageEdit, parseStoredSession } from '../elements.ts';
import { claimHead, headOf } from './claim.ts';
import { KEEP_MS, type SqliteContext } from './context.ts';
import { type Entry, tombstone } from './inbox.ts';
import { forgotten, isOpen, newTurn } from './records.ts';
import type { Tables } from './tables.ts';

export type Enqueueing = Pick<Turns, 'enqueue' | 'follow' | 'locate' | 'requestStop' | 'waiting' | 'amend'>;

const seenRow = z.object({ session: z.string(), turn: z.string() }).transform((row): TurnRef | undefined => {
  const sessionId = parseStoredSession(row.session);
  return sessionId === undefined ? undefined : { sessionId, turnId: row.turn };
});

export function createEnqueueing(context: SqliteContext, tables: Tables): Enqueueing {
  const { db, options, read, write, textDeleted } = context;
  const { turns, inbox, participants, conversations } = tables;
  const selectSeen = db.query('SELECT session, turn FROM seen WHERE place = ? AND id = ? AND expires_at > ?', seenRow);
  const insertSeen = db.change(
    `INSERT INTO seen (place, id, session, turn, expires_at) VALUES (?1, ?2, ?3, ?4, ?5)
     ON CONFLICT (place, id) DO UPDATE SET session = ?3, turn = ?4, expires_at = ?5 WHERE expires_at <= ?6`,
  );

  const find = (place: string, idempotencyKeys: readonly string[], now: number): TurnRef | undefined => {
    for (const id of idempotencyKeys) {
      const known = selectSeen.one(place, JSON.stringify(id), now);
      if (known !== undefined) return known;
    }
    return undefined;
  };

  /** Makes unknown keys lead to this turn. */
  const remember = ({ sessionId, idempotencyKeys }: IncomingMessage, located: TurnRef, now: number) => {
    for (const id of idempotencyKeys) {
      const values = [placeTag(sessionId), JSON.stringify(id), located.sessionId, located.turnId, now + KEEP_MS, now];
      insertSeen(...values);
    }
  };

  /** `stored`: it was answered. */
  const amendEntry = (
    sessionId: SessionId,
    { seq, message }: Entry,
    { text, editedAt, attachments }: Omit<MessageEdit, 'text'> & { readonly text: string | null },
    now: number,
  ): AmendResult => {
    if (message === undefined) return 'unknown';
    const record = turns.get(sessionId, message.turnId, now) ?? newTurn(inbox.progress(sessionId, now).generation);
    if (record.state === 'forgotten') return 'unknown';
    const waits = record.state === 'queued';
    if (text === null) {
      if (!waits) return 'running';
      inbox.replace(seq, tombstone(message));
      turns.put(sessionId, message.turnId, forgotten(record), now);
    } else if (editedAt >= (message.editedAt ?? 0)) {
      inbox.replace(seq, { ...message, text, editedAt, ...(attachments === undefined ? {} : { attachments }) });
    }
    textDeleted('now');
    if (waits) return 'amended';
    return record.state === 'running' ? 'running' : 'stored';
  };

  return {
    enqueue: (message, { token } = {}) =>
      write('enqueue', (now): EnqueueResult => {
        const { sessionId, turnId, author } = message;
        const own = { sessionId, turnId };
        const recorded = turns.get(sessionId, turnId, now);
        if (token !== undefined && recorded?.owner === token) {
          const again = claimHead(context, tables, sessionId, token, token, now);
          if (again.kind === 'claimed') return again;
        }
        const known = find(placeTag(sessionId), message.idempotencyKeys, now) ?? (recorded && own);
        if (known !== undefined) {
          remember(message, known, now);
          const record = turns.get(known.sessionId, known.turnId, now);
          const unfinished = record !== undefined && record.state !== 'finished';
          if (unfinished) inbox.markPending(known.sessionId, now);
          return { kind: 'duplicate', ...known, unowned: unfinished && record.owner === undefined };
        }
        if (inbox.count(sessionId, now) === 0) inbox.clear(sessionId);
        const head = headOf(context, tables, sessionId, now);
        const ahead = inbox.count(sessionId, now);
        if (ahead >= options.maxWaiting) return { kind: 'full', waiting: ahead };
        const progress = inbox.progress(sessionId, now);
        remember(message, own, now);
        turns.put(sessionId, turnId, newTurn(progress.generation), now);
        inbox.keep(sessionId, progress, now);
        inbox.push(message, now);
        participants.add(personOf(sessionId, author.id), sessionId);
        if (head === undefined && token !== undefined) {
          const claimed = claimHead(context, tables, sessionId, token, undefined, now);
          if (claimed.kind === 'claimed') return claimed;
        }
        return { kind: 'queued', ahead, owner: head?.owner };
      }),

    // There is only one process, and its own followers need no signals.
    follow: (sessionId, turnId) =>
      read('follow', (now) => {
        const record = turns.get(sessionId, turnId, now);
        return record !== undefined && record.state !== 'finished';
      }),

    locate: (place, idempotencyKeys) => read('locate', (now) => find(encodePlace(place), idempotencyKeys, now)),

    requestStop: (sessionId, turnId) =>
      write('requestStop', (now) => {
        const record = turns.get(sessionId, turnId, now);
        if (record === undefined || !isOpen(record)) return false;
        turns.put(sessionId, turnId, { ...record, stopRequested: true }, now);
        return true;
      }),

    waiting: (sessionId) =>
      read('waiting', (now) => inbox.entries(sessionId, now).flatMap(({ message }) => message?.turnId ?? [])),

    amend: (sessionId, source, text, editedAt = Date.now(), attachments = undefined) =>
      write('amend', (now) => {
        const entry = inbox.entries(sessionId, now).find(({ message }) => message?.id === source);
        const result = entry && amendEntry(sessionId, entry, { text, editedAt, attachments }, now);
        if (result !== undefined && result !== 'stored') return result;
        const stored = text !== null && conversations.edit(sessionId, source, { text, editedAt, attachments });
        if (stored) textDeleted('now');
        return stored ? 'stored' : 'unknown';
      }),
  };
}
