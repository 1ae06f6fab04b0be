/** All tables of the driver, and what takes several of them. */
import { parseSessionId, personOf, type SessionId } from '../../core/session.ts';
import type { Erased, TurnSelector } from '../../core/store.ts';
import type { IncomingMessage } from '../../core/types.ts';
import { type ConversationTable, createConversationTable } from './conversations.ts';
import type { SqliteDatabase } from './database.ts';
import { createFactTable, type FactTable } from './facts.ts';
import { createFlagTable, type FlagTable } from './flags.ts';
import { createInboxTable, type InboxTable } from './inbox.ts';
import { createParticipantTable, type ParticipantTable } from './participants.ts';
import { createTurnTable, type TurnTable } from './records.ts';
import { type ChoiceTable, createChoiceTable } from './ttl.ts';

export interface Tables {
  readonly turns: TurnTable;
  readonly inbox: InboxTable;
  readonly conversations: ConversationTable;
  readonly choices: ChoiceTable;
  readonly participants: ParticipantTable;
  readonly notes: FlagTable;
  readonly facts: FactTable;
}

export function createTables(db: SqliteDatabase): Tables {
  const turns = createTurnTable(db);
  return {
    turns,
    inbox: createInboxTable(db, turns),
    conversations: createConversationTable(db),
    choices: createChoiceTable(db),
    participants: createParticipantTable(db),
    notes: createFlagTable(db),
    facts: createFactTable(db),
  };
}

/** Forgets a conversation whole, what waits in it too. Nothing that was stored before is committed afterwards. */
export function forgetConversation(tables: Tables, session: SessionId, now: number): Erased {
  const { inbox, conversations, participants, notes } = tables;
  const { generation } = inbox.progress(session, now);
  const messages = conversations.living(session, now)?.messages ?? 0;
  conversations.drop(session);
  notes.removeOf(session);
  const waiting = inbox.forgetWaiting(session, () => true, now);
  inbox.keep(session, { generation: generation + 1 }, now);
  participants.dropIfOver(session);
  return { conversations: messages + waiting > 0 ? 1 : 0, messages, waiting, facts: 0 };
}

/** Removes the turns that match, waiting ones too. */
export function removeMatching(tables: Tables, session: SessionId, selector: TurnSelector, now: number): Erased {
  const { inbox, conversations, participants, notes } = tables;
  const matches = (source: string, authorId: string) =>
    'source' in selector ? source === selector.source : authorId === selector.authorId;
  const living = conversations.living(session, now) !== undefined;
  const messages = living ? conversations.remove(session, selector) : 0;
  // What is over and not swept yet would leave its text for a moment.
  if (!living) conversations.drop(session);
  const waiting = inbox.forgetWaiting(session, ({ id, author }: IncomingMessage) => matches(id, author.id), now);
  if ('authorId' in selector) participants.remove(personOf(session, selector.authorId), session);
  if (conversations.living(session, now) === undefined && !inbox.anyWaits(session, now)) notes.removeOf(session);
  participants.dropIfOver(session);
  return { conversations: messages + waiting > 0 ? 1 : 0, messages, waiting, facts: 0 };
}

/** True where only this person speaks: the conversation carries their name. */
export function isOwn(session: SessionId, user: string): boolean {
  return parseSessionId(session).user === user;
}
