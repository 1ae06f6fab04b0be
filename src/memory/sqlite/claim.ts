/** Claims turns, and checks the state of a claimed turn. */
import { TURN_BUDGET_MS } from '../../core/limits.ts';
import { baseSession, type SessionId } from '../../core/session.ts';
import type { ClaimedTurn, ClaimResult, LeaseState, Turns } from '../../core/store.ts';
import type { Token, TurnLease } from '../../core/types.ts';
import { readable } from '../elements.ts';
import type { SqliteContext } from './context.ts';
import { newTurn, type StoredTurn, toRecord } from './records.ts';
import type { Tables } from './tables.ts';

/** The record of a turn that this lease owns, even if it is finished. */
export function held({ turns }: Tables, { sessionId, turnId, token }: TurnLease, now: number): StoredTurn | undefined {
  const record = turns.get(sessionId, turnId, now);
  return record?.owner === token ? record : undefined;
}

/** Saves the record, and extends the retention of everything that the turn needs. */
export function save(
  { turns, inbox }: Tables,
  { sessionId, turnId }: TurnLease,
  record: StoredTurn,
  now: number,
): void {
  turns.put(sessionId, turnId, record, now);
  inbox.keep(sessionId, inbox.progress(sessionId, now), now);
}

/** The owner of the first message that is neither finished nor corrupt; removes those before it. Undefined if nothing waits. */
export function headOf(
  context: SqliteContext,
  { inbox, turns }: Tables,
  sessionId: SessionId,
  now: number,
): { readonly owner: Token | undefined } | undefined {
  let bad = 0;
  try {
    for (;;) {
      const head = inbox.head(sessionId, now);
      if (head === undefined) return undefined;
      const { seq, message } = head;
      const readable = message !== undefined && message.sessionId === sessionId;
      const record = readable ? turns.get(sessionId, message.turnId, now) : undefined;
      if (readable && record?.state !== 'finished') return { owner: record?.owner };
      if (!readable) bad += 1;
      inbox.remove(seq);
      context.textDeleted('soon');
    }
  } finally {
    context.bad(sessionId, bad);
  }
}

/** Makes the token the owner of the head's turn, if it has the expected owner. Call it within a transaction. */
export function claimHead(
  context: SqliteContext,
  tables: Tables,
  sessionId: SessionId,
  token: Token,
  expected: Token | undefined,
  now: number,
): ClaimResult {
  const { inbox, turns, participants } = tables;
  const found = headOf(context, tables, sessionId, now);
  const message = found && inbox.head(sessionId, now)?.message;
  if (found === undefined || message === undefined) {
    inbox.clear(sessionId);
    participants.dropIfOver(sessionId);
    return { kind: 'empty' };
  }
  if (found.owner !== token && found.owner !== expected) return { kind: 'owned', owner: found.owner };
  const lease = { sessionId, turnId: message.turnId, token };
  const before = turns.get(sessionId, message.turnId, now) ?? newTurn(inbox.progress(sessionId, now).generation);
  const record: StoredTurn =
    found.owner === token
      ? before
      : {
          ...before,
          owner: token,
          state: before.state === 'queued' ? 'running' : before.state,
          attempt: before.attempt + 1,
          takeovers: before.takeovers + (before.state === 'running' ? 1 : 0),
          startedAt: before.startedAt === 0 ? now : before.startedAt,
        };
  save(tables, lease, record, now);
  if (record.state === 'running') prolong(context, tables, sessionId, now);
  const turn: ClaimedTurn = {
    ...{ lease, record: toRecord(record), message, followers: [] },
    ...newest(context, tables, sessionId, now),
    facts: tables.facts.kept(baseSession(sessionId), now),
  };
  return { kind: 'claimed', turn };
}

function prolong({ options }: SqliteContext, { conversations }: Tables, sessionId: SessionId, now: number): void {
  const until = now + (options.turnBudgetMs ?? TURN_BUDGET_MS);
  const living = conversations.living(sessionId, now);
  if (living !== undefined && living.expiresAt < until) conversations.expireAt(sessionId, until, options.maxTtl);
}

function newest(context: SqliteContext, { conversations }: Tables, sessionId: SessionId, now: number) {
  const { window, maxMessages, maxTtl } = context.options;
  const living = conversations.living(sessionId, now);
  if (living === undefined) return { messages: [], total: 0 };
  const elements = conversations.elements(sessionId, window ?? maxMessages, 0);
  const { messages, corrupt } = readable(elements, { now, maxTtl });
  context.bad(sessionId, corrupt);
  return { messages, total: living.messages };
}

export function createClaiming(context: SqliteContext, tables: Tables): Pick<Turns, 'claim' | 'check' | 'record'> {
  const { read, write } = context;
  const { turns } = tables;

  return {
    claim: (sessionId, token, expected) =>
      write('claim', (now) => claimHead(context, tables, sessionId, token, expected, now)),

    check: (lease) =>
      read('check', (now) => {
        const record = held(tables, lease, now);
        return { state: stateOf(record), followers: [] };
      }),

    record: (sessionId, turnId) =>
      read('record', (now) => {
        const record = turns.get(sessionId, turnId, now);
        return record === undefined ? undefined : toRecord(record);
      }),
  };
}

function stateOf(record: StoredTurn | undefined): LeaseState {
  if (record === undefined || record.state === 'finished') return 'lost';
  if (record.state === 'forgotten') return 'forgotten';
  return record.stopRequested ? 'stopped' : 'held';
}
