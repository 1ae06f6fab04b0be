/** What every platform's adapter is to the composition root. */
import type { BotPort } from '../core/bot-port.ts';
import type { ReplyOpener } from '../core/ports.ts';

/**
 * One platform: it brings messages to the bot and opens replies for the turns that are run in this process, also for
 * messages that another replica received.
 */
export interface Adapter extends ReplyOpener {
  /** As in session ids: lower-case letters and digits. */
  readonly platform: string;
  /**
   * Connects and begins to take messages. Resolves when messages are received.
   * @throws BotError `platform_credentials` when the platform refuses the credentials, other `platform_*` when it can't be reached.
   */
  start(bot: BotPort): Promise<void>;
  /** Takes no more messages; replies go on until `stop`. For shutdown, before the running turns are waited for. */
  stopIntake?(): Promise<void>;
  /** Takes no more messages and lets go of all connections. To be called when no reply is open any more. */
  stop(): Promise<void>;
  /** Whether messages can be received just now; `detail` says in plain words why not. */
  health?(): { readonly ok: boolean; readonly detail?: string };
}
