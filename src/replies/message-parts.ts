/**
 * The messages (parts) of one reply: what the platform is known to have of each, and the next single write that brings
 * them nearer to what they should be. One call of `step` at a time.
 */

import type { Clock, ReplyContext } from '../core/ports.ts';
import { BotError, toBotError } from '../errors.ts';
import { withTimeout } from '../lib/timeout.ts';
import type { Timers } from '../lib/timers.ts';
import type { ReplyWriter, WriteOptions } from './writer.ts';

/** A part as it should be. */
export interface WantedPart {
  readonly text: string;
  /** The slice of the answer that it shows. */
  readonly source: string;
  readonly live: boolean;
}

export interface View {
  readonly parts: readonly WantedPart[];
  /** These are all: parts beyond them are deleted. */
  readonly whole: boolean;
  /** Only if anything was posted at all: what may have been posted is looked for first. */
  readonly onlyIfPosted: boolean;
}

export interface ReplyPartsOptions {
  /** Milliseconds for which a repeated nonce surely gives back the earlier message; 0 where the platform has no nonces. */
  readonly nonceTrustMs: number;
  /** A part looks different while it is live (it has a Stop button), even when its text is the same. */
  readonly liveControls: boolean;
  /** Milliseconds after which a write is given up; its outcome is then unknown. */
  readonly writeTimeoutMs: number;
  readonly clock: Pick<Clock, 'now'>;
  readonly timers: Timers;
  /** A part may have been posted, and nobody can find out. */
  readonly unreconciled: () => void;
}

export interface ReplyParts {
  /** What `step` would do next; undefined when the platform has the view. */
  next(view: View): 'post' | 'edit' | 'remove' | 'find' | undefined;
  /**
   * Makes the next write. @throws BotError `platform_*`, what saveMessageRef throws, or `turn_lost` (retryable while the lease
   * was only renewed late).
   */
  step(view: View): Promise<void>;
  /** The slices of the answer that the platform has confirmed, joined. */
  shown(): string;
  /** The answer begins anew: what is shown of it is to be replaced and counts no more. */
  restart(): void;
  /** Tries once more to save ids that could not be saved. */
  saveIds(): Promise<void>;
}

/** What a part shows that an earlier try left behind the text that grows now: the text may need it yet, so it stays. */
const BLANK: WantedPart = { text: '…', source: '', live: false };

interface Slot {
  id?: string;
  intentAt?: number;
  /** It may have been posted: the answer to the post was lost. */
  unknown: boolean;
  unsaved: boolean;
  /** Somebody has deleted it, or we have. It stays deleted: whoever did that meant it. */
  gone: boolean;
  /** What the platform is known to show; undefined when that is not known. */
  text?: string;
  live: boolean;
  source?: string;
}

type Action =
  | { readonly kind: 'post' | 'edit'; readonly part: number; readonly wanted: WantedPart }
  | { readonly kind: 'remove' | 'find'; readonly part: number };

