/** Converts turn records between rows and {@link TurnRecord}. */
import { z } from 'zod';
import type { SessionId } from '../../core/session.ts';
import {
  ANSWER_CUTS,
  type MessageRef,
  type Token,
  TURN_STATES,
  type TurnId,
  type TurnRecord,
} from '../../core/types.ts';
import { ERROR_CODES } from '../../errors.ts';
import { parseJson, unreadFiles } from '../elements.ts';
import { KEEP_FINISHED_MS, KEEP_MS } from './context.ts';
import type { SqliteDatabase } from './database.ts';

/** A turn record, with the conversation's generation when the message was stored, and the owner of the turn. */
export interface StoredTurn extends TurnRecord {
  readonly generation: number;
  readonly owner?: Token;
}

export interface TurnTable {
  get(session: SessionId, turn: TurnId, now: number): StoredTurn | undefined;
  /** Writes the whole record and extends its retention: an hour once it is finished. */
  put(session: SessionId, turn: TurnId, record: StoredTurn, now: number): void;
  deleteExpired(now: number): number;
}

/** The record of a new message. */
export function newTurn(generation: number): StoredTurn {
  return {
    generation,
    state: 'queued',
    attempt: 0,
    takeovers: 0,
    failures: 0,
    startedAt: 0,
    messageRefs: new Map(),
    stopRequested: false,
  };
}

/** Neither answered nor given up. */
export function isOpen({ state }: TurnRecord): boolean {
  return state === 'queued' || state === 'running';
}

/** The record of a turn whose conversation or message was forgotten. The message refs stay, so that its reply can be edited. */
export function forgotten(record: StoredTurn): StoredTurn {
  const { answer, stopped, cut, unread, code, ...rest } = record;
  return { ...rest, state: 'forgotten', outcome: 'forgotten' };
}

const handlesText = z
  .record(z.string(), z.object({ intentAt: z.number().optional(), id: z.string().optional() }))
  .catch({})
  .transform(
    (parts) => new Map(Object.entries(parts).map(([part, handle]): [number, MessageRef] => [Number(part), handle])),
  );

/** A record that this version cannot read must not block the conversation. */
const turnRow = z
  .object({
    generation: z.number(),
    // Its progress is unknown, so it is not answered again, and the person gets an error.
    state: z.enum(TURN_STATES).catch('failed'),
    attempt: z.number(),
    takeovers: z.number(),
    failures: z.number(),
    started_at: z.number(),
    stop_requested: z.number(),
    handles: z.string(),
    answer: z.string().nullable(),
    stopped: z.number(),
    cut: z.enum(ANSWER_CUTS).nullable().catch(null),
    unread: z.string().nullable(),
    outcome: z.enum(['answered', 'failed', 'forgotten']).nullable().catch(null),
    code: z.enum(ERROR_CODES).nullable().catch('internal'),
    owner: z.string().nullable(),
  })
  .transform(
    (row): StoredTurn => ({
      generation: row.generation,
      state: row.state,
      attempt: row.attempt,
      takeovers: row.takeovers,
      failures: row.failures,
      startedAt: row.started_at,
      stopRequested: row.stop_requested === 1,
      messageRefs: handlesText.parse(parseJson(row.handles)),
      ...(row.answer === null ? {} : { answer: z.string().catch('').parse(parseJson(row.answer)) }),
      ...(row.stopped === 1 ? { stopped: true } : {}),
      ...(row.cut === null ? {} : { cut: row.cut }),
      ...(row.unread === null ? {} : { unread: unreadFiles.catch([]).parse(parseJson(row.unread)) }),
      ...(row.outcome === null ? {} : { outcome: row.outcome }),
      ...(row.code === null ? {} : { code: row.code }),
      ...(row.owner === null ? {} : { owner: row.owner }),
    }),
  );

export function createTurnTable(db: SqliteDatabase): TurnTable {
  const select = db.query(
    `SELECT generation, state, attempt, takeovers, failures, started_at, stop_requested, handles, answer, stopped, cut, unread, outcome, code,
       owner
     FROM turn WHERE session = ? AND turn = ? AND expires_at > ?`,
    turnRow,
  );
  const replace = db.change(
    `INSERT OR REPLACE INTO turn (session, turn, generation, state, attempt, takeovers, failures, started_at, stop_requested,
       handles, answer, stopped, cut, unread, outcome, code, owner, expires_at)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  );
  const expire = db.change('DELETE FROM turn WHERE expires_at <= ?');
  return {
    get: (session, turn, now) => select.one(session, turn, now),
    put(session, turn, record, now) {
      replace(
        session,
        turn,
        record.generation,
        record.state,
        record.attempt,
        record.takeovers,
        record.failures,
        record.startedAt,
        record.stopRequested ? 1 : 0,
        JSON.stringify(Object.fromEntries(record.messageRefs)),
        record.answer === undefined ? null : JSON.stringify(record.answer),
        record.stopped === true ? 1 : 0,
        record.cut ?? null,
        record.unread === undefined ? null : JSON.stringify(record.unread),
        record.outcome ?? null,
        record.code ?? null,
        record.owner ?? null,
        now + (record.state === 'finished' ? KEEP_FINISHED_MS : KEEP_MS),
      );
    },
    deleteExpired: (now) => expire(now),
  };
}

/** Without the driver's internal fields. */
export function toRecord({ generation, owner, ...record }: StoredTurn): TurnRecord {
  return record;
}
