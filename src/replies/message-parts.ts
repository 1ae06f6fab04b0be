/**
 * The messages (parts) of one reply: what the platform shows as far as known, and the next write that brings it closer to what it
 * should show. Calls of `step` must not overlap.
 */

import type { Clock, ReplyContext } from '../core/ports.ts';
import { BotError, toBotError } from '../errors.ts';
import { withTimeout } from '../lib/timeout.ts';
import type { Timers } from '../lib/timers.ts';
import type { ReplyWriter, WriteOptions } from './writer.ts';

/** What a part should show. */
export interface WantedPart {
  readonly text: string;
  /** The slice of the answer in it. */
  readonly source: string;
  /** It is still growing. */
  readonly live: boolean;
}

/** What the reply should show. */
export interface View {
  readonly parts: readonly WantedPart[];
  /** There are no further parts; any others are deleted. */
  readonly isComplete: boolean;
  /** Write only if something has been posted already, which is determined first. */
  readonly onlyIfPosted: boolean;
}

export interface MessagePartsOptions {
  /** Milliseconds for which a repeated nonce reliably returns the earlier message; 0 for a platform without nonces. */
  readonly nonceTrustMs: number;
  /** A live part has a Stop button, so it must be edited at its end even if its text stays the same. */
  readonly liveControls: boolean;
  /** Time limit of a write in milliseconds. Its outcome is unknown afterwards. */
  readonly writeTimeoutMs: number;
  readonly clock: Pick<Clock, 'now'>;
  readonly timers: Timers;
  /** Counts a part for which it cannot be determined whether it was posted. */
  readonly unreconciled: () => void;
}

export interface MessageParts {
  /** The next action of `step`; undefined if the platform shows the view already. */
  next(view: View): 'post' | 'edit' | 'remove' | 'find' | undefined;
  /**
   * Makes the next write. @throws BotError `platform_*`, the errors of `saveMessageRef`, or `turn_lost` (retryable if the lease
   * was only renewed late)
   */
  step(view: View): Promise<void>;
  /** The confirmed slices of the answer, joined. */
  shown(): string;
  /** The answer starts over: the text shown so far no longer counts and will be replaced. */
  restart(): void;
  /** Saves ids that could not be saved before. @throws BotError `turn_lost` */
  saveIds(): Promise<void>;
}

/** Shown in parts of an earlier attempt that the new text has not reached yet. They are not deleted, because it may need them. */
const PLACEHOLDER: WantedPart = { text: '…', source: '', live: false };

/**
 *     unposted ─ posted ─▶ posted ─ deleted by somebody, or removed ─▶ deleted
 *        ▲  └─ response lost ─▶ unknown ─ found, or posted again by its nonce ─▶ posted
 *        └──────── not found ────┘
 *
 * A deleted part is not posted again: somebody deleted it on purpose.
 */
type Status = 'unposted' | 'unknown' | 'posted' | 'deleted';

interface Slot {
  status: Status;
  /** Set for a posted or deleted part. */
  id?: string;
  idSaved: boolean;
  /** Unix milliseconds of the first attempt to post. */
  intentAt?: number;
  /** What the platform shows; undefined if that is unknown. */
  text?: string;
  live: boolean;
  source?: string;
}

type Action =
  | { readonly kind: 'post' | 'edit'; readonly part: number; readonly wanted: WantedPart }
  | { readonly kind: 'remove' | 'find'; readonly part: number };

