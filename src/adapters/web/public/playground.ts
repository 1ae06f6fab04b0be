/** Everything the page knows and does. app.tsx redraws it whenever it changes. */
import type { FeedEvents, PrivateAnswer } from '../schemas.ts';
import { createApi } from './api.ts';
import { type Aside, type Conversation, createConversation } from './conversation.ts';
import { runFeed } from './feed.ts';
import { createFiles } from './files.ts';
import { createKey } from './key.ts';
import { createMemory } from './memory.ts';
import { createOutbox, type Entry, randomId } from './outbox.ts';
import { addName, firstState, namesOf, type Place, type State, type View, viewOf } from './state.ts';
import { save } from './storage.ts';
import { type Locale, TEXTS } from './texts.ts';

const SETUP_AGAIN_MS = 2000;
/** As many turns as the server lets a page ask about. */
const MAX_TRACKED = 50;

export type Playground = ReturnType<typeof createPlayground>;

/** What the parts of the page are drawn from. */
export interface Props {
  readonly playground: Playground;
}

export function createPlayground(changed: () => void) {
  let state = firstState();
  const key = createKey(changed);
  const api = createApi(key);
  const { timeZone } = Intl.DateTimeFormat().resolvedOptions();
  /** By place: private answers stay while one looks elsewhere. */
  const conversations = new Map<string, Conversation>();
  let feed = new AbortController();

  const texts = () => TEXTS[state.locale];
  const context = () => ({ locale: state.locale, time_zone: timeZone });
  const asker = () => ({ ...state.place, can_manage: state.canManage, ...context() });
  const files = createFiles(changed);
  const outbox = createOutbox({
    ...{ api, context, onChange: changed, onRename: files.rename },
    filesOf: (id) => files.of(id)?.map(({ name, type, data }) => ({ name, type, data })),
    lost: () => texts().filesLost,
    onAnswer(entry, answer) {
      files.giveBack(entry.id);
      takeAnswer(entry, answer);
    },
  });
  const memory = createMemory(() => api.get('memory', { ...state.place, locale: state.locale }), changed);

  function set(changes: Partial<State>): void {
    state = { ...state, ...changes };
    changed();
  }

  const fileLimits = () => ({
    count: state.setup?.max_files ?? Number.POSITIVE_INFINITY,
    bytes: state.setup?.max_file_bytes ?? Number.POSITIVE_INFINITY,
  });

  /** A command takes no files; they stay with the message that comes next. */
  function isCommand(text: string): boolean {
    const [name = ''] = text.slice(1).split(/\s/, 1);
    return /^[/!]/.test(text) && state.setup?.commands.some((command) => command.name === name) === true;
  }

  function conversationOf(place: Place): Conversation {
    const name = nameOf(place);
    const conversation = conversations.get(name) ?? createConversation();
    conversations.set(name, conversation);
    return conversation;
  }

  async function loadSetup(): Promise<void> {
    const { locale, canManage } = state;
    const setup = await api.get('setup', { locale, can_manage: canManage }).catch(() => undefined);
    // Asked for again meanwhile, in another language or with other rights.
    if (locale !== state.locale || canManage !== state.canManage) return;
    if (setup === undefined) setTimeout(() => void loadSetup(), SETUP_AGAIN_MS);
    else set({ setup });
  }

  /** Shows another conversation, or the same one in another language: why a turn failed is said in it, too. */
  function open(): void {
    feed.abort();
    feed = new AbortController();
    const { place } = state;
    const conversation = conversationOf(place);
    const query = () => {
      const unsettled = outbox.entries(place).filter(({ status }) => status !== 'failed');
      const track = unsettled.slice(-MAX_TRACKED).map(({ id }) => ['track', id]);
      return new URLSearchParams([...Object.entries({ ...place, locale: state.locale }), ...track]);
    };
    void runFeed(api, query, feed.signal, {
      connected: (connected) => set({ connected }),
      events: {
        state: (event) => takeState(place, conversation, event),
        text(event) {
          conversation.setText(event);
          changed();
        },
        away: ({ text }) => set({ trouble: text }),
      },
    });
    memory.reset();
    void loadSetup();
  }

  function takeState(place: Place, conversation: Conversation, event: FeedEvents['state']): void {
    const fresh = conversation.setState(event);
    const remembered = new Set(event.messages.map(({ turn }) => turn));
    for (const { id, status } of outbox.entries(place)) {
      if (remembered.has(id) && status !== 'failed') outbox.remove(id);
    }
    for (const settled of event.settled) settle(place, settled);
    const unsent = new Set(outbox.entries(place).map(({ id }) => id));
    const waiting = event.waiting.map(({ turn }) => turn);
    files.keepOnly(nameOf(place), new Set([...remembered, ...waiting, ...unsent]), unsent, fileLimits());
    void memory.refresh();
    const said = fresh.at(-1);
    set({ trouble: '', ...(said === undefined ? {} : { spoken: texts().answered(said) }) });
  }

  /** What became of a turn that is not in memory. */
  function settle(place: Place, { turn, outcome, text }: FeedEvents['state']['settled'][number]): void {
    const entry = outbox.entries(place).find(({ id }) => id === turn);
    const isUnknown = outcome === 'unknown';
    if (isUnknown && entry?.status === 'sending') outbox.resend(turn);
    else if (outcome === 'failed' && entry !== undefined) {
      outbox.fail(turn, text);
      set({ spoken: text });
    } else {
      outbox.remove(turn);
      const notice = isUnknown ? texts().gone : text;
      if (notice !== '' && (entry !== undefined || !isUnknown)) addAside(place, { kind: 'notice', text: notice });
    }
  }

  function takeAnswer(to: Pick<Entry, 'user' | 'channel' | 'text'>, answer: PrivateAnswer): void {
    addAside(to, { kind: 'private', command: to.text, answer });
    set({ spoken: answer.text });
    void memory.refresh();
  }

  type NewAside = Aside extends infer One ? (One extends Aside ? Omit<One, 'key' | 'after'> : never) : never;
  function addAside(place: Place, aside: NewAside): void {
    const conversation = conversationOf(place);
    conversation.addAside({ key: randomId(), after: conversation.last(outbox.entries(place)), ...aside });
    changed();
  }

  function complain(error: unknown): void {
    addAside(state.place, { kind: 'notice', text: messageOf(error) });
  }

  function goTo(view: View): void {
    if (viewOf(location.hash) !== view) history.replaceState(null, '', view === 'chat' ? '#' : `#${view}`);
    set({ view });
  }

  function move(place: Place): void {
    save('seat', place, sessionStorage);
    save('seat', place);
    set({ place });
    open();
  }

  async function press(action: string): Promise<PrivateAnswer> {
    return (await api.post('actions', { ...asker(), action })).answer;
  }

  return {
    api,
    key,
    memory,
    get state() {
      return state;
    },
    get texts() {
      return texts();
    },
    get items() {
      return conversationOf(state.place).items(outbox.entries(state.place));
    },
    /** Stored messages before the first of the items. */
    get earlier() {
      return conversationOf(state.place).earlier;
    },
    /** Files of the message that is being written. */
    get attached() {
      return files.draft();
    },
    /** Files of earlier messages that go along with it. */
    get sentAgain() {
      return files.again(nameOf(state.place), fileLimits());
    },
    filesOf: (turn: string) => files.of(turn) ?? [],
    removeFile: files.remove,
    async attach(given: readonly File[]) {
      const problem = await files.attach(given, fileLimits());
      const spoken = problem === undefined ? texts().filesAttached(given.length) : problem(texts());
      if (problem !== undefined) addAside(state.place, { kind: 'notice', text: spoken });
      set({ spoken, jumps: state.jumps + 1 });
    },
    /** The turn that is being answered. */
    get running() {
      return conversationOf(state.place).running;
    },
    start() {
      addEventListener('hashchange', () => goTo(viewOf(location.hash)));
      outbox.start();
      open();
    },
    goTo,
    move,
    say: (spoken: string) => set({ spoken }),
    setTheme(theme: State['theme']) {
      save('theme', theme);
      set({ theme });
    },
    setLocale(locale: Locale) {
      save('locale', locale);
      set({ locale });
      open();
    },
    setManager(canManage: boolean) {
      set({ canManage });
      void loadSetup();
    },
    /** Adds a person, a channel or both, and goes there; an empty name adds nothing. */
    addPlace({ user, channel }: Place) {
      addName('people', user);
      addName('channels', channel);
      set({ people: namesOf('people'), channels: namesOf('channels') });
      move({ user: user || state.place.user, channel: channel || state.place.channel });
    },
    send(text: string) {
      const max = state.setup?.max_message_length ?? Number.POSITIVE_INFINITY;
      if (text.length > max) return addAside(state.place, { kind: 'notice', text: texts().tooLong(max) });
      const id = randomId();
      const names = isCommand(text) ? [] : files.send(id, nameOf(state.place), fileLimits());
      const message = { ...state.place, can_manage: state.canManage, text };
      outbox.add({ ...message, id, ...(names.length === 0 ? {} : { files: names }) });
      set({ jumps: state.jumps + 1 });
    },
    stop() {
      const id = conversationOf(state.place).running;
      if (id !== undefined) api.post('stop', { ...state.place, locale: state.locale, id }).catch(complain);
    },
    again: outbox.again,
    canSendAgain: outbox.isWhole,
    dismiss(id: string) {
      outbox.remove(id);
      files.drop(id);
    },
    close(aside: string) {
      conversationOf(state.place).removeAside(aside);
      changed();
    },
    /** Runs a command for the memory panel, which shows the answer itself. */
    async command(text: string): Promise<PrivateAnswer> {
      const sent = await api.post('messages', { ...asker(), id: randomId(), text });
      if (sent.kind === 'answer') return sent.answer;
      return { kind: 'refused', text: sent.kind === 'refused' ? sent.text : '', actions: [], files: [] };
    },
    /** Deletes a message of this person and the answer to it. */
    async deleteTurn(id: string) {
      const { place, locale } = state;
      await api.post('messages/delete', { ...place, locale, id }).then(({ deleted }) => {
        files.drop(id);
        set({ spoken: deleted ? texts().deleted : texts().deletedBefore });
      }, complain);
    },
    press,
    /** Gives whether it was there still. */
    async removeFact(id: string): Promise<boolean> {
      return (await api.post('facts/remove', { ...state.place, locale: state.locale, id })).removed;
    },
    /** The same for a button in the conversation, where its answer is shown: in the place of a question, else below. */
    async pressHere(aside: string, command: string, action: string) {
      const to = { ...state.place, text: command };
      const conversation = conversationOf(to);
      const show = (answer: PrivateAnswer) => {
        if (!conversation.answerAside(aside, answer)) return takeAnswer(to, answer);
        set({ spoken: answer.text });
        void memory.refresh();
      };
      await press(action).then(show, complain);
    },
  };
}

function nameOf({ user, channel }: Place): string {
  return JSON.stringify([user, channel]);
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
