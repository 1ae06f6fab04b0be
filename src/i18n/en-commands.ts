/** English texts of the memory commands. */
import type { Erased, ServiceStats } from '../core/store.ts';
import type { Formats } from './formats.ts';

export function englishCommands(f: Formats) {
  const messages = (count: number) => f.plural(count, 'message', 'messages');
  const conversations = (count: number) => f.plural(count, 'conversation', 'conversations');
  const waiting = (count: number) =>
    count === 0
      ? ''
      : ` ${f.plural(count, 'message that was', 'messages that were')} still waiting will not be answered.`;

  return {
    about: {
      history: 'Show what I remember of this conversation',
      forget: 'Make me forget',
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
      shortened: 'Long messages are shortened; /history export has all of them.',
      exported: (count: number) => `Everything I remember of this conversation: ${messages(count)}.`,
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
      mayWipe: 'You can also wipe it for everyone.',
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
      visible: (seen: number, total: number, tokens: number) =>
        `The model sees: ${f.number(seen)} of ${messages(total)}, about ${f.plural(tokens, 'token', 'tokens')}`,
      key: (key: string) => `Key: \`${key}\``,
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
    },

    hint: {
      unknown: (given: string) => `I don’t know \`${given}\`.`,
      option: (given: string) => `I don’t understand \`${given}\`.`,
      nearest: (form: string) => `Did you mean \`${form}\`?`,
    },
  };
}