export function createMessageParts(
  writer: ReplyWriter,
  context: ReplyContext,
  options: MessagePartsOptions,
): MessageParts {
  const { lease, turnId } = context;
  const { clock, timers } = options;
  const slots = new Map<number, Slot>();
  for (const [part, { id, intentAt }] of [...context.messageRefs].sort(([a], [b]) => a - b)) {
    const attempted = intentAt === undefined ? 'unposted' : 'unknown';
    slots.set(part, {
      status: id === undefined ? attempted : 'posted',
      ...(id === undefined ? {} : { id }),
      ...(intentAt === undefined ? {} : { intentAt }),
      idSaved: true,
      live: false,
    });
  }

  function slotOf(part: number): Slot {
    const slot = slots.get(part) ?? { status: 'unposted', idSaved: true, live: false };
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
    if (slot.id === undefined || slot.idSaved) return;
    try {
      await context.saveMessageRef(part, { id: slot.id });
      slot.idSaved = true;
    } catch (thrown) {
      // Not fatal: the intent is saved, so the part can be found. But a worker that lost its turn must not continue.
      if (toBotError(thrown).code === 'turn_lost') throw thrown;
    }
  }

  /** Finds out whether a part was posted: it is `posted` or `unposted` afterwards. */
  async function reconcile(part: number, slot: Slot): Promise<void> {
    const intentAt = slot.intentAt ?? clock.now();
    const after = slots.get(part - 1)?.id;
    let found: string | undefined;
    try {
      if (writer.find === undefined) options.unreconciled();
      found = await request(async ({ signal }) => writer.find?.(part, { signal, intentAt, after }));
    } catch (thrown) {
      const error = toBotError(thrown);
      if (error.code !== 'platform_refused') throw error;
      options.unreconciled();
    }
    if (found === undefined) {
      slot.status = 'unposted';
      delete slot.intentAt;
      return;
    }
    await posted(part, slot, found);
  }

  async function posted(part: number, slot: Slot, id: string): Promise<void> {
    Object.assign(slot, { status: 'posted', id, idSaved: false });
    await saveId(part, slot);
  }

  function trustsNonce(slot: Slot): boolean {
    // The intent may be ahead of our clock: clocks of two machines differ slightly, not by minutes.
    return Math.abs(clock.now() - (slot.intentAt ?? 0)) < options.nonceTrustMs;
  }

  async function post(part: number, wanted: WantedPart): Promise<void> {
    const slot = slotOf(part);
    if (slot.status === 'unknown' && !trustsNonce(slot)) {
      await reconcile(part, slot);
      if (slot.id !== undefined) return;
    }
    // The platform may return the earlier message with its earlier text, so an edit must follow.
    const repeated = slot.status === 'unknown';
    if (slot.intentAt === undefined) {
      const intentAt = clock.now();
      await context.saveMessageRef(part, { intentAt });
      slot.intentAt = intentAt;
    }
    const nonce = `${turnId}:${part}`;
    const { text, source, live } = wanted;
    let id: string;
    try {
      id = await request((write) => writer.post(part, text, { ...write, live, nonce }));
    } catch (thrown) {
      if (toBotError(thrown).code === 'platform_unavailable') slot.status = 'unknown';
      throw thrown;
    }
    if (!repeated) Object.assign(slot, { text, source, live });
    await posted(part, slot, id);
  }

  async function edit(slot: Slot, id: string, { text, source, live }: WantedPart): Promise<void> {
    // Unknown until confirmed: if the response is lost, the edit may have been made.
    delete slot.text;
    const result = await request((write) => writer.edit(id, text, { ...write, live }));
    if (result === 'gone') deleted(slot);
    else Object.assign(slot, { text, source, live });
  }

  async function remove(part: number, slot: Slot): Promise<void> {
    const { id } = slot;
    if (id === undefined) return reconcile(part, slot);
    await request((write) => writer.remove(id, write));
    deleted(slot);
  }

  function deleted(slot: Slot): void {
    slot.status = 'deleted';
    delete slot.source;
  }

  function nextAction(view: View): Action | undefined {
    if (view.onlyIfPosted) {
      for (const [part, { status }] of slots) if (status === 'unknown') return { kind: 'find', part };
      if (![...slots.values()].some(({ id }) => id !== undefined)) return undefined;
    }
    // After the first write of a new attempt. Its text grows with each write.
    if (!view.isComplete && slots.get(1)?.text !== undefined) {
      for (const [part, { status, text }] of slots) {
        const isBeyond = part > Math.max(1, view.parts.length);
        if (isBeyond && status === 'posted' && text !== PLACEHOLDER.text)
          return { kind: 'edit', part, wanted: PLACEHOLDER };
      }
    }
    for (const [index, wanted] of view.parts.entries()) {
      const part = index + 1;
      const slot = slots.get(part);
      if (slot?.status === 'deleted') continue;
      if (slot?.id === undefined) return { kind: 'post', part, wanted };
      const differs = slot.text !== wanted.text || (options.liveControls && slot.live !== wanted.live);
      if (differs) return { kind: 'edit', part, wanted };
    }
    if (!view.isComplete) return undefined;
    for (const [part, { status }] of slots) {
      const mayBeShown = status === 'posted' || status === 'unknown';
      if (part > view.parts.length && mayBeShown) return { kind: 'remove', part };
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
