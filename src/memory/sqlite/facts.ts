/** Facts in the embedded store. */
import { z } from 'zod';
import {
  type Fact,
  type Facts,
  inOrder,
  isFactId,
  MAX_FACTS,
  MAX_PROPOSALS,
  type NewFact,
  PROPOSAL_MS,
} from '../../core/facts.ts';
import { encodePerson, type Person, type SessionId } from '../../core/session.ts';
import { parseJson, parseStoredSession } from '../elements.ts';
import type { SqliteContext } from './context.ts';
import type { SqliteDatabase } from './database.ts';

/** A row of the table; `person` is encoded. */
interface StoredFact extends Fact {
  readonly person: string;
  readonly proposed: boolean;
}

export interface FactTable {
  /** What has not expired, proposed facts too, oldest first. */
  all(session: SessionId, now: number): readonly StoredFact[];
  /** As {@link Facts.list}. */
  kept(session: SessionId, now: number): readonly Fact[];
  put(session: SessionId, fact: StoredFact): void;
  remove(session: SessionId, id: string): void;
  /** Removes proposed ones too; gives how many were kept. */
  removeAll(session: SessionId, now: number): number;
  /** The conversations in which this person has facts. */
  ofPerson(person: Person): SessionId[];
  deleteExpired(now: number): number;
}

const text = z.string();
/** Undefined when the fact cannot be read: one that is broken must not hide the others. */
const factRow = z
  .object({
    ...{ id: z.string(), person: z.string(), text: z.string() },
    ...{ said_at: z.number(), proposed: z.number(), expires_at: z.number() },
  })
  .transform((row): StoredFact | undefined => {
    const words = text.safeParse(parseJson(row.text)).data;
    if (words === undefined) return undefined;
    const { id, person, said_at: saidAt, expires_at: expiresAt } = row;
    return { id, text: words, saidAt, expiresAt, person, proposed: row.proposed === 1 };
  });
const sessionRow = z.object({ session: z.string() }).transform((row) => parseStoredSession(row.session));

export function createFactTable(db: SqliteDatabase): FactTable {
  const select = db.query(
    'SELECT id, person, text, said_at, proposed, expires_at FROM fact WHERE session = ? AND expires_at > ?',
    factRow,
  );
  const upsert = db.change(
    'INSERT OR REPLACE INTO fact (session, id, person, text, said_at, proposed, expires_at) VALUES (?, ?, ?, ?, ?, ?, ?)',
  );
  const remove = db.change('DELETE FROM fact WHERE session = ? AND id = ?');
  const removeAll = db.change('DELETE FROM fact WHERE session = ?');
  const selectPerson = db.query('SELECT DISTINCT session FROM fact WHERE person = ?', sessionRow);
  const expire = db.change('DELETE FROM fact WHERE expires_at <= ?');

  const all = (session: SessionId, now: number) =>
    select
      .all(session, now)
      .filter((fact) => fact !== undefined)
      .toSorted((a, b) => a.expiresAt - b.expiresAt);
  const kept = (session: SessionId, now: number) =>
    inOrder(all(session, now).flatMap((fact) => (fact.proposed ? [] : [plain(fact)])));

  return {
    all,
    kept,
    put(session, { id, person, text: words, saidAt, proposed, expiresAt }) {
      upsert(session, id, person, JSON.stringify(words), saidAt, proposed ? 1 : 0, expiresAt);
    },
    remove: (session, id) => void remove(session, id),
    removeAll(session, now) {
      const { length } = kept(session, now);
      removeAll(session);
      return length;
    },
    ofPerson: (person) => selectPerson.all(encodePerson(person)).filter((session) => session !== undefined),
    deleteExpired: (now) => expire(now),
  };
}

export function createSqliteFacts({ options, read, write, textDeleted }: SqliteContext, table: FactTable): Facts {
  const lifeMs = options.factsTtl * 1_000;

  /** Keeps a fact, which may have been proposed before; one with the same text is kept for as long instead. */
  const keep = (base: SessionId, fact: StoredFact, now: number) => {
    const kept = table.all(base, now).filter(({ proposed }) => !proposed);
    const same = kept.find(({ id, text }) => id === fact.id || text === fact.text);
    if (same === undefined) {
      if (kept.length >= MAX_FACTS) return { kind: 'full', max: MAX_FACTS } as const;
      table.put(base, { ...fact, proposed: false });
      return { kind: 'kept', fact: plain(fact) } as const;
    }
    const { saidAt, expiresAt } = fact.expiresAt > same.expiresAt ? fact : same;
    const renewed = { ...same, saidAt, expiresAt };
    table.put(base, renewed);
    return { kind: 'known', fact: plain(renewed) } as const;
  };

  const propose = (base: SessionId, fact: StoredFact, now: number) => {
    const all = table.all(base, now);
    const kept = all.filter(({ proposed }) => !proposed);
    if (kept.some(({ id, text }) => id === fact.id || text === fact.text)) return keep(base, fact, now);
    if (kept.length >= MAX_FACTS) return { kind: 'full', max: MAX_FACTS } as const;
    const proposed = all.filter(({ id, proposed }) => proposed && id !== fact.id);
    const tooMany = proposed.slice(0, Math.max(0, proposed.length + 1 - MAX_PROPOSALS));
    for (const { id } of tooMany) table.remove(base, id);
    if (tooMany.length > 0) textDeleted('now');
    table.put(base, { ...fact, proposed: true, expiresAt: now + PROPOSAL_MS });
    return { kind: 'kept', fact: plain(fact) } as const;
  };

  const created = ({ id, text, saidAt }: NewFact, person: Person, now: number): StoredFact => {
    if (!isFactId(id)) throw new Error(`Not the id of a fact: ${id}`);
    const said = Math.min(saidAt, now);
    return { id, text, saidAt: said, expiresAt: said + lifeMs, person: encodePerson(person), proposed: false };
  };

  return {
    keep: (base, person, fact) => write('keepFact', (now) => keep(base, created(fact, person, now), now)),
    propose: (base, person, fact) => write('proposeFact', (now) => propose(base, created(fact, person, now), now)),
    confirm: (base, id) =>
      write('confirmFact', (now) => {
        const found = table.all(base, now).find((fact) => fact.id === id);
        if (found === undefined) return { kind: 'unknown' } as const;
        const fact = found.proposed ? { ...found, expiresAt: found.saidAt + lifeMs } : found;
        const result = keep(base, fact, now);
        if (result.kind === 'known' && result.fact.id !== id) {
          table.remove(base, id);
          textDeleted('now');
        }
        return result;
      }),
    list: (base) => read('facts', (now) => table.kept(base, now)),
    remove: (base, id) =>
      write('removeFact', (now) => {
        const there = table.all(base, now).some((fact) => fact.id === id);
        table.remove(base, id);
        textDeleted('now');
        return there;
      }),
    removeAll: (base) =>
      write('removeFacts', (now) => {
        textDeleted('now');
        return table.removeAll(base, now);
      }),
  };
}

function plain({ id, text, saidAt, expiresAt }: StoredFact): Fact {
  return { id, text, saidAt, expiresAt };
}
