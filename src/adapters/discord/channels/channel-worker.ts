/**
 * One channel: its events are dealt with one by one, in order, and a cursor says up to where. Discord delivers nothing again,
 * so the cursor moves past a message only when that is stored or was deliberately ignored. What was missed (the store was
 * away, a session could not be resumed, a restart) is read over REST before anything newer of the channel (docs/turns.md).
 */
import { type BotError, toBotError } from '../../../errors.ts';
import { backoff } from '../../../lib/backoff.ts';
import type { MessagePayload } from '../payloads.ts';
import type { ChannelAbout } from '../places.ts';
import { firstAt, isNewer, justBefore, newest } from '../snowflake.ts';
import { applyToHeld, type ChannelEvent, editedAt } from './channel-event.ts';
import {
  type ChannelWorkerDeps,
  type ChannelWorkerStart,
  isWaitedFor,
  type Lane,
  NOWHERE,
} from './channel-worker-deps.ts';

/** Pages read in one catch-up: behind that the channel is not worth it, and the newest matters most. */
const MAX_PAGES = 20;
/** Messages held in memory while something is away; behind that they are read over REST. */
const MAX_HELD = 200;
const MAX_BACKOFF_MS = 15_000;
/** For so long a catch-up waits, all in all, for room in conversations that are full; the channel waits with it. */
const PATIENCE_MS = 5 * 60_000;

