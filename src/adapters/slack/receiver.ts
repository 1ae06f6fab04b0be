/** How Slack's deliveries come in: over sockets that we open, or over HTTP. */
import type { Receiver } from '@slack/bolt';

export interface SlackTransport {
  /** What Bolt is given. */
  readonly receiver: Receiver;
  /** @throws BotError `platform_*`, or `config_invalid` when it cannot listen */
  start(): Promise<void>;
  /** Takes no more deliveries; those that are being taken are still acked. */
  stopIntake(): Promise<void>;
  stop(): Promise<void>;
  /** Whether deliveries can come in just now; `detail` says why not. */
  health(): { readonly ok: boolean; readonly detail?: string };
}
