/**
 * What was written and is not in the bot's memory yet. It is kept in this browser until it is, so that neither a reload nor a
 * lost connection loses it; the id that it is sent under stays, so that sending it again does not double it.
 */
import { Refused } from './api.js';
import { randomId } from './dom.js';
import { load, save } from './settings.js';

const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 5000;
/** So old, what another tab has not sent yet was left behind by a tab that was closed. */
const LEFT_BEHIND_MS = 10_000;

/**
 * Entries are `{id, tab, at, user, channel, can_manage, text, status, note}`; status: `sending`, `stored` (the bot has it) or
 * `failed` (`note` says why). `context()` gives what goes with each, `onAnswer(entry, answer)` takes a command's answer.
 */
export function createOutbox({ api, context, onAnswer, onChange }) {
  const tab = load('tab', randomId(), sessionStorage);
  save('tab', tab, sessionStorage);
  let flushing = false;
  let wake;

  const all = () => load('outbox', []);
  const write = (entries) => {
    save('outbox', entries);
    onChange();
  };
  const update = (id, changes) => write(all().map((entry) => (entry.id === id ? { ...entry, ...changes } : entry)));
  const remove = (id) => write(all().filter((entry) => entry.id !== id));

  addEventListener('storage', onChange);
  addEventListener('online', () => wake?.());
  const leftBehind = Date.now() - LEFT_BEHIND_MS;
  save(
    'outbox',
    all().map((entry) => (entry.status === 'sending' && entry.at < leftBehind ? { ...entry, tab } : entry)),
  );

  async function flush() {
    if (flushing) return;
    flushing = true;
    let pause = FIRST_PAUSE_MS;
    for (let entry = next(); entry !== undefined; entry = next()) {
      try {
        settle(entry, await api.post('messages', { ...bodyOf(entry), ...context() }));
        pause = FIRST_PAUSE_MS;
      } catch (error) {
        if (error instanceof Refused && !error.retry) {
          update(entry.id, { status: 'failed', note: error.message });
          continue;
        }
        // Not known whether it arrived: sent again under its id until that is known.
        await new Promise((resolve) => {
          wake = resolve;
          setTimeout(resolve, pause);
        });
        pause = Math.min(LONGEST_PAUSE_MS, pause * 2);
      }
    }
    flushing = false;
  }

  /** One at a time and in order: the bot answers in the order in which it gets them. */
  function next() {
    return all().find((entry) => entry.status === 'sending' && entry.tab === tab);
  }

  function settle(entry, sent) {
    if (sent.kind === 'stored') update(entry.id, { status: 'stored' });
    else if (sent.kind === 'refused') update(entry.id, { status: 'failed', note: sent.text });
    else {
      remove(entry.id);
      onAnswer(entry, sent.answer);
    }
  }

  flush();
  return {
    entries: ({ user, channel }) => all().filter((entry) => entry.user === user && entry.channel === channel),
    add(seat, text) {
      write([...all(), { id: randomId(), tab, at: Date.now(), ...seat, text, status: 'sending', note: '' }]);
      flush();
    },
    /** The bot has never had it, or lost it with its store: it goes out again, as the same message. */
    resend(id) {
      update(id, { status: 'sending', tab });
      flush();
    },
    /** The bot had it and gave it up: it goes out as a new message. */
    again(id) {
      write(
        all().map((entry) =>
          entry.id === id ? { ...entry, id: randomId(), tab, status: 'sending', note: '' } : entry,
        ),
      );
      flush();
    },
    fail: (id, note) => update(id, { status: 'failed', note }),
    remove,
  };
}

function bodyOf({ id, user, channel, can_manage, text }) {
  return { id, user, channel, can_manage, text };
}
