/** English texts of the memory commands. */
import type { WindowEnd } from '../core/ports.ts';
import type { Erased, ServiceStats } from '../core/store.ts';
import type { Formats } from './formats.ts';

/** The parts that a model is shown; tokens are estimated. */
interface ShownParts {
  readonly system: number;
  readonly facts: { readonly count: number; readonly tokens: number };
  /** Of the conversation's messages, and why it has no more. */
  readonly window: { readonly count: number; readonly of: number; readonly tokens: number; readonly end: WindowEnd };
  /** Of so many older messages; `tokens` at most. */
  readonly recall: { readonly of: number; readonly tokens: number };
}

export function englishCommands(f: Formats) {
  const messages = (count: number) => f.plural(count, 'message', 'messages');
  const conversations = (count: number) => f.plural(count, 'conversation', 'conversations');
  const tokens = (count: number) => `about ${f.plural(count, 'token', 'tokens')}`;
  const windowEnds: Record<WindowEnd, string> = {
    all: 'all there are',
    messages: 'as many as the settings allow',
    tokens: 'as many as its context holds',
  };
  const recalled = (of: number, most: number) =>
    most === 0
      ? `None of the ${f.number(of)} older ones: recall is switched off, or there is no room`
      : `Of the ${f.number(of)} older ones, those that match your next message: up to ${f.plural(most, 'token', 'tokens')}`;
  const waiting = (count: number) =>
    count === 0
      ? ''
      : ` ${f.plural(count, 'message that was', 'messages that were')} still waiting will not be answered.`;

  return {
    about: {
      history: 'Show what I remember of this conversation',
      forget: 'Make me forget',
      remember: 'Ask me to keep something for this place',
      facts: 'Show or remove what you asked me to keep here',
      ttl: 'Show or change how long I remember this conversation',
      memstats: 'Show figures about my memory',
      help: 'What I do, how to talk to me, and what I remember',
    },
    umbrella: 'All memory commands under one name',
    options: {
      limit: 'Messages per page',
      export: 'Download everything as JSON and Markdown files',
      scope: 'What to forget',
      confirm: 'Confirms the request',
      text: 'What I should keep, at most 500 characters',
      removeFact: 'Removes the one with this id, or all',
      factId: 'The id of what to remove, or all',
      value: '600, 90s, 10m, 2h, 7d or default',
    },
    scopes: {
      here: 'This conversation',
      everywhere: 'All my conversations with you here',
      whole: 'This shared conversation, for everyone in it',
    },

    nothingHere: 'I remember nothing about a conversation with you here.',
    notYours: 'That conversation is not yours, so I can’t show or change it.',
    managersOnly:
      'In a conversation that several people share, only admins and people who may manage messages can do that.',
    pick: (count: number) => `You have ${conversations(count)} with me here. Which one do you mean?`,
    pickMore: (count: number) => `(${f.number(count)} older ones are not listed.)`,
    /** A picker's entry; `begin` is the beginning of the person's newest message. */
    pickEntry: (messageCount: number, lastAt: number, begin: string) =>
      lastAt === 0 ? 'A message waiting for its answer' : `${f.time(lastAt)} · ${f.number(messageCount)} · ${begin}`,

    you: 'You',
    bot: 'Bot',
    somebody: 'Somebody',
    stopped: 'stopped',
    cut: 'cut off',
    history: {
      header: (time: number) => f.time(time),
      footer: (from: number, to: number, total: number, expiresInMs: number) =>
        `Messages ${f.number(from)}–${f.number(to)} of ${f.number(total)} · times in ${f.timeZone} · forgotten in ${f.roughly(expiresInMs)}`,
      unreadable: (count: number) => `${messages(count)} could not be read and ${count === 1 ? 'is' : 'are'} left out.`,
      /** Instead of the text of a message without one. Names are clean, and in code so that nothing in them is markup. */
      files: (names: readonly string[]) =>
        `${names.length === 1 ? 'File' : 'Files'}: ${f.list(names.map((name) => `\`${name}\``))}`,
      shortened: 'Long messages are shortened; /history export has all of them.',
      exported: (count: number) => `Everything I remember of this conversation: ${messages(count)}.`,
      facts: (count: number) =>
        `${f.plural(count, 'fact that you asked me to keep here is', 'facts that you asked me to keep here are')} included.`,
      factsTitle: 'What you asked me to keep here',
      fileTitle: (exportedAt: number) => `Conversation, exported ${f.time(exportedAt)} (${f.timeZone})`,
    },

    forget: {
      confirmHere: 'Forget this conversation? This can’t be undone.',
      confirmMine: 'Remove your messages, and my answers to them, from this shared conversation? This can’t be undone.',
      confirmWhole: 'Forget this whole conversation, for everyone in it? This can’t be undone.',
      confirmEverywhere: 'Forget all your conversations with me here? This can’t be undone.',
      confirmByText: (form: string) => `To confirm, send: ${form}`,
      done: (erased: Erased) =>
        `Forgotten: ${conversations(erased.conversations)}, ${messages(erased.messages)}.${waiting(erased.waiting)}`,
      removedMine: (erased: Erased) =>
        `Removed from this shared conversation: ${messages(erased.messages)}, yours and my answers to them.${waiting(erased.waiting)}`,
      othersMayRepeat:
        'My answers to others may still repeat what you said; only they, or a manager, can remove those.',
      factsStay: (count: number) =>
        `${f.plural(count, 'fact', 'facts')} that you asked me to keep here ${count === 1 ? 'stays' : 'stay'}: \`/facts\` shows and removes ${count === 1 ? 'it' : 'them'}.`,
      factsRemoved: (count: number) => `Removed, too: ${f.plural(count, 'fact', 'facts')} that you asked me to keep.`,
      mayWipe: 'You can also wipe it for everyone.',
    },

    remember: {
      /** The command's name in the menu of a message; at most 24 characters. */
      onMessage: 'Remember this',
      explain: (limit: number) =>
        `Say what I should keep, for example \`/remember I am vegetarian\`: at most ${f.plural(limit, 'character', 'characters')}, several lines if you like. ` +
        'I keep it for you in this place only and show it to the model with each of your messages here. `/facts` lists and removes it; `/forget` leaves it.',
      question: 'Others read my answers here. Keep it for this channel?',
      kept: (until: number) =>
        `I’ll remember this here until ${f.time(until)} (${f.timeZone}). \`/facts\` lists and removes it.`,
      known: 'I already keep that here. `/facts` lists it.',
      knownUntil: (until: number) => `I already keep that here, until ${f.time(until)} (${f.timeZone}).`,
      full: 'I keep as much for you here as I can. Remove something with `/facts` first.',
      tooLong: (limit: number) =>
        `That is too long: I can keep at most ${f.plural(limit, 'character', 'characters')} at once. Nothing was kept.`,
      noText: 'There is no text in that message that I could keep.',
      notYours: 'I keep only what you wrote yourself: that message is not yours.',
      tooLate: 'I no longer have that text: I wait ten minutes for the answer. Please send `/remember` again.',
      directOnly: 'Others read my answers here. Please do that in a direct conversation with me.',
    },

    facts: {
      shared:
        'Everybody here shares one conversation with me, so I keep nothing for one person here. A direct conversation with me is the place for that.',
      none: 'You have not asked me to keep anything here. Send `/remember` and a text to do that.',
      title: (count: number, limit: number) =>
        `**What you asked me to keep here** (${f.number(count)} of at most ${f.number(limit)})`,
      entry: (saidAt: number, expiresAt: number) => `said ${f.time(saidAt)}, kept until ${f.time(expiresAt)}`,
      times: `Times in ${f.timeZone}.`,
      howToRemove: 'Remove one with `/facts remove` and its id, all with `/facts remove all`.',
      removed: 'Removed.',
      unknown: 'I don’t have that one any more.',
      confirmAll: 'Remove everything that you asked me to keep here? This can’t be undone.',
      removedAll: (count: number) => `Removed: ${f.plural(count, 'fact', 'facts')}.`,
      mayBeRepeated: 'Earlier answers of mine may still repeat it; `/forget` erases those.',
    },

    ttl: {
      left: (ms: number) =>
        `This conversation will be forgotten in **${f.roughly(ms)}** unless it continues; every turn restarts the clock.`,
      leftOf: (ms: number, begin: string) => `forgotten in ${f.roughly(ms)}: ${begin}`,
      setting: (seconds: number, chosen: boolean) =>
        `Setting here: **${f.exactly(seconds)}** after the last turn (${chosen ? 'chosen' : 'the default'}).`,
      placeSetting: (seconds: number, chosen: boolean) =>
        `Setting for your conversations here: **${f.exactly(seconds)}** after the last turn (${chosen ? 'chosen' : 'the default'}).`,
      change: (min: number, max: number) =>
        `Change it with \`/ttl 10m\` (from ${f.exactly(min)} to ${f.exactly(max)}), undo that with \`/ttl default\`.`,
      set: (seconds: number) =>
        `From now on, this conversation is forgotten **${f.exactly(seconds)}** after its last turn.`,
      placeSet: (seconds: number) =>
        `From now on your conversations here are forgotten **${f.exactly(seconds)}** after their last turn, unless one has its own setting.`,
      atOnce: (count: number) =>
        count === 1
          ? 'It already applies to the conversation in progress here.'
          : `It already applies to the ${count} conversations in progress here.`,
      kept: 'This stays in effect until you change it, even after /forget.',
      back: (seconds: number) => `Back to the default: forgotten **${f.exactly(seconds)}** after the last turn.`,
      bounds: (min: number, max: number) =>
        `Give the time as whole seconds (\`600\`), or as \`90s\`, \`10m\`, \`2h\`, \`7d\`, ` +
        `from **${f.exactly(min)}** to **${f.exactly(max)}**, or \`default\`.`,
    },

    memstats: {
      here: 'This conversation',
      messages: (count: number, turns: number) => `Messages: ${f.number(count)} (${f.plural(turns, 'turn', 'turns')})`,
      tokens: (count: number) => `Estimated tokens: ${f.number(count)}`,
      bytes: (count: number) => `Size in the store: ${f.bytes(count)}`,
      left: (ms: number) => `Forgotten in: ${f.roughly(ms)}`,
      age: (ms: number) => `Age: ${f.roughly(ms)}`,
      key: (key: string) => `Key: \`${key}\``,
      shown: ({ system, facts, window, recall }: ShownParts) =>
        [
          'The model would be shown next:',
          `  - The system prompt: ${tokens(system)}`,
          ...(facts.count === 0 ? [] : [`  - ${f.plural(facts.count, 'fact', 'facts')}: ${tokens(facts.tokens)}`]),
          `  - The newest ${f.number(window.count)} of ${messages(window.of)}: ${tokens(window.tokens)} (${windowEnds[window.end]})`,
          ...(recall.of === 0 ? [] : [`  - ${recalled(recall.of, recall.tokens)}`]),
        ].join('\n'),
      service: 'The service',
      live: (count: number, messageCount: number) => `Active: ${conversations(count)}, ${messages(messageCount)}`,
      today: (turns: number) => `Turns today: ${f.number(turns)}`,
      server: 'The server (for admins)',
      store: (server: ServiceStats['server']) => `Store: ${server.store} ${server.version}`,
      memory: (human: string) => `Used memory: ${human}`,
      clients: (count: number) => `Connected clients: ${f.number(count)}`,
      waiting: (count: number) => `Conversations with waiting messages: ${f.number(count)}`,
    },

    help: {
      intro: 'I am a chatbot that remembers our conversation, for as long as you allow and no longer.',
      direct: 'Just write to me here.',
      channel:
        'Here, mention me or reply to one of my messages. In a thread where I was mentioned, just keep writing; `/forget` there makes me leave.',
      http: 'Send messages with POST /chat; the commands below work as messages too.',
      shared: 'Everybody in this channel shares one conversation with me.',
      own: 'Your conversation is separate from everyone else’s.',
      commands:
        'Commands (you can also type them as a message, such as `/forget` or `!forget`); only you see the answers:',
      kept: (seconds: number, windowMessages: number, maxMessages: number) =>
        `I keep your messages and my answers for **${f.exactly(seconds)}** after the last turn, the newest ${messages(maxMessages)} at most, ` +
        `and give the model up to the last ${f.number(windowMessages)}. After that, or on /forget, they are deleted.`,
      stays:
        'My answer to another message may repeat something you deleted: /forget erases that, too. What /remember keeps stays until it expires or you remove it with /facts.',
      model: (description: string) =>
        `To answer, I send your messages to the language model ${description}. What its provider keeps of them is up to that provider.`,
      demoModel: 'My answers come from a built-in demo; your messages are sent to nobody.',
    },

    hint: {
      unknown: (given: string) => `I don’t know \`${given}\`.`,
      option: (given: string) => `I don’t understand \`${given}\`.`,
      nearest: (form: string) => `Did you mean \`${form}\`?`,
    },
  };
}
