/** What one person alone is told: refusals, answers to commands, exported files. */
import type { CommandFile, CommandResult } from '../../core/commands.ts';
import type { Logger } from '../../core/ports.ts';
import { BotError, toBotError } from '../../errors.ts';
import type { SlackClients } from './clients.ts';
import { NO_PREVIEWS } from './links.ts';
import { refusesBlocks } from './platform-error.ts';
import { ANSWER_METADATA, answerOf, type SlackText } from './render.ts';

/** Whom to tell, and where. */
export interface Listener {
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
  tell(listener: Listener, answer: Pick<CommandResult, 'text' | 'actions'>): Promise<void>;
  /**
   * Answers a slash command, a shortcut or a button. `replaces`: in place of the answer whose button was pressed.
   * @throws BotError `platform_*`
   */
  respond(respond: Respond, answer: Pick<CommandResult, 'text' | 'actions'>, replaces: boolean): Promise<void>;
  /** Sends files by DM. @throws BotError `platform_*` */
  send(listener: Pick<Listener, 'user'>, files: readonly CommandFile[]): Promise<void>;
}

export interface PrivateAnswersDeps {
  readonly clients: SlackClients;
  readonly logger: Logger;
}

export function createPrivateAnswers({ clients, logger }: PrivateAnswersDeps): PrivateAnswers {
  async function rendered(
    answer: Pick<CommandResult, 'text' | 'actions'>,
    send: (text: SlackText) => Promise<unknown>,
  ) {
    try {
      await send(answerOf(answer, 'markdown'));
    } catch (thrown) {
      if (!refusesBlocks(thrown)) throw thrown;
      await send(answerOf(answer, 'sections'));
    }
  }

  return {
    async tell({ channel, user, thread, direct }, answer) {
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
    async send({ user }, files) {
      const opened = await clients.answer((client) => client.conversations.open({ users: user }));
      const channel = opened.channel?.id;
      if (channel === undefined) throw new BotError('platform_refused', 'Slack opened no DM.');
      const [first, ...rest] = files.map(({ name, content }) => ({ filename: name, content }));
      if (first === undefined) return;
      await clients.answer((client) => client.filesUploadV2({ channel_id: channel, file_uploads: [first, ...rest] }));
      logger.debug({ files: files.length }, 'files sent by DM');
    },
  };
}

/** Tells what went wrong in the log, for what nobody waits for. */
export function logged(logger: Logger, what: string): (thrown: unknown) => void {
  return (thrown) => {
    const error = toBotError(thrown);
    logger.warn({ code: error.code, err: error.message }, what);
  };
}
