/** What happens in a channel, and what a change means for the messages that are held there. */
import type { MessagePayload } from '../payloads.ts';

export type ChannelEvent =
  | { readonly kind: 'message'; readonly message: MessagePayload }
  | { readonly kind: 'edited'; readonly message: MessagePayload }
  | { readonly kind: 'deleted'; readonly ids: readonly string[] }
  /** The bot was talked to by a command, at this snowflake. */
  | { readonly kind: 'talked'; readonly id: string };

/** Milliseconds; 0 for what was never edited. */
export function editedAt({ edited_timestamp }: MessagePayload): number {
  return edited_timestamp == null ? 0 : Date.parse(edited_timestamp);
}

/**
 * What is changed or deleted while it is held is dealt with as it is now, as REST would give it: messages, and changes of
 * them, of which an earlier one must not bring back what a later one took away. Changes `held`.
 * The event itself is dealt with all the same: another replica may have taken the message in as it was.
 * @param current The one that is being dealt with: it stays as it is.
 */
export function applyToHeld(event: ChannelEvent, held: ChannelEvent[], current: ChannelEvent | undefined): void {
  if (event.kind !== 'edited' && event.kind !== 'deleted') return;
  for (const [index, other] of [...held.entries()].reverse()) {
    if (other === current || (other.kind !== 'message' && other.kind !== 'edited')) continue;
    const { kind, message } = other;
    if (event.kind === 'deleted') {
      if (event.ids.includes(message.id)) held.splice(index, 1);
      continue;
    }
    const { id, content, mentions, mention_roles, attachments, embeds, edited_timestamp } = event.message;
    // Without its text Discord has not told what it was changed to.
    if (id !== message.id || content === '' || editedAt(event.message) < editedAt(message)) continue;
    held[index] = {
      kind,
      message: { ...message, content, mentions, mention_roles, attachments, embeds, edited_timestamp },
    };
  }
}