export function createChannelWorker(deps: ChannelWorkerDeps, start: ChannelWorkerStart): Lane {
  const { pauses, log } = deps;
  const queue: ChannelEvent[] = [];
  let about = start.about;
  let watched = start.watched;
  /** The message by which it was talked to here for the first time. */
  let first: string | undefined;
  let cursor = start.cursor;
  let savedCursor = start.cursor;
  /** REST has given everything up to here: what still comes of that is known. */
  let readUpTo = start.readUpTo ?? NOWHERE;
  /** Times that something may have been missed, and up to which of them that was read. */
  let missed = 0;
  let caughtUp = 0;
  let held = true;
  let dropped = false;
  let failures = 0;
  /** What REST gave and is not dealt with yet. */
  let page: ChannelEvent[] = [];
  /** The one of the queue or the page that is being dealt with. */
  let current: ChannelEvent | undefined;
  let working: Promise<void> | undefined;

  async function deal(event: ChannelEvent, here: ChannelAbout, patientUntil: number): Promise<void> {
    switch (event.kind) {
      case 'message':
        return await receive(event.message, here, patientUntil);
      case 'edited':
        return await edited(event.message, here);
      case 'deleted':
        for (const id of event.ids) await orLeftOut(() => deps.amend(here, id, null));
        return;
      case 'talked':
        return await talked(here, event.id);
    }
  }

  /** Also one that is only now for the bot is answered; whether it was before, the store knows for as long as that is asked. */
  async function edited(message: MessagePayload, here: ChannelAbout): Promise<void> {
    await deps.amend(here, message.id, message);
    const reading = deps.read(message, here, watched);
    if (reading.kind === 'ignored' || !reading.message.isMention || here.direct) return;
    const at = firstAt(editedAt(message));
    if (!isNewer(message.id, deps.oldest()) || !isNewer(at, deps.oldest())) return;
    if (!watched) await deps.keep(here, at);
    await deps.take(reading.message, here, { patientUntil: 0, isFirst: !watched, isEdited: true });
    await talked(here, at);
  }

  async function receive(message: MessagePayload, here: ChannelAbout, patientUntil: number): Promise<void> {
    const reading = deps.read(message, here, watched);
    const goesOn = reading.kind === 'message' && here.parent !== undefined && !reading.message.isMention;
    if (reading.kind === 'ignored' || (goesOn && (await deps.wasSentOut(here)))) {
      cursor = newest(cursor, message.id);
      return;
    }
    try {
      // First of all in the registry: if storing the message fails, and this process ends, it is found there.
      // Also when it could not be stored at first.
      if (!watched) first = message.id;
      const isFirst = first === message.id;
      if (!watched) await deps.keep(here, cursor);
      watched = true;
      await deps.take(reading.message, here, { patientUntil, isFirst, isEdited: false });
    } catch (thrown) {
      if (toBotError(thrown).code === 'store_full') await deps.tellFull(reading.message);
      throw thrown;
    }
    await talked(here, message.id);
  }

  async function talked(here: ChannelAbout, id: string): Promise<void> {
    if (dropped) return;
    watched = true;
    cursor = newest(cursor, id);
    const now = cursor;
    try {
      await deps.keep(here, now);
      savedCursor = newest(savedCursor, now);
    } catch (thrown) {
      // The message itself is stored. The cursor is saved with the next one, or a little later.
      log.warn({ code: toBotError(thrown).code }, 'the cursor of a channel was not saved, later again');
    }
  }

  /** What can't be dealt with at all is left out: it must not stop everything behind it. False: so it was. */
  async function orLeftOut(action: () => Promise<void>): Promise<boolean> {
    try {
      await action();
      return true;
    } catch (thrown) {
      const error = toBotError(thrown);
      if (isWaitedFor(error)) throw error;
      log.error({ code: error.code, err: error.message }, 'an event of a channel was left out');
      return false;
    }
  }

  async function dealWith(event: ChannelEvent, here: ChannelAbout, patientUntil: number): Promise<void> {
    const done = await orLeftOut(() => deal(event, here, patientUntil));
    if (!done && event.kind === 'message') cursor = newest(cursor, event.message.id);
  }

  /** Oldest first, each as it is when its turn comes. False: intake ended before the last. */
  async function dealWithPage(messages: readonly MessagePayload[], here: ChannelAbout, patientUntil: number) {
    page = messages.map((message) => ({ kind: 'message', message }));
    // Either may know what is newer: these are of the time of asking, and of what happened meanwhile only the gateway tells.
    for (const event of queue) applyToHeld(event, page, undefined);
    for (const message of messages) applyToHeld({ kind: 'edited', message }, queue, undefined);
    try {
      for (let next = page[0]; next?.kind === 'message'; next = page[0]) {
        if (pauses.ended() || dropped) return false;
        current = next;
        await dealWith(next, here, patientUntil);
        page.shift();
        readUpTo = newest(readUpTo, next.message.id);
      }
      return true;
    } finally {
      current = undefined;
      page = [];
    }
  }

  async function readMissed(here: ChannelAbout): Promise<void> {
    const asked = missed;
    if (cursor === NOWHERE) {
      caughtUp = asked;
      return;
    }
    const patientUntil = deps.clock.monotonic() + PATIENCE_MS;
    let after = newest(cursor, deps.oldest());
    let count = 0;
    let more = true;
    for (let pages = 0; more && pages < MAX_PAGES; pages += 1) {
      const found = await deps.history(after);
      if (!(await dealWithPage(found.messages, here, patientUntil))) return;
      after = newest(after, found.messages.at(-1)?.id ?? after);
      count += found.messages.length;
      ({ more } = found);
    }
    if (more) log.warn({ messages: count }, 'a channel has more than is caught up on; the rest is left out');
    else if (count > 0) log.info({ messages: count }, 'caught up on a channel');
    caughtUp = asked;
  }

  /** Something is away: waits until it may be back. */
  async function recover(error: BotError): Promise<void> {
    failures += 1;
    const store = error.code === 'store_unavailable' || error.code === 'store_full';
    log.warn({ code: error.code, failures }, 'a channel waits: what comes is neither stored nor lost');
    await pauses.wait(Math.max(error.retryAfterMs ?? 0, backoff(failures, MAX_BACKOFF_MS)));
    if (store) await deps.storeBack();
  }

  async function step(): Promise<void> {
    about ??= await deps.about();
    if (missed > caughtUp) {
      const asked = missed;
      try {
        await readMissed(about);
      } catch (thrown) {
        const error = toBotError(thrown);
        if (isWaitedFor(error)) throw error;
        // The channel is gone or closed to the bot: what is held is all there is.
        log.warn({ code: error.code, err: error.message }, 'a channel can’t be caught up on');
        caughtUp = asked;
      }
      return;
    }
    const event = queue[0];
    if (event === undefined) return;
    const known = event.kind === 'message' && !isNewer(event.message.id, readUpTo);
    current = event;
    try {
      if (!known) await dealWith(event, about, 0);
      queue.shift();
    } catch (thrown) {
      // It is dealt with again, as it is then.
      for (const later of queue.slice(1)) applyToHeld(later, queue, undefined);
      throw thrown;
    } finally {
      current = undefined;
    }
  }

  async function work(): Promise<void> {
    while (!held && isBusy()) {
      // Behind what was missed nothing newer is dealt with: the cursor would pass it.
      if (missed > caughtUp && pauses.ended()) return;
      try {
        await step();
        failures = 0;
      } catch (thrown) {
        if (dropped) return;
        missed += 1;
        await recover(toBotError(thrown));
      }
    }
  }

  const isBusy = () => missed > caughtUp || queue.length > 0;

  function run(): void {
    if (held || working !== undefined || !isBusy()) return;
    working = work().finally(() => {
      working = undefined;
      if (!isBusy()) deps.emptied();
      else if (!pauses.ended()) run();
    });
  }

  return {
    push(event) {
      for (const waiting of [queue, page]) applyToHeld(event, waiting, current);
      // A lane that was made for something else has no beginning yet.
      if (event.kind === 'message' && cursor === NOWHERE) cursor = justBefore(event.message.id);
      if (event.kind === 'message' && queue.length >= MAX_HELD) missed += 1;
      else queue.push(event);
      run();
    },
    hold() {
      held = true;
    },
    goOn({ known, missed: some = true } = {}) {
      if (known !== undefined) {
        about ??= known.about;
        if (watched) cursor = newest(cursor, known.cursor);
        // A lane that was made for one message begins there. The registry may begin earlier; or later, where another replica
        // was talked to before this one could store what it holds.
        else if (cursor === NOWHERE || isNewer(cursor, known.cursor)) cursor = known.cursor;
        watched = true;
      }
      if (watched && some) missed += 1;
      held = dropped;
      run();
    },
    drop() {
      dropped = true;
      held = true;
      queue.length = 0;
    },
    watched: () => watched,
    about: () => about,
    rest() {
      if (!watched || working !== undefined || isBusy() || cursor !== savedCursor) return undefined;
      return { about, cursor, watched, readUpTo };
    },
    unsaved: () => (watched && cursor !== savedCursor ? cursor : undefined),
    saved(now) {
      savedCursor = newest(savedCursor, now);
    },
    async idle() {
      while (working !== undefined) await working;
    },
  };
}
