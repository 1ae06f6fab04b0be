/**
 * One conversation as this page knows it: what the bot remembers, what is being answered, what waits to be sent, and the
 * private answers of this visit. Pure data; `items` says what is shown.
 */
import type { FeedEvents, PrivateAnswer, ShownUse } from '../schemas.ts';
import type { Entry } from './outbox.ts';

/** Only here and not in memory: shown after the item that it followed. */
export type Aside = { readonly key: string; after: string | undefined } & (
  | { readonly kind: 'private'; readonly command: string; readonly answer: PrivateAnswer }
  | { readonly kind: 'notice'; readonly text: string }
);

export interface Said {
  readonly key: string;
  readonly kind: 'user' | 'assistant';
  readonly turn: string;
  readonly author?: string | undefined;
  /** Unknown where another person asked before this page was opened. */
  readonly text?: string | undefined;
  /** Names of the files of a question. */
  readonly files?: readonly string[] | undefined;
  /** Files that the answer was made without. */
  readonly unread?: State['messages'][number]['unread'];
  /** Unix milliseconds; of what is in memory. */
  readonly at?: number;
  readonly status: 'done' | 'stopped' | 'writing' | 'queued';
  /** Why the answer is not whole. */
  readonly cut?: State['messages'][number]['cut'];
  /** What of the memory the answer was made with. */
  readonly used?: ShownUse | undefined;
  /** Where it waits to be sent, or could not be. */
  readonly entry?: Entry;
}

export type Item = Said | Aside;

type State = FeedEvents['state'];
export type Conversation = ReturnType<typeof createConversation>;

export function createConversation() {
  let messages: State['messages'] = [];
  let waiting: State['waiting'] = [];
  let earlier = 0;
  let known = false;
  /** Answers that are being written, by turn. */
  const live = new Map<string, string>();
  const asides: Aside[] = [];

  const remembered = () => new Set(messages.map(({ turn }) => turn));

  function items(entries: readonly Entry[]): Item[] {
    const stored = remembered();
    const open = waiting.filter(({ turn }) => !stored.has(turn));
    const inTurn = new Set(open.map(({ turn }) => turn));
    const said = messages.map(
      ({ turn, role, author, content, timestamp, stopped, cut, used, files, unread }): Said => ({
        key: `${turn}:${role}`,
        kind: role,
        turn,
        author,
        text: content,
        at: timestamp,
        status: stopped ? 'stopped' : 'done',
        cut,
        used,
        files,
        unread,
      }),
    );
    const unsent = entries
      .filter(({ id }) => !stored.has(id) && !inTurn.has(id))
      .map((entry): Said => {
        return {
          key: `${entry.id}:user`,
          kind: 'user',
          turn: entry.id,
          author: entry.user,
          text: entry.text,
          files: entry.files,
          status: 'done',
          entry,
        };
      });
    return withAsides([...said, ...open.flatMap((turn, index) => itemsOf(turn, index, entries)), ...unsent]);
  }

  function itemsOf(
    { turn, author, text, files }: State['waiting'][number],
    index: number,
    entries: readonly Entry[],
  ): Said[] {
    const entry = entries.find(({ id }) => id === turn);
    const status = index > 0 ? 'queued' : 'writing';
    return [
      {
        key: `${turn}:user`,
        kind: 'user',
        turn,
        author: author ?? entry?.user,
        text: text ?? entry?.text,
        files: files ?? entry?.files,
        status: 'done',
      },
      { key: `${turn}:assistant`, kind: 'assistant', turn, text: live.get(turn) ?? '', status },
    ];
  }

  function withAsides(shown: readonly Said[]): Item[] {
    const result: Item[] = [];
    const follow = (key: string | undefined) => {
      for (const aside of asides.filter(({ after }) => after === key)) {
        result.push(aside);
        follow(aside.key);
      }
    };
    // What it came after may be gone (forgotten, or beyond the limit): then an aside comes first.
    const placed = new Set<string | undefined>([...shown, ...asides].map(({ key }) => key));
    for (const gone of new Set(asides.map(({ after }) => after).filter((after) => !placed.has(after)))) follow(gone);
    for (const item of shown) {
      result.push(item);
      follow(item.key);
    }
    return result;
  }

  return {
    /** Nothing until the first state: an empty conversation and an unknown one are different things. */
    items: (entries: readonly Entry[]) => (known || entries.length > 0 ? items(entries) : []),
    /** Stored messages before the first that is shown. */
    get earlier() {
      return earlier;
    },
    /** The turn that is being answered. */
    get running(): string | undefined {
      const stored = remembered();
      return waiting.find(({ turn }) => !stored.has(turn))?.turn;
    },
    /** Gives the answers that are new in it. */
    setState(state: State): string[] {
      const before = remembered();
      // When one is removed, an older one comes into view: only those after all known ones are new.
      const behind = state.messages.slice(state.messages.findLastIndex(({ turn }) => before.has(turn)) + 1);
      const fresh = known ? behind.filter(({ role }) => role === 'assistant') : [];
      ({ messages, earlier, waiting } = state);
      known = true;
      const open = new Set(waiting.map(({ turn }) => turn));
      for (const turn of [...live.keys()].filter((candidate) => !open.has(candidate))) live.delete(turn);
      return fresh.map(({ content }) => content);
    },
    setText({ turn, from, text }: FeedEvents['text']) {
      live.set(turn, (live.get(turn) ?? '').slice(0, from) + text);
    },
    /** The last thing that is shown, for an aside to come after. */
    last: (entries: readonly Entry[]) => items(entries).at(-1)?.key,
    addAside: (aside: Aside) => asides.push(aside),
    /** A question that was answered by its button gives way to what came of it. */
    answerAside(key: string, answer: PrivateAnswer): boolean {
      const index = asides.findIndex((aside) => aside.key === key);
      const aside = asides[index];
      if (aside?.kind !== 'private' || aside.answer.kind !== 'confirm') return false;
      asides[index] = { ...aside, answer };
      return true;
    },
    removeAside(key: string) {
      const index = asides.findIndex((aside) => aside.key === key);
      const [removed] = index < 0 ? [] : asides.splice(index, 1);
      for (const aside of asides.filter(({ after }) => after === key)) aside.after = removed?.after;
    },
  };
}
