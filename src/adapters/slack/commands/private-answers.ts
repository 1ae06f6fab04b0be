/** Messages for one person alone: refusals, answers to commands with their buttons, exported files. */
import type { CommandAction, CommandFile, CommandResult } from '../../../core/commands.ts';
import type { Logger } from '../../../core/ports.ts';
import { BotError, toBotError } from '../../../errors.ts';
import { refusesBlocks, type SlackClients } from '../api/clients.ts';
import { ANSWER_METADATA } from '../reply/ownership.ts';
import { type Button, type Form, messageOf, type SlackBlock, type SlackText } from '../reply/render.ts';
import { NO_PREVIEWS } from '../reply/safe-text.ts';

/** Longest private answer in UTF-16 units: with its buttons well below the limit of a markdown block. */
export const ANSWER_LIMIT = 9_000;

/** The beginning of every button's action_id. The button's value says what it does. */
const ACTION_PREFIX = 'memory_';
export const ACTION_IDS = /^memory_/;

/** Elements of an actions block. */
const MAX_BUTTONS = 25;

type Answer = Pick<CommandResult, 'text' | 'actions'>;

/** Who gets the message, and where. */
export interface Recipient {
  readonly channel: string;
  readonly user: string;
  /** The thread's root; absent outside of threads. */
  readonly thread?: string;
  /** A DM: nobody else reads along. */
  readonly direct: boolean;
}

/** Posts to a response_url. */
export type Respond = (message: SlackText & { readonly replaces: boolean }) => Promise<void>;

export interface PrivateAnswers {
  /** Posts for one person alone: in a DM a message, elsewhere an ephemeral one. @throws BotError `platform_*` */
  post(recipient: Recipient, answer: Answer): Promise<void>;
  /**
   * Answers a slash command, a shortcut or a button. `replaces`: the answer replaces the one whose button was pressed.
   * @throws BotError `platform_*`
   */
  respond(respond: Respond, answer: Answer, replaces: boolean): Promise<void>;
  /** Sends files by DM. @throws BotError `platform_*` */
  sendFiles(user: string, files: readonly CommandFile[]): Promise<void>;
}

export interface PrivateAnswersDeps {
  readonly clients: SlackClients;
  readonly logger: Logger;
}

export function createPrivateAnswers({ clients, logger }: PrivateAnswersDeps): PrivateAnswers {
  async function rendered(answer: Answer, send: (text: SlackText) => Promise<unknown>) {
    try {
      await send(answerOf(answer, 'markdown'));
    } catch (thrown) {
      if (!refusesBlocks(thrown)) throw thrown;
      await send(answerOf(answer, 'sections'));
    }
  }

  return {
    async post({ channel, user, thread, direct }, answer) {
      const inThread = thread === undefined ? {} : { thread_ts: thread };
      await rendered(answer, (message) =>
        clients.answer((client) =>
          direct
            ? client.chat.postMessage({ channel, ...inThread, ...message, ...NO_PREVIEWS, metadata: ANSWER_METADATA })
            : client.chat.postEphemeral({ channel, user, ...inThread, ...message }),
        ),
      );
    },
    async respond(respond, answer, replaces) {
      await rendered(answer, (message) => respond({ ...message, replaces }));
    },
    async sendFiles(user, files) {
      const opened = await clients.answer((client) => client.conversations.open({ users: user }));
      const channel = opened.channel?.id;
      if (channel === undefined) throw new BotError('platform_refused', 'Slack opened no DM.');
      const [first, ...rest] = files.map(({ name, content }) => ({ filename: name, content }));
      if (first === undefined) return;
      await clients.answer((client) => client.filesUploadV2({ channel_id: channel, file_uploads: [first, ...rest] }));
      logger.debug({ files: files.length }, 'sent files by DM');
    },
  };
}

/** The answer to a command, with its buttons. */
export function answerOf({ text, actions }: Answer, form: Form): SlackText {
  const message = messageOf(text, form);
  const rows: SlackBlock[] = [];
  for (let from = 0; from < actions.length; from += MAX_BUTTONS) {
    rows.push({
      type: 'actions',
      elements: actions.slice(from, from + MAX_BUTTONS).map((action, index) => buttonOf(action, from + index)),
    });
  }
  return message.blocks === undefined ? message : { text: message.text, blocks: [...message.blocks, ...rows] };
}

function buttonOf({ label, style, id }: CommandAction, index: number): Button {
  return {
    type: 'button',
    text: { type: 'plain_text', text: label, emoji: false },
    action_id: `${ACTION_PREFIX}${index}`,
    value: id,
    ...(style === 'plain' ? {} : { style }),
  };
}

/** For work that nobody waits for: logs why it failed. */
export function logFailure(logger: Logger, message: string): (thrown: unknown) => void {
  return (thrown) => {
    const error = toBotError(thrown);
    logger.warn({ code: error.code, err: error.message }, message);
  };
}
