/** The events of one channel that wait to be processed: from the gateway, and a page of messages that were missed. */
import type { MessagePayload } from '../payloads.ts';

export type ChannelEvent =
  | { readonly kind: 'message'; readonly message: MessagePayload }
  | { readonly kind: 'edited'; readonly message: MessagePayload }
  | { readonly kind: 'deleted'; readonly ids: readonly string[] }
  /** Somebody used a command of the bot; `id` is the snowflake of the interaction. */
  | { readonly kind: 'command'; readonly id: string };

export type MessageEvent = Extract<ChannelEvent, { kind: 'message' }>;

export interface ChannelQueue {
  /** Adds an event of the gateway. A message that still waits is updated by its edits and removed by its deletion. */
  push(event: ChannelEvent): void;
  /** Events of the gateway that wait. */
  size(): number;
  clear(): void;
  /** Calls `handle` with the oldest event of the gateway, which stays in the queue when that rejects. */
  processNext(handle: (event: ChannelEvent) => Promise<void>): Promise<void>;
  /**
   * Calls `handle` with each of these messages, oldest first, before any event of the gateway.
   * @param mayContinue Asked before each. When it says no, the others are left out.
   * @returns Whether all were handled.
   */
  processPage(
    messages: readonly MessagePayload[],
    handle: (event: MessageEvent) => Promise<void>,
    mayContinue: () => boolean,
  ): Promise<boolean>;
}

export function createChannelQueue(): ChannelQueue {
  const live: ChannelEvent[] = [];
  let page: ChannelEvent[] = [];
  /** The event that is being handled, of either list. */
  let current: ChannelEvent | undefined;

  return {
    push(event) {
      for (const waiting of [live, page]) applyChange(event, waiting, current);
      live.push(event);
    },
    size: () => live.length,
    clear() {
      live.length = 0;
    },
    async processNext(handle) {
      const event = live[0];
      if (event === undefined) return;
      current = event;
      try {
        await handle(event);
        live.shift();
      } catch (thrown) {
        // It will be handled again, as it is by then.
        for (const later of live.slice(1)) applyChange(later, live, undefined);
        throw thrown;
      } finally {
        current = undefined;
      }
    },
    async processPage(messages, handle, mayContinue) {
      page = messages.map((message) => ({ kind: 'message', message }));
      // Either list may hold the newer version: the page is as of the request, and later changes come by the gateway alone.
      for (const event of live) applyChange(event, page, undefined);
      for (const message of messages) applyChange({ kind: 'edited', message }, live, undefined);
      try {
        for (let next = page[0]; next?.kind === 'message'; next = page[0]) {
          if (!mayContinue()) return false;
          current = next;
          await handle(next);
          page.shift();
        }
        return true;
      } finally {
        current = undefined;
        page = [];
      }
    },
  };
}

/** Unix milliseconds; 0 for a message that was never edited. */
export function editedAt({ edited_timestamp }: MessagePayload): number {
  return edited_timestamp == null ? 0 : Date.parse(edited_timestamp);
}

/**
 * Applies an edit or a deletion to the messages, and edits, that wait. So each is handled as REST would give it, and an earlier
 * edit does not bring back what a later one removed. The change itself is still handled in its turn: another replica may have
 * stored the message before.
 * @param current The event that is being handled. It stays as it is.
 */
function applyChange(event: ChannelEvent, waiting: ChannelEvent[], current: ChannelEvent | undefined): void {
  if (event.kind !== 'edited' && event.kind !== 'deleted') return;
  for (const [index, other] of [...waiting.entries()].reverse()) {
    if (other === current || (other.kind !== 'message' && other.kind !== 'edited')) continue;
    const { kind, message } = other;
    if (event.kind === 'deleted') {
      if (event.ids.includes(message.id)) waiting.splice(index, 1);
      continue;
    }
    const { id, content, mentions, mention_roles, attachments, embeds, edited_timestamp } = event.message;
    // An edit without text and files does not say what the message was changed to.
    const isWithheld = content === '' && attachments.length === 0;
    if (id !== message.id || isWithheld || editedAt(event.message) < editedAt(message)) continue;
    waiting[index] = {
      kind,
      message: { ...message, content, mentions, mention_roles, attachments, embeds, edited_timestamp },
    };
  }
}
