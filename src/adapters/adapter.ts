/** The interface of every platform's adapter. */
import type { BotPort } from '../core/bot-port.ts';
import type { PlatformDescriptor } from '../core/platform.ts';
import type { FileFetcher, ReplyOpener } from '../core/ports.ts';

/**
 * One platform: it hands messages to the bot and opens replies for the turns that run in this process, including turns whose
 * message another replica received.
 */
export interface Adapter extends ReplyOpener {
  /** As in session ids: lower-case letters and digits. */
  readonly platform: string;
  /** For an adapter that is handed to `startApp` directly; those of src/app/platforms.ts are listed there with theirs. */
  readonly descriptor?: PlatformDescriptor;
  /** Fetches the files of its messages, where the platform keeps them. */
  readonly files?: FileFetcher;
  /**
   * Connects and starts receiving messages. Resolves when messages can arrive.
   * @throws BotError `platform_credentials` when the platform refuses the credentials, other `platform_*` when it can't be reached.
   */
  start(bot: BotPort): Promise<void>;
  /** Stops receiving messages; replies go on until `stop`. Called at shutdown, before the running turns are waited for. */
  stopIntake?(): Promise<void>;
  /** Stops receiving messages and closes all connections. Called when no reply is open any more. */
  stop(): Promise<void>;
  /** Whether messages can be received now; `detail` says in plain words why not. */
  health?(): { readonly ok: boolean; readonly detail?: string };
}
