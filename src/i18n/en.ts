/** English: the texts that every other language must have too (their type is this object's). */
import type { AnswerCut, FileFault, UnreadFile } from '../core/types.ts';
import type { ErrorCode } from '../errors.ts';
import { englishCommands } from './en-commands.ts';
import type { Formats } from './formats.ts';

export type Texts = ReturnType<typeof english>;

const NOT_SET_UP = 'I am not set up correctly. Please contact the bot’s administrator.';
const NOT_DELIVERED = 'My answer could not be delivered here. It may still be in /history.';

/** Why a file was not read. */
const UNREAD: Readonly<Record<FileFault, string>> = {
  gone: 'it is no longer there',
  too_large: 'it is too large',
  refused: 'I have no access to it',
  malformed: 'it is damaged, or not what its name says',
  unsupported: 'I cannot read this kind of file',
  no_vision: 'the language model cannot see images',
  failed: 'it could not be downloaded',
};

const FAILED: Readonly<Record<ErrorCode, string>> = {
  config_invalid: NOT_SET_UP,
  store_evicting: NOT_SET_UP,
  store_locked: NOT_SET_UP,
  store_too_old: NOT_SET_UP,
  store_unavailable: 'I can’t reach my memory right now, so I can’t answer. Please try again in a moment.',
  store_full:
    'My memory is full. I can read it, but I can’t remember anything new until the bot’s administrator frees up space.',
  bad_input: 'I could not read that message.',
  session_invalid: 'I could not tell which conversation this belongs to.',
  ttl_out_of_bounds: 'That duration is out of range. /ttl shows the allowed range.',
  model_rate_limited: 'The language model accepts no more requests right now. Please try again in a minute.',
  model_unavailable: 'The language model is not available right now. Please try again later.',
  model_timeout: 'The language model took too long. Please send your message again.',
  model_disconnected: 'The connection to the language model was lost. Please send your message again.',
  model_refused_key: 'The language model refused my API key. Please contact the bot’s administrator.',
  model_misconfigured:
    'The language model is not set up correctly, which has nothing to do with your message. Please contact the bot’s administrator.',
  model_refused_request:
    'The language model’s server did not accept the request, which has nothing to do with what you wrote. Please contact the ' +
    'bot’s administrator.',
  model_filtered: 'The language model’s content filter blocked this. Try rephrasing it.',
  model_too_long: 'This message is longer than the language model can read. Please send it in smaller parts.',
  model_only_reasoned:
    'The language model spent its whole answer on reasoning and wrote nothing. A simpler question may help; if not, please ' +
    'contact the bot’s administrator.',
  model_empty_answer: 'The language model gave an empty answer. Please send your message again.',
  platform_rate_limited: NOT_DELIVERED,
  platform_unavailable: NOT_DELIVERED,
  platform_refused: NOT_DELIVERED,
  platform_credentials: NOT_DELIVERED,
  turn_gave_up: 'I tried several times without success and gave up. Your next message will be answered as usual.',
  turn_lost: 'This answer continued elsewhere.',
  turn_stopped: 'Stopped before there was an answer.',
  internal: 'Something went wrong on my side. Please send your message again.',
};

/** Under an answer that was cut off; never a part of what is remembered. */
const CUT: Readonly<Record<AnswerCut, string>> = {
  length: '(This answer was cut off: the model reached its length limit.)',
  filtered: '(This answer was cut off: the model’s content filter stopped it.)',
  maximum: '(This answer was cut off: it reached the maximum length allowed here.)',
  time: '(This answer was cut off: it took too long.)',
};

export function english(f: Formats) {
  return {
    /** What a person sees of a turn that failed. */
    failed: FAILED,
    /** In place of the reply to a message of a conversation that was forgotten meanwhile. */
    forgotten: 'Forgotten.',
    /** After a reply that was stopped. */
    stopped: '(stopped)',
    cut: CUT,
    /** Under the answer to a message that asks the bot to remember something. */
    rememberHint:
      '(I will forget our conversation in time. To make me keep something here, send /remember and what I should keep.)',
    thinking: 'Thinking…',

    rateLimited: (waitMs: number) => `You’re sending messages too fast. Try again in ${f.roughly(waitMs)}.`,
    inboxFull: (waiting: number) =>
      `${f.plural(waiting, 'message is', 'messages are')} still waiting for an answer here. ` +
      'This one was not accepted; please send it again when they have been answered.',
    tooLong: (limit: number) =>
      `That message is too long: I can read at most ${f.plural(limit, 'character', 'characters')}.`,
    empty: 'There was no text in that message.',
    /** Under an answer that was made without files of its message. Names are clean, and in code so that nothing in them is markup. */
    filesUnread: (files: readonly UnreadFile[]) =>
      `(I could not read ${f.list(files.map(({ name, why }) => `\`${name}\` (${UNREAD[why]})`))}.)`,

    buttons: {
      stop: 'Stop',
      older: 'Older',
      newer: 'Newer',
      /** Opens the private answer where the answer itself would be public. */
      openPrivately: (command: string) => `Show /${command} only to me`,
      forget: 'Forget this conversation',
      forgetMine: 'Remove my messages',
      forgetEverywhere: 'Forget all of it',
      forgetWhole: 'Wipe it for everybody',
      keepHere: 'Keep it for this channel',
      removeFact: (number: number, text: string) => `Remove ${f.number(number)}: ${text}`,
      removeAllFacts: 'Remove all',
      moreFacts: 'More',
      firstFacts: 'Back to the first',
    },
    /** Beside the button that opens a private answer. */
    leavesThread: 'I’m leaving this thread until somebody mentions me.',
    answersPrivately: 'Only you can see the answer:',
    /** To somebody who presses a button that was made for another person. */
    buttonNotYours: 'That button is for somebody else, or its conversation is no longer remembered.',
    stopNotYours: 'Only the person who asked can stop this answer, and only while it is being written.',

    /** A command for talking to the bot where it can't read messages. */
    chat: { about: 'Talk to me', message: 'What you want to say' },
    commands: englishCommands(f),

    slack: {
      /** Shown after the bot's name. */
      status: 'is thinking…',
      prompts: {
        title: 'Try one of these:',
        prompts: [
          { title: 'What can you do?', message: 'What can you do?' },
          { title: 'What do you remember?', message: '!history' },
          { title: 'Until when?', message: '!ttl' },
          { title: 'Help', message: '!help' },
        ],
      },
      filesSent: 'The files are in your direct messages with me.',
      filesNotSent: 'The files could not be sent to you. Please try again later.',
    },

    /** The first lines in the terminal, for the administrator. */
    startup: {
      redis: (address: string) => `Memory: Redis at ${address}. Survives restarts; shared by all replicas.`,
      sqlite: (folder: string) =>
        `Memory: the embedded store in ${folder}. Survives restarts; for one process only (set REDIS_URL for more).`,
      /** `description` names the model and its server. */
      model: (description: string) => `Model: ${description}.`,
      demoModel:
        'Model: the built-in demo, which only shows that memory works. Set OPENAI_API_KEY or OPENAI_BASE_URL for a real one.',
      platforms: (names: readonly string[]) => `On: ${f.list(names)}.`,
      platformOff: (name: string, settings: readonly string[]) => `Off: ${name} (set ${f.list(settings)}).`,
      next: (url: string) =>
        `Try it: ${url}, or: curl ${url}/chat -H 'content-type: application/json' -d '{"user_id":"me","message":"My name is Ada"}' (API reference: ${url}/docs)`,
      stopping: (waitMs: number) =>
        `Stopping: running answers have ${f.roughly(waitMs)} to finish, then they are handed over.`,
    },
  };
}
