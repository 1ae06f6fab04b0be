/**
 * The newest messages of the conversations that this process answered last, so that it need not read again what it has
 * just written. They are used for a turn only when Redis said at its taking that they are what is stored: as many messages
 * as were known, with the same newest one, which a commit of this process wrote and nobody writes twice. Every change from
 * elsewhere alters one of the two, since only a commit trims and what is added becomes the newest; a change while a turn runs
 * is seen at its commit, by how many messages there are or by a mark in its record, and then nothing is kept.
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
  /** Until when it is listed at its place, at least (Unix milliseconds by Redis' clock); 0 when that is not known. */
  readonly listed: number;
}

/** What Redis says of a conversation when a turn is taken: -1 messages if it is none; `newest` is '' unless as many were expected. */
export type Found = Pick<Known, 'total' | 'newest'>;

/** Of how a turn was remembered: both halves, and how many messages there are with them. */
export interface Added extends Pick<Known, 'total' | 'newest' | 'listed'> {
  readonly halves: readonly ChatMessage[];
}

/** Changed in place, turn by turn: with hundreds of conversations at once, copies cost more than what they are kept for saves. */
interface Entry {
  total: number;
  readonly messages: ChatMessage[];
  newest: string;
  listed: number;
  /** Whether a commit wrote the newest one; what was only read is good for its own turn. */
  written: boolean;
  /** The lease under which it is known to be what is stored. */
  fence: number;
  characters: number;
  usedAt: number;
}

/** What a commit took out, to hand it back with its turn. */
export interface Withdrawn {
  readonly known: Known;
  /** The turn was stored, and nothing else came in between. */
  extend(added: Added): void;
}

export interface Recent {
  /** How many messages there were behind the last commit of this process: to be confirmed at a take. */
  expected(sessionId: SessionId): number | undefined;
  /** A turn was taken: what is known stays if it is what was found; else how many messages there are is. */
  confirm(lease: Lease, found: Found): void;
  /** What was read under this lease: kept, unless nobody knows any more how many messages there were at its taking. */
  read(lease: Lease, read: Pick<Known, 'messages' | 'newest'>): void;
  /** The newest `limit` messages as they were at the taking, or the last commit, under this fence. Undefined: read them. */
  messages(sessionId: SessionId, fence: number, limit: number): readonly ChatMessage[] | undefined;
  /** Takes out what is known under this lease: whatever its commit comes to, nothing wrong stays behind. */
  withdraw(lease: Lease): Withdrawn | undefined;
  drop(sessionId: SessionId): void;
  /** Lets go of what was not used for long. */
  purge(): void;
}

type Lease = Pick<TurnLease, 'sessionId' | 'fence'>;

function sizeOf({ content }: ChatMessage): number {
  return CHARACTERS_OF_MESSAGE + content.length;
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

  /** Puts in one that is not there, as the last that was used. */
  const put = (sessionId: SessionId, entry: Entry) => {
    entry.usedAt = now();
    entries.set(sessionId, entry);
    characters += entry.characters;
    for (const oldest of entries.keys()) {
      if (characters <= mostCharacters) return;
      remove(oldest);
    }
  };

  /** Adds messages behind those of an entry that is not there, and lets go of what nobody would ask for. */
  const add = (entry: Entry, { total, newest, halves }: Omit<Added, 'listed'>) => {
    for (const half of halves) {
      entry.messages.push(half);
      entry.characters += sizeOf(half);
    }
    for (let surplus = entry.messages.length - Math.min(mostMessages, total); surplus > 0; surplus -= 1) {
      const oldest = entry.messages.shift();
      if (oldest !== undefined) entry.characters -= sizeOf(oldest);
    }
    entry.characters += newest.length - entry.newest.length;
    entry.total = total;
    entry.newest = newest;
  };

  return {
    expected(sessionId) {
      const entry = entries.get(sessionId);
      return entry?.written === true ? entry.total : undefined;
    },

    confirm({ sessionId, fence }, { total, newest }) {
      const entry = remove(sessionId);
      if (entry?.written === true && entry.total === total && entry.newest === newest) {
        entry.fence = fence;
        put(sessionId, entry);
      } else if (total >= 0) {
        const size = CHARACTERS_OF_MESSAGE;
        put(sessionId, {
          total,
          messages: [],
          newest: '',
          listed: 0,
          written: false,
          fence,
          characters: size,
          usedAt: 0,
        });
      }
    },

    read({ sessionId, fence }, { messages, newest }) {
      if (entries.get(sessionId)?.fence !== fence) return;
      const entry = remove(sessionId);
      if (entry === undefined) return;
      entry.messages.length = 0;
      entry.characters = CHARACTERS_OF_MESSAGE + entry.newest.length;
      entry.written = false;
      add(entry, { total: entry.total, halves: messages, newest });
      put(sessionId, entry);
    },

    messages(sessionId, fence, limit) {
      mostMessages = Math.max(mostMessages, limit);
      const entry = entries.get(sessionId);
      if (entry?.fence !== fence) return undefined;
      if (entry.messages.length < Math.min(limit, entry.total)) return undefined;
      return entry.messages.slice(-limit);
    },

    withdraw({ sessionId, fence }) {
      const entry = remove(sessionId);
      if (entry?.fence !== fence) return undefined;
      return {
        known: entry,
        extend(added) {
          // A take of meanwhile knows better.
          if (entries.has(sessionId)) return;
          add(entry, added);
          entry.listed = added.listed;
          entry.written = true;
          put(sessionId, entry);
        },
      };
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
