/** The turn protocol of a worker: everything here carries the fence of its lease and does nothing when that is old. */
import { TURN_BUDGET_MS } from '../../core/limits.ts';
import type { Answer, ClaimedTurn, CommitResult, Turns } from '../../core/store.ts';
import type { IncomingMessage, TurnLease } from '../../core/types.ts';
import { parseElement, turnHalves } from '../elements.ts';
import type { SqliteContext } from './context.ts';
import { forgotten, isOpen, newTurn, type StoredTurn, toRecord } from './records.ts';
import type { Tables } from './tables.ts';

export type Leases = Pick<
  Turns,
  | 'claim'
  | 'check'
  | 'saveMessageRef'
  | 'countFailure'
  | 'commit'
  | 'fail'
  | 'complete'
  | 'requeue'
  | 'follow'
  | 'requestStop'
  | 'record'
>;

export function createLeases(context: SqliteContext, tables: Tables): Leases {
  const { db, options, read, write, textDeleted } = context;
  const { turns, inbox, conversations, choices, participants } = tables;
  const { turnBudgetMs = TURN_BUDGET_MS } = options;
  const countDay = db.change(
    `INSERT INTO day (date, turns, tokens) VALUES (?, 1, ?)
     ON CONFLICT (date) DO UPDATE SET turns = turns + 1, tokens = tokens + excluded.tokens`,
  );

  /** The record of a turn whose lease is good. */
  const held = ({ sessionId, turnId, token }: TurnLease, now: number): StoredTurn | undefined =>
    inbox.progress(sessionId, now).fence === token ? turns.get(sessionId, turnId, now) : undefined;

  /** Saves the record, and keeps everything the turn needs from now on. */
  const save = ({ sessionId, turnId }: TurnLease, record: StoredTurn, now: number) => {
    turns.put(sessionId, turnId, record, now);
    inbox.keep(sessionId, inbox.progress(sessionId, now), now);
  };

  const remember = ({ sessionId, turnId }: TurnLease, message: IncomingMessage, answer: Answer, now: number) => {
    const { ttl } = message;
    if (ttl !== undefined && ttl >= options.minTtl) choices.set(sessionId, ttl, now);
    choices.renew(sessionId, now);
    const seconds = ttl ?? choices.get(sessionId, now) ?? options.defaultTtl;
    const turn = {
      halves: turnHalves({ ...message, sessionId, turnId }, answer),
      tokens: answer.tokens,
      expiresAt: now + seconds * 1_000,
    };
    conversations.append(sessionId, turn, options.maxMessages, now);
    countDay(new Date(now).toISOString().slice(0, 10), answer.tokens);
  };

  return {
    async claim(sessionId) {
      let bad = 0;
      const taken = await write('take', (now): ClaimedTurn | undefined => {
        for (;;) {
          const head = inbox.head(sessionId, now);
          if (head === undefined) {
            inbox.clear(sessionId);
            participants.dropIfOver(sessionId);
            return undefined;
          }
          const { seq, message } = head;
          if (message === undefined || message.sessionId !== sessionId) {
            bad += 1;
            inbox.remove(seq);
            textDeleted('soon');
            continue;
          }
          const { turnId } = message;
          const { generation, fence } = inbox.progress(sessionId, now);
          const before = turns.get(sessionId, turnId, now) ?? newTurn(generation);
          const record: StoredTurn = {
            ...before,
            state: before.state === 'queued' ? 'running' : before.state,
            attempt: before.attempt + 1,
            takeovers: before.takeovers + (before.state === 'running' ? 1 : 0),
            startedAt: before.startedAt === 0 ? now : before.startedAt,
          };
          turns.put(sessionId, turnId, record, now);
          inbox.keep(sessionId, { generation, fence: fence + 1 }, now);
          const living = record.state === 'running' ? conversations.living(sessionId, now) : undefined;
          if (living !== undefined && living.expiresAt < now + turnBudgetMs) {
            conversations.expireAt(sessionId, now + turnBudgetMs);
          }
          const elements =
            conversations.living(sessionId, now) === undefined
              ? []
              : conversations.elements(sessionId, options.window ?? options.maxMessages, 0);
          const messages = elements.map(parseElement).filter((half) => half !== undefined);
          bad += elements.length - messages.length;
          const lease = { sessionId, turnId, token: fence + 1 };
          return { lease, record: toRecord(record), message, messages, followers: [] };
        }
      });
      context.bad(sessionId, bad);
      return taken;
    },

    check: (lease) =>
      read('check', (now) => {
        const record = held(lease, now);
        const state =
          record === undefined
            ? 'lost'
            : record.state === 'forgotten'
              ? 'forgotten'
              : record.stopRequested
                ? 'stopped'
                : 'held';
        return { state, followers: [] };
      }),

    saveMessageRef: (lease, part, ref) =>
      write('saveMessageRef', (now) => {
        const record = held(lease, now);
        if (record === undefined) return false;
        const messageRefs = new Map(record.messageRefs).set(part, { ...record.messageRefs.get(part), ...ref });
        save(lease, { ...record, messageRefs }, now);
        return true;
      }),

    countFailure: (lease) =>
      write('countFailure', (now) => {
        const record = held(lease, now);
        if (record === undefined) return undefined;
        const failures = record.failures + 1;
        save(lease, { ...record, failures }, now);
        return failures;
      }),

    commit: (lease, message, answer) =>
      write('commit', (now): CommitResult => {
        const record = held(lease, now);
        if (record === undefined) return 'fenced';
        if (record.state === 'forgotten') return 'forgotten';
        if (!isOpen(record)) return 'known';
        if (record.generation !== inbox.progress(lease.sessionId, now).generation) {
          save(lease, forgotten(record), now);
          return 'forgotten';
        }
        remember(lease, message, answer, now);
        const { text, stopped, cut } = answer;
        save(
          lease,
          {
            ...{ ...record, state: 'answered', outcome: 'answered', answer: text },
            ...(stopped ? { stopped } : {}),
            ...(cut === undefined ? {} : { cut }),
          },
          now,
        );
        return 'committed';
      }),

    fail: (lease, code) =>
      write('fail', (now) => {
        const record = held(lease, now);
        if (record === undefined) return false;
        if (isOpen(record)) save(lease, { ...record, state: 'failed', outcome: 'failed', code }, now);
        return true;
      }),

    complete: (lease) =>
      write('finish', (now) => {
        const record = held(lease, now);
        if (record === undefined) return undefined;
        const { answer, ...rest } = record;
        save(lease, { ...rest, state: 'finished' }, now);
        const head = inbox.head(lease.sessionId, now);
        if (head?.message?.turnId === lease.turnId) inbox.remove(head.seq);
        // The texts of turns that failed, and of those that fell out of memory over the cap, are nowhere else any more.
        textDeleted('soon');
        const left = inbox.count(lease.sessionId, now);
        if (left === 0) {
          inbox.clear(lease.sessionId);
          participants.dropIfOver(lease.sessionId);
        }
        return left;
      }),

    requeue: (lease) =>
      write('release', (now) => {
        const record = held(lease, now);
        if (record === undefined) return false;
        if (record.state === 'running') save(lease, { ...record, state: 'queued' }, now);
        return true;
      }),

    // There is one process, and it tells its own followers by itself.
    follow: (sessionId, turnId) =>
      read('follow', (now) => {
        const record = turns.get(sessionId, turnId, now);
        return record !== undefined && record.state !== 'finished';
      }),

    requestStop: (sessionId, turnId) =>
      write('requestStop', (now) => {
        const record = turns.get(sessionId, turnId, now);
        if (record === undefined || !isOpen(record)) return false;
        turns.put(sessionId, turnId, { ...record, stopRequested: true }, now);
        return true;
      }),

    record: (sessionId, turnId) =>
      read('record', (now) => {
        const record = turns.get(sessionId, turnId, now);
        return record === undefined ? undefined : toRecord(record);
      }),
  };
}
