/**
 * One conversation as this page knows it: what the bot remembers, what is being answered, what waits to be sent, and the
 * private answers of this visit. Pure data; `items` says what is to be seen.
 */

export function createConversation() {
  let messages = [];
  let waiting = [];
  /** Answers that are being written, by turn. */
  const live = new Map();
  /** What is only here, `{key, after, ...}`: private answers and notices, each behind the item it came after. */
  const asides = [];
  let known = false;

  function items(entries) {
    const remembered = new Set(messages.map(({ turn }) => turn));
    const open = waiting.filter(({ turn }) => !remembered.has(turn));
    const inTurn = new Set(open.map(({ turn }) => turn));
    const unanswered = open.flatMap((turn, index) => turnItems(turn, index, entries));
    const unsent = entries
      .filter(({ id }) => !remembered.has(id) && !inTurn.has(id))
      .map((entry) => ({ key: `${entry.id}:user`, kind: 'user', author: entry.user, text: entry.text, entry }));
    const said = messages.map((message) => ({
      key: `${message.turn}:${message.role}`,
      kind: message.role,
      author: message.author,
      text: message.content,
      at: message.timestamp,
      stopped: message.stopped,
      cut: message.cut,
      done: true,
    }));
    return withAsides([...said, ...unanswered, ...unsent]);
  }

  function turnItems({ turn, author, text }, index, entries) {
    const entry = entries.find(({ id }) => id === turn);
    const question = { key: `${turn}:user`, kind: 'user', author: author ?? entry?.user, text: text ?? entry?.text };
    const answer = { key: `${turn}:assistant`, kind: 'assistant', turn, text: live.get(turn) ?? '', queued: index > 0 };
    return [question, answer];
  }

  function withAsides(shown) {
    const result = [];
    const follow = (key) => {
      for (const aside of asides.filter(({ after }) => after === key)) {
        result.push(aside);
        follow(aside.key);
      }
    };
    // What it came after may be gone (forgotten, or beyond the limit): then an aside comes first.
    const placed = new Set([...shown, ...asides].map(({ key }) => key));
    for (const gone of new Set(asides.map(({ after }) => after).filter((after) => !placed.has(after)))) follow(gone);
    for (const item of shown) {
      result.push(item);
      follow(item.key);
    }
    return result;
  }

  return {
    items,
    /** False until the first state: an empty conversation and an unknown one are different things. */
    get known() {
      return known;
    },
    /** The turn that is being answered, undefined when there is none. */
    get running() {
      const remembered = new Set(messages.map(({ turn }) => turn));
      return waiting.find(({ turn }) => !remembered.has(turn))?.turn;
    },
    /** Gives the turns whose answers are new in it. */
    setState(state) {
      const before = new Set(messages.map(({ turn }) => turn));
      const fresh = known ? state.messages.filter(({ role, turn }) => role === 'assistant' && !before.has(turn)) : [];
      ({ messages, waiting } = state);
      known = true;
      const open = new Set(waiting.map(({ turn }) => turn));
      for (const turn of [...live.keys()].filter((turn) => !open.has(turn))) live.delete(turn);
      return fresh;
    },
    setText({ turn, from, text }) {
      live.set(turn, (live.get(turn) ?? '').slice(0, from) + text);
    },
    /** The last thing to be seen, for an aside to come after. */
    last: (entries) => items(entries).at(-1)?.key,
    addAside: (aside) => asides.push(aside),
    removeAside(key) {
      const index = asides.findIndex((aside) => aside.key === key);
      const [removed] = index < 0 ? [] : asides.splice(index, 1);
      for (const aside of asides.filter(({ after }) => after === key)) aside.after = removed?.after;
    },
  };
}
