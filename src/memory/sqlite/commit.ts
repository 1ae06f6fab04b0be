/** The writes of a worker that runs a turn. Each carries the token and does nothing if another token owns the turn. */
import type { Answer, CommitResult, Turns } from '../../core/store.ts';
import type { IncomingMessage, TurnLease } from '../../core/types.ts';
import { countsFrom, turnHalves, withEdit } from '../elements.ts';
import { held, save } from './claim.ts';
import type { SqliteContext } from './context.ts';
import { forgotten, isOpen } from './records.ts';
import type { Tables } from './tables.ts';

export type Committing = Pick<Turns, 'saveMessageRef' | 'countFailure' | 'commit' | 'fail' | 'requeue'>;

export function createCommitting(context: SqliteContext, tables: Tables): Committing {
  const { db, options, write } = context;
  const { inbox, conversations, choices } = tables;
  const countDay = db.change(
    `INSERT INTO day (date, turns, tokens) VALUES (?, 1, ?)
     ON CONFLICT (date) DO UPDATE SET turns = turns + 1, tokens = tokens + excluded.tokens`,
  );

  const remember = (lease: TurnLease, asked: IncomingMessage, answer: Answer, now: number) => {
    const { sessionId, turnId } = lease;
    const { ttl } = asked;
    const head = inbox.head(sessionId, now)?.message;
    const unedited = { message: asked, tokens: answer.tokens };
    // It may have been edited while it was answered.
    const { message, tokens } = head?.turnId === turnId ? withEdit(unedited, head, head.editedAt) : unedited;
    if (ttl !== undefined && ttl >= options.minTtl) choices.set(sessionId, ttl, now);
    choices.renew(sessionId, now);
    const seconds = ttl ?? choices.get(sessionId, now) ?? options.defaultTtl;
    const { maxMessages, maxBytes = Number.POSITIVE_INFINITY, maxTtl } = options;
    const retention = { now, maxTtl };
    const halves = turnHalves({ ...message, sessionId, turnId }, answer, retention);
    // Then the turn has expired, and with it all earlier turns.
    const over = countsFrom(halves[0]) + maxTtl * 1_000;
    const turn = { halves, tokens, expiresAt: Math.min(now + seconds * 1_000, over) };
    conversations.append(sessionId, turn, { messages: maxMessages, bytes: maxBytes, retention });
    countDay(new Date(now).toISOString().slice(0, 10), tokens);
  };

  return {
    saveMessageRef: (lease, part, ref) =>
      write('saveMessageRef', (now) => {
        const record = held(tables, lease, now);
        if (record === undefined) return false;
        const messageRefs = new Map(record.messageRefs).set(part, { ...record.messageRefs.get(part), ...ref });
        save(tables, lease, { ...record, messageRefs }, now);
        return true;
      }),

    countFailure: (lease) =>
      write('countFailure', (now) => {
        const record = held(tables, lease, now);
        if (record === undefined) return undefined;
        const failures = record.failures + 1;
        save(tables, lease, { ...record, failures }, now);
        return failures;
      }),

    commit: (lease, message, answer) =>
      write('commit', (now): CommitResult => {
        const record = held(tables, lease, now);
        if (record === undefined) return 'fenced';
        if (record.state === 'forgotten') return 'forgotten';
        if (!isOpen(record)) return 'known';
        if (record.generation !== inbox.progress(lease.sessionId, now).generation) {
          save(tables, lease, forgotten(record), now);
          return 'forgotten';
        }
        remember(lease, message, answer, now);
        const { text, stopped, cut, unread = [] } = answer;
        const answered = { ...record, state: 'answered', outcome: 'answered', answer: text } as const;
        const ended = {
          ...(stopped ? { stopped } : {}),
          ...(cut === undefined ? {} : { cut }),
          ...(unread.length === 0 ? {} : { unread }),
        };
        save(tables, lease, { ...answered, ...ended }, now);
        return 'committed';
      }),

    fail: (lease, code) =>
      write('fail', (now) => {
        const record = held(tables, lease, now);
        if (record === undefined) return false;
        if (isOpen(record)) save(tables, lease, { ...record, state: 'failed', outcome: 'failed', code }, now);
        return true;
      }),

    requeue: (lease) =>
      write('requeue', (now) => {
        const record = held(tables, lease, now);
        if (record === undefined) return false;
        const { owner, ...rest } = record;
        save(tables, lease, { ...rest, state: rest.state === 'running' ? 'queued' : rest.state }, now);
        return true;
      }),
  };
}
