/**
 * What was written and is not in the bot's memory yet. It is kept in this browser until it is, so that neither a reload nor a
 * lost connection loses it; it is always sent under the same id, so that sending it again does not double it. Of its files the browser
 * keeps the names: a reload loses the files, and a message that was not stored before it cannot be sent any more.
 */
import type { Sent, Writes } from '../schemas.ts';
import { type Api, Refused } from './api.ts';
import { hasTexts, isListOf, isText, load, save } from './storage.ts';

const FIRST_DELAY_MS = 500;
const LONGEST_DELAY_MS = 5000;
/** Unsent messages of other tabs that are older than this belong to a tab that was closed. */
const LEFT_BEHIND_MS = 10_000;

type Message = Writes['messages']['body'];

/** A message to send, with what the page knows about it. */
export interface Entry extends Pick<Message, 'id' | 'user' | 'channel' | 'can_manage' | 'text'> {
  /** The tab that sends it. */
  readonly tab: string;
  /** When it was written, in Unix milliseconds. */
  readonly at: number;
  /** `stored`: the bot has it. `failed`: `note` says why. */
  readonly status: 'sending' | 'stored' | 'failed';
  readonly note: string;
  /** Names of its files. */
  readonly files?: readonly string[];
}

type Seat = Pick<Entry, 'user' | 'channel'>;

export interface OutboxOptions {
  readonly api: Pick<Api, 'post'>;
  /** What is sent with each message, read when it is sent. */
  readonly context: () => Pick<Message, 'locale' | 'time_zone'>;
  /** Its files; undefined: the page does not have them any more. */
  readonly filesOf: (id: string) => NonNullable<Message['attachments']> | undefined;
  readonly onRename: (id: string, to: string) => void;
  /** What is said of a message whose files are lost. */
  readonly lost: () => string;
  readonly onAnswer: (entry: Entry, answer: Extract<Sent, { kind: 'answer' }>['answer']) => void;
  readonly onChange: () => void;
}

const isNames = isListOf(isText);
const isEntries = isListOf(
  (value): value is Entry =>
    hasTexts(value, 'id', 'user', 'channel', 'text', 'tab', 'status', 'note') &&
    isNames(Reflect.get(value, 'files') ?? []),
);

/** A random name of 20 characters (120 bits). */
export function randomId(): string {
  const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  return Array.from(crypto.getRandomValues(new Uint8Array(20)), (byte) => letters[byte % 64]).join('');
}

export function createOutbox({ api, context, filesOf, onRename, lost, onAnswer, onChange }: OutboxOptions) {
  const tab = load('tab', isText, randomId(), sessionStorage);
  save('tab', tab, sessionStorage);
  let sending = false;
  let wake: (() => void) | undefined;

  const all = () => load('outbox', isEntries, []);
  function write(entries: readonly Entry[]): void {
    save('outbox', entries);
    onChange();
  }
  function update(id: string, changes: Partial<Entry>): void {
    write(all().map((entry) => (entry.id === id ? { ...entry, ...changes } : entry)));
  }
  function remove(id: string): void {
    write(all().filter((entry) => entry.id !== id));
  }

  /** Whether there is all that it consists of. */
  const isWhole = ({ id, files = [] }: Entry) => files.length === 0 || filesOf(id) !== undefined;

  async function send(): Promise<void> {
    if (sending) return;
    sending = true;
    let delay = FIRST_DELAY_MS;
    for (let entry = next(); entry !== undefined; entry = next()) {
      try {
        const { id, user, channel, can_manage, text } = entry;
        const attachments = filesOf(id) ?? [];
        const files = attachments.length === 0 ? {} : { attachments };
        settle(entry, await api.post('messages', { id, user, channel, can_manage, text, ...files, ...context() }));
        delay = FIRST_DELAY_MS;
      } catch (error) {
        if (error instanceof Refused && !error.retry) {
          update(entry.id, { status: 'failed', note: error.message });
          continue;
        }
        // Not known whether it arrived: sent again under its id until that is known.
        await new Promise<void>((resolve) => {
          wake = resolve;
          setTimeout(resolve, delay);
        });
        delay = Math.min(LONGEST_DELAY_MS, delay * 2);
      }
    }
    sending = false;
  }

  /** One at a time and in order: the bot answers in the order in which it gets them. */
  function next(): Entry | undefined {
    // One without its files may have arrived before they were lost: the feed says whether it did.
    return all().find((entry) => entry.status === 'sending' && entry.tab === tab && isWhole(entry));
  }

  function settle(entry: Entry, sent: Sent): void {
    switch (sent.kind) {
      case 'stored':
        update(entry.id, { status: 'stored' });
        break;
      case 'refused':
        update(entry.id, { status: 'failed', note: sent.text });
        break;
      case 'answer':
        remove(entry.id);
        onAnswer(entry, sent.answer);
    }
  }

  return {
    /** Sends what is left from an earlier visit, this tab's or a closed one's. */
    start() {
      const leftBehind = Date.now() - LEFT_BEHIND_MS;
      const isLeftBehind = (entry: Entry) => entry.status === 'sending' && entry.at < leftBehind && isWhole(entry);
      write(all().map((entry) => (isLeftBehind(entry) ? { ...entry, tab } : entry)));
      addEventListener('storage', onChange);
      addEventListener('online', () => wake?.());
      void send();
    },
    entries({ user, channel }: Seat): Entry[] {
      return all().filter((entry) => entry.user === user && entry.channel === channel);
    },
    isWhole,
    add(message: Pick<Entry, 'id' | 'user' | 'channel' | 'can_manage' | 'text' | 'files'>) {
      write([...all(), { ...message, tab, at: Date.now(), status: 'sending', note: '' }]);
      void send();
    },
    /** The bot never had it, or lost it with its store: it is sent again as the same message. */
    resend(id: string) {
      const isSendable = all().some((entry) => entry.id === id && isWhole(entry));
      update(id, isSendable ? { status: 'sending', tab } : { status: 'failed', note: lost() });
      void send();
    },
    /** The bot had it and gave up on it: it is sent as a new message. */
    again(id: string) {
      const to = randomId();
      onRename(id, to);
      update(id, { id: to, tab, status: 'sending', note: '' });
      void send();
    },
    fail: (id: string, note: string) => update(id, { status: 'failed', note }),
    remove,
  };
}
