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
    const placed = new Set(shown.map(({ key }) => key));
    const result = [];
    const follow = (key) => {
      for (const aside of asides.filter(({ after }) => after === key)) {
        result.push(aside);
        follow(aside.key);
      }
    };
    // Behind what is no longer there (it was forgotten, or is beyond the limit), an aside comes first.
    for (const aside of asides) {
      if (aside.after === undefined) follow(undefined);
      break;
    }
    for (const aside of asides) {
      const isAside = asides.some(({ key }) => key === aside.after);
      if (aside.after === undefined || placed.has(aside.after) || isAside || result.includes(aside)) continue;
      result.push(aside);
      follow(aside.key);
    }
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
      if (index >= 0) asides.splice(index, 1);
    },
  };
}
