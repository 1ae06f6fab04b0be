/** English: the texts that every other language must have too (their type is this object's). */
import type { AnswerCut } from '../core/types.ts';
import type { ErrorCode } from '../errors.ts';
import { englishCommands } from './en-commands.ts';
import type { Formats } from './formats.ts';

export type Texts = ReturnType<typeof english>;

const NOT_SET_UP = 'I am not set up correctly. Please contact the bot’s administrator.';
const NOT_DELIVERED = 'My answer could not be delivered here. It may still be in /history.';

const FAILED: Readonly<Record<ErrorCode, string>> = {
  config_invalid: NOT_SET_UP,
  store_evicting: NOT_SET_UP,
  store_locked: NOT_SET_UP,
  store_too_old: NOT_SET_UP,
  store_unavailable: 'My memory is out of reach right now, so I can’t answer. Please try again in a moment.',
  store_full:
    'My memory is full. I can read it, but I cannot keep anything new until the bot’s administrator makes room.',
  bad_input: 'I could not read that message.',
  session_invalid: 'I could not tell which conversation this belongs to.',
  ttl_out_of_bounds: 'That duration is out of bounds. /ttl shows what is possible.',
  model_rate_limited: 'The language model takes no more requests right now. Please send it again in a minute.',
  model_unavailable: 'The language model is not available right now. Please send it again in a while.',
  model_timeout: 'The language model took too long. Please send it again.',
  model_disconnected: 'The connection to the language model broke off in the middle. Please send it again.',
  model_refused_key: 'The language model refuses my access. Please contact the bot’s administrator.',
  model_misconfigured:
    'The language model is not set up correctly, which has nothing to do with your message. Please contact the bot’s administrator.',
  model_refused_request:
    'The language model’s server did not accept the request, which has nothing to do with what you wrote. Please contact the ' +
    'bot’s administrator.',
  model_filtered: 'The language model’s content filter refused this. Try it in other words.',
  model_too_long: 'This message is longer than the language model can read. Please send it in smaller parts.',
  model_only_reasoned:
    'The language model used up all its room for thinking and wrote no answer. A simpler question may help; if not, please ' +
    'contact the bot’s administrator.',
  model_empty_answer: 'The language model gave an empty answer. Please send your message again.',
  platform_rate_limited: NOT_DELIVERED,
  platform_unavailable: NOT_DELIVERED,
  platform_refused: NOT_DELIVERED,
  platform_credentials: NOT_DELIVERED,
  turn_gave_up: 'I tried this several times without success and gave up. Your next message is answered as usual.',
  turn_lost: 'Something else went on with this answer.',
  turn_stopped: 'Stopped before I had said anything.',
  internal: 'Something went wrong on my side. Please send it again.',
};

/** Under an answer that was cut off; never a part of what is remembered. */
const CUT: Readonly<Record<AnswerCut, string>> = {
  length: '(This answer was cut off: the model reached its length limit.)',
  filtered: '(This answer was cut off: the model’s content filter stopped it.)',
  maximum: '(This answer was cut off: it reached the longest answer that is allowed here.)',
  time: '(This answer was cut off: it took too long.)',
};

export function english(f: Formats) {
  return {
    /** What a person sees of a turn that failed. */
    failed: FAILED,
    /** In place of the reply to a message of a conversation that was forgotten meanwhile. */
    forgotten: 'Forgotten.',
    /** Behind a reply that was stopped. */
    stopped: '(stopped)',
    cut: CUT,
    thinking: 'Thinking…',

    rateLimited: (waitMs: number) => `You’re sending messages too fast. Try again in ${f.roughly(waitMs)}.`,
    inboxFull: (waiting: number) =>
      `${f.plural(waiting, 'message is', 'messages are')} still waiting for an answer here. ` +
      'This one was not taken in; please send it again when they are answered.',
    tooLong: (limit: number) =>
      `That message is too long for me: at most ${f.plural(limit, 'character', 'characters')}.`,
    empty: 'There was no text in that message.',
    attachmentsUnread: (names: readonly string[]) => `I can’t read attachments yet: ${f.list(names)}.`,

    buttons: {
      stop: 'Stop',
      older: 'Older',
      newer: 'Newer',
      /** Opens the private answer where the answer itself would be public. */
      openPrivately: (command: string) => `Show /${command} to me alone`,
      forget: 'Forget this conversation',
      forgetMine: 'Remove my messages',
      forgetEverywhere: 'Forget all of it',
      forgetWhole: 'Wipe it for everybody',
    },
    /** Beside the button that opens a private answer. */
    leavesThread: 'I leave this thread, until somebody mentions me.',
    answersPrivately: 'The answer is for you alone:',
    /** To somebody who presses a button that was made for another person. */
    buttonNotYours: 'That button was made for somebody else, or its conversation is no longer remembered.',
    stopNotYours: 'Only the person who asked can stop this answer, and only while it is being written.',

    /** A command that talks to the bot where messages don't reach it. */
    chat: { about: 'Talk to me', message: 'What you want to say' },
    commands: englishCommands(f),

    slack: {
      /** Stands behind the bot's name. */
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
      filesNotSent: 'The files could not be sent to you. Please try again in a while.',
    },

    /** The first lines in the terminal, for whoever starts the bot. */
    startup: {
      redis: (address: string) => `Memory: Redis at ${address}. It outlives restarts and is shared by all replicas.`,
      sqlite: (folder: string) =>
        `Memory: the embedded store in ${folder}. It outlives restarts, but serves one process only; REDIS_URL lifts that.`,
      /** `description` names the model and its server. */
      model: (description: string) => `Model: ${description}.`,
      demoModel:
        'Model: the built-in demo, which only shows that memory works. OPENAI_API_KEY or OPENAI_BASE_URL sets a real one.',
      platforms: (names: readonly string[]) => `On: ${f.list(names)}.`,
      platformOff: (name: string, settings: readonly string[]) => `Off: ${name} (set ${f.list(settings)}).`,
      next: (url: string) =>
        `Say hello: ${url}, or: curl ${url}/chat -H 'content-type: application/json' -d '{"user_id":"me","message":"My name is Ada"}' (all of the API: ${url}/docs)`,
      stopping: (waitMs: number) =>
        `Stopping: answers that are being written get ${f.roughly(waitMs)}, then they are handed over.`,
    },
  };
}
