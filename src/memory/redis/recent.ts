/**
 * The newest messages of the conversations that this process answered last, so that it need not read again what it has
 * just written. They are used for a turn only when Redis said at its taking that they are what is stored: as many messages
 * as were known, with the same newest one, which a commit of this process wrote and nobody writes twice. Every change from
 * elsewhere alters one of the two, since only a commit trims and what is added becomes the newest; a change while a turn runs
 * marks its record, and then nothing is kept at its commit.
 */
import type { SessionId } from '../../core/session.ts';
import type { ChatMessage, TurnLease } from '../../core/types.ts';

/** Characters of all that is kept, and what a message counts besides its text. A character takes a byte, or two where not all are Latin-1. */
const MOST_CHARACTERS = 8_388_608;
const CHARACTERS_OF_MESSAGE = 300;
/** Milliseconds without use after which a conversation is let go. */
const KEEP_RECENT_MS = 600_000;

/** What is known of a conversation. */
export interface Known {
  /** Messages in it; `messages` are the newest of them. */
  readonly total: number;
  readonly messages: readonly ChatMessage[];
  /** The newest element as it is stored; '' in an empty conversation. */
  readonly newest: string;
  /** Whether a commit wrote the newest one; what was only read is good for its own turn. */
  readonly written: boolean;
  /** Until when it is listed at its place, at least (Unix milliseconds by Redis' clock); 0 when that is not known. */
  readonly listed: number;
}

/** What Redis says of a conversation when a turn is taken: -1 messages if it is none; `newest` is '' unless as many were expected. */
export type Found = Pick<Known, 'total' | 'newest'>;

interface Entry extends Known {
  /** The lease under which it is known to be what is stored. */
  readonly fence: number;
  readonly characters: number;
  readonly usedAt: number;
}

export interface Recent {
  /** How many messages there were behind the last commit of this process: to be confirmed at a take. */
  expected(sessionId: SessionId): number | undefined;
  /** A turn was taken: what is known stays if it is what was found; else how many messages there are is. */
  confirm(lease: TurnLease, found: Found): void;
  /** What was read under this lease: kept, unless nobody knows any more how many messages there were at its taking. */
  read(lease: Pick<TurnLease, 'sessionId' | 'fence'>, read: Pick<Known, 'messages' | 'newest'>): void;
  /** The newest `limit` messages as they were at the taking, or the last commit, under this fence. Undefined: read them. */
  messages(sessionId: SessionId, fence: number, limit: number): readonly ChatMessage[] | undefined;
  /** Takes out what is known under this lease: whatever its commit comes to, nothing wrong stays behind. */
  withdraw(lease: TurnLease): Known | undefined;
  keep(lease: Pick<TurnLease, 'sessionId' | 'fence'>, known: Known): void;
  drop(sessionId: SessionId): void;
  /** Lets go of what was not used for long. */
  purge(): void;
}

/** @param now milliseconds, monotonic */
export function createRecent(
  now: () => number = () => performance.now(),
  mostCharacters: number = MOST_CHARACTERS,
): Recent {
  /** In the order of their last use. */
  const entries = new Map<SessionId, Entry>();
  let characters = 0;
  /** The most messages that were ever asked for: what is kept of a conversation. */
  let mostMessages = 0;

  const remove = (sessionId: SessionId): Entry | undefined => {
    const entry = entries.get(sessionId);
    if (entry === undefined) return undefined;
    entries.delete(sessionId);
    characters -= entry.characters;
    return entry;
  };

  const keep: Recent['keep'] = ({ sessionId, fence }, known) => {
    const { total, messages, newest } = known;
    remove(sessionId);
    const some = messages.slice(Math.max(0, messages.length - Math.min(mostMessages, total)));
    let own = CHARACTERS_OF_MESSAGE + newest.length;
    for (const { content } of some) own += CHARACTERS_OF_MESSAGE + content.length;
    entries.set(sessionId, { ...known, messages: some, fence, characters: own, usedAt: now() });
    characters += own;
    for (const oldest of entries.keys()) {
      if (characters <= mostCharacters) return;
      remove(oldest);
    }
  };

  return {
    keep,

    expected(sessionId) {
      const known = entries.get(sessionId);
      return known?.written === true ? known.total : undefined;
    },

    confirm(lease, { total, newest }) {
      const known = remove(lease.sessionId);
      if (known?.written === true && known.total === total && known.newest === newest) keep(lease, known);
      else if (total >= 0) keep(lease, { total, messages: [], newest: '', written: false, listed: 0 });
    },

    read(lease, read) {
      const known = entries.get(lease.sessionId);
      if (known?.fence === lease.fence) keep(lease, { ...known, ...read, written: false });
    },

    messages(sessionId, fence, limit) {
      mostMessages = Math.max(mostMessages, limit);
      const known = entries.get(sessionId);
      if (known?.fence !== fence) return undefined;
      if (known.messages.length < Math.min(limit, known.total)) return undefined;
      return known.messages.slice(-limit);
    },

    withdraw({ sessionId, fence }) {
      const known = remove(sessionId);
      return known?.fence === fence ? known : undefined;
    },

    drop: (sessionId) => void remove(sessionId),

    purge() {
      const since = now() - KEEP_RECENT_MS;
      for (const [sessionId, { usedAt }] of entries) {
        if (usedAt > since) return;
        remove(sessionId);
      }
    },
  };
}
