/** What Slack's events mean to the bot, as normalize.ts reads them. */
import type { Place } from '../../../core/session.ts';
import type { FileRef } from '../../../core/types.ts';
import type { Share } from './raw-message.ts';

/** A message that a person wrote. */
export interface SlackMessage {
  readonly kind: 'message';
  readonly team: string;
  readonly channel: string;
  /** Slack's id of the message, and its time. */
  readonly ts: string;
  /** The ts of the thread's root; absent outside of threads. */
  readonly thread?: string;
  readonly user: string;
  /** As Slack sends it, with its tokens and escapes. */
  readonly raw: string;
  readonly direct: boolean;
  readonly mention: boolean;
  readonly eventId?: string;
  readonly clientMsgId?: string;
  /** Its own files, without those of its shares. */
  readonly files: readonly FileRef[];
  /** Unix milliseconds of its last edit. */
  readonly editedAt?: number;
  /** Messages that are shared or forwarded in it. */
  readonly shares: readonly Share[];
}

export type SlackInput =
  | SlackMessage
  | {
      readonly kind: 'edited';
      readonly place: Place;
      readonly ts: string;
      /** As Slack sends it. */
      readonly raw: string;
      readonly files: readonly FileRef[];
      /** Unix milliseconds; Slack tells whole seconds. */
      readonly editedAt?: number;
      /** The message, where this edit made it mention the bot. */
      readonly newMention?: SlackMessage;
    }
  /** `forBot`: the message may have been for the bot, whether or not it has arrived yet. */
  | { readonly kind: 'deleted'; readonly place: Place; readonly ts: string; readonly forBot: boolean }
  | { readonly kind: 'channel_deleted'; readonly place: Place }
  /** A person pressed Slack's Stop button. */
  | {
      readonly kind: 'stop';
      readonly team: string;
      readonly channel: string;
      readonly thread: string;
      readonly user: string;
    }
  /** A person opened the DM with the bot. */
  | { readonly kind: 'opened'; readonly channel: string; readonly user: string }
  | { readonly kind: 'uninstalled'; readonly team: string }
  | { readonly kind: 'revoked' }
  /** Slack withholds events because there were too many. */
  | { readonly kind: 'rate_limited' }
  | { readonly kind: 'ignored' }
  | { readonly kind: 'malformed'; readonly why: string };