export function createReplyParts(
  transport: ReplyWriter,
  context: ReplyContext,
  options: ReplyPartsOptions,
): ReplyParts {
  const { lease, turnId } = context;
  const { clock, timers } = options;
  const slots = new Map<number, Slot>();
  for (const [part, { id, intentAt }] of [...context.messageRefs].sort(([a], [b]) => a - b)) {
    const unknown = id === undefined && intentAt !== undefined;
    slots.set(part, {
      ...(id === undefined ? {} : { id }),
      ...(intentAt === undefined ? {} : { intentAt }),
      unknown,
      unsaved: false,
      gone: false,
      live: false,
    });
  }

  function slotOf(part: number): Slot {
    const slot = slots.get(part) ?? { unknown: false, unsaved: false, gone: false, live: false };
    slots.set(part, slot);
    return slot;
  }

  function check(): void {
    if (lease.signal.aborted) throw new BotError('turn_lost', 'This worker may not write to the reply any more.');
    if (lease.alive()) return;
    throw new BotError('turn_lost', 'The lease was not renewed in time.', { retryable: true });
  }

  async function request<T>(run: (options: Pick<WriteOptions, 'signal' | 'check'>) => Promise<T>): Promise<T> {
    check();
    return withTimeout(options.writeTimeoutMs, timers, (signal) => run({ signal, check }));
  }

  async function saveId(part: number, slot: Slot): Promise<void> {
    if (slot.id === undefined || !slot.unsaved) return;
    try {
      await context.saveMessageRef(part, { id: slot.id });
      slot.unsaved = false;
    } catch (thrown) {
      // Not fatal: the intent is saved, so the part would be found again. But nobody writes whose turn is another's.
      if (toBotError(thrown).code === 'turn_lost') throw thrown;
    }
  }

  /** Finds out whether a part was posted. Behind it, either its id is known or it is as if it had never been tried. */
  async function reconcile(part: number, slot: Slot): Promise<void> {
    const intentAt = slot.intentAt ?? clock.now();
    const after = slots.get(part - 1)?.id;
    let found: string | undefined;
    try {
      if (transport.find === undefined) options.unreconciled();
      found = await request(async ({ signal }) => transport.find?.(part, { signal, intentAt, after }));
    } catch (thrown) {
      const error = toBotError(thrown);
      if (error.code !== 'platform_refused') throw error;
      options.unreconciled();
    }
    slot.unknown = false;
    if (found === undefined) {
      delete slot.intentAt;
      return;
    }
    slot.id = found;
    slot.unsaved = true;
    await saveId(part, slot);
  }

  function trustsNonce(slot: Slot): boolean {
    // Also when the intent lies ahead of our clock: the clocks of two machines differ by a little, not by minutes.
    return Math.abs(clock.now() - (slot.intentAt ?? 0)) < options.nonceTrustMs;
  }

  async function post(part: number, wanted: WantedPart): Promise<void> {
    const slot = slotOf(part);
    if (slot.unknown && !trustsNonce(slot)) {
      await reconcile(part, slot);
      if (slot.id !== undefined) return;
    }
    // The platform then gives back the earlier message if there is one, with its earlier text: an edit has to follow.
    const repeated = slot.unknown;
    if (slot.intentAt === undefined) {
      const intentAt = clock.now();
      await context.saveMessageRef(part, { intentAt });
      slot.intentAt = intentAt;
    }
    const nonce = `${turnId}:${part}`;
    const { text, source, live } = wanted;
    try {
      slot.id = await request((write) => transport.post(part, text, { ...write, live, nonce }));
    } catch (thrown) {
      if (toBotError(thrown).code === 'platform_unavailable') slot.unknown = true;
      throw thrown;
    }
    slot.unknown = false;
    slot.unsaved = true;
    if (!repeated) Object.assign(slot, { text, source, live });
    await saveId(part, slot);
  }

  async function edit(slot: Slot, id: string, { text, source, live }: WantedPart): Promise<void> {
    // Until it is confirmed: an edit whose answer is lost may have been made.
    delete slot.text;
    const result = await request((write) => transport.edit(id, text, { ...write, live }));
    if (result === 'gone') letGo(slot);
    else Object.assign(slot, { text, source, live });
  }

  async function remove(part: number, slot: Slot): Promise<void> {
    const { id } = slot;
    if (id === undefined) return reconcile(part, slot);
    await request((write) => transport.remove(id, write));
    letGo(slot);
  }

  function letGo(slot: Slot): void {
    slot.gone = true;
    delete slot.source;
  }

  function nextAction(view: View): Action | undefined {
    if (view.onlyIfPosted) {
      for (const [part, { unknown }] of slots) if (unknown) return { kind: 'find', part };
      if (![...slots.values()].some(({ id }) => id !== undefined)) return undefined;
    }
    // Behind the first write of the new text, before it grows: it grows at each write.
    if (!view.whole && slots.get(1)?.text !== undefined) {
      for (const [part, { id, gone, text }] of slots) {
        const left = part > Math.max(1, view.parts.length) && id !== undefined && !gone && text !== BLANK.text;
        if (left) return { kind: 'edit', part, wanted: BLANK };
      }
    }
    for (const [index, wanted] of view.parts.entries()) {
      const part = index + 1;
      const slot = slots.get(part);
      if (slot?.gone === true) continue;
      if (slot?.id === undefined) return { kind: 'post', part, wanted };
      const differs = slot.text !== wanted.text || (options.liveControls && slot.live !== wanted.live);
      if (differs) return { kind: 'edit', part, wanted };
    }
    if (!view.whole) return undefined;
    for (const [part, { id, unknown, gone }] of slots) {
      if (part > view.parts.length && !gone && (id !== undefined || unknown)) return { kind: 'remove', part };
    }
    return undefined;
  }

  async function saveIds(): Promise<void> {
    for (const [part, slot] of slots) await saveId(part, slot);
  }

  return {
    next: (view) => nextAction(view)?.kind,
    async step(view) {
      const action = nextAction(view);
      if (action === undefined) return;
      check();
      await saveIds();
      const slot = slotOf(action.part);
      if (action.kind === 'post') await post(action.part, action.wanted);
      else if (action.kind === 'edit' && slot.id !== undefined) await edit(slot, slot.id, action.wanted);
      else if (action.kind === 'find') await reconcile(action.part, slot);
      else if (action.kind === 'remove') await remove(action.part, slot);
    },
    shown: () =>
      [...slots]
        .sort(([a], [b]) => a - b)
        .map(([, { source }]) => source ?? '')
        .join(''),
    restart() {
      for (const slot of slots.values()) delete slot.source;
    },
    saveIds,
  };
}
