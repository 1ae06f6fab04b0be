/**
 * Processes the events of one channel, one by one and in order. A cursor says how far it has come. Discord does not redeliver,
 * so the cursor passes a message only once it is stored or deliberately ignored. Messages that were missed (during an outage of
 * the store, a restart, a session that could not be resumed) are read over REST before any newer event (docs/turns.md).
 *
 * worker-state.ts decides which step comes next.
 */
import { type BotError, toBotError } from '../../../errors.ts';
import { backoff } from '../../../lib/backoff.ts';
import type { MessagePayload } from '../payloads.ts';
import type { ChannelInfo } from '../places.ts';
import { firstAt, isNewer, justBefore, LOWEST, newest } from '../snowflake.ts';
import { type ChannelEvent, createChannelQueue, editedAt } from './channel-queue.ts';
import type { ChannelWorker, ChannelWorkerDeps, ChannelWorkerStart } from './channel-worker-deps.ts';
import { INITIAL_STATE, type Step, transition, type WorkerEvent } from './worker-state.ts';

/** Pages read in one catch-up. Whatever is missed beyond that is left out. */
const MAX_PAGES = 20;
/** Events kept in memory during an outage. Further messages are read over REST afterwards. */
const MAX_QUEUED = 200;
const MAX_BACKOFF_MS = 15_000;
/** A catch-up, and the channel with it, waits at most this long in all for room in full conversations. */
const MAX_WAIT_FOR_ROOM_MS = 5 * 60_000;

export function createChannelWorker(deps: ChannelWorkerDeps, start: ChannelWorkerStart): ChannelWorker {
  const { delays, log } = deps;
  const queue = createChannelQueue();
  let state = INITIAL_STATE;
  let running: Promise<void> | undefined;
  /** Why the last step failed. */
  let failure: BotError | undefined;

  let info = start.info;
  let watched = start.watched;
  /** The first message to the bot in this channel. */
  let firstId: string | undefined;
  let cursor = start.cursor;
  let savedCursor = start.cursor;
  let readUpTo = start.readUpTo ?? LOWEST;

  function apply(event: WorkerEvent): void {
    state = transition(state, event, queue.size() > 0);
    run();
  }

  function run(): void {
    if (running !== undefined || state.step === undefined) return;
    running = performSteps().finally(() => {
      running = undefined;
      if (state.step !== undefined) run();
      else if (!state.gap && queue.size() === 0) deps.onIdle();
    });
  }

  async function performSteps(): Promise<void> {
    for (let { step } = state; step !== undefined; { step } = state) {
      let result: 'done' | 'failed' | 'interrupted';
      try {
        result = await perform(step);
      } catch (thrown) {
        failure = toBotError(thrown);
        result = 'failed';
      }
      state = transition(state, { kind: result }, queue.size() > 0);
    }
  }

  async function perform(step: Step): Promise<'done' | 'interrupted'> {
    switch (step) {
      case 'wait':
        await waitFor(failure);
        return 'done';
      case 'catch-up':
        info ??= await deps.channelInfo();
        return await catchUp(info);
      case 'process': {
        const here = info ?? (await deps.channelInfo());
        info = here;
        await queue.processNext(async (event) => {
          const known = event.kind === 'message' && !isNewer(event.message.id, readUpTo);
          if (!known) await processEvent(event, here, 0);
        });
        return 'done';
      }
    }
  }

  async function waitFor(error: BotError | undefined): Promise<void> {
    log.warn({ code: error?.code, failures: state.failures }, 'channel paused; will catch up after recovery');
    await delays.wait(Math.max(error?.retryAfterMs ?? 0, backoff(state.failures, MAX_BACKOFF_MS)));
    if (error?.code === 'store_unavailable' || error?.code === 'store_full') await deps.untilStoreAnswers();
  }

  const mayContinue = () => state.mode === 'working' || state.mode === 'pausing';

  async function catchUp(here: ChannelInfo): Promise<'done' | 'interrupted'> {
    if (cursor === LOWEST) return 'done';
    try {
      return await readMissed(here);
    } catch (thrown) {
      const error = toBotError(thrown);
      if (isTemporary(error)) throw error;
      // The channel is gone, or the bot lost access: there is nothing but the queue.
      log.warn({ code: error.code, err: error.message }, 'cannot read the history of a channel');
      return 'done';
    }
  }

  async function readMissed(here: ChannelInfo): Promise<'done' | 'interrupted'> {
    const waitUntil = deps.clock.monotonic() + MAX_WAIT_FOR_ROOM_MS;
    let after = newest(cursor, deps.oldestId());
    let count = 0;
    let more = true;
    for (let pages = 0; more && pages < MAX_PAGES; pages += 1) {
      const page = await deps.readHistory(after);
      const handle = async (event: Extract<ChannelEvent, { kind: 'message' }>) => {
        await processEvent(event, here, waitUntil);
        readUpTo = newest(readUpTo, event.message.id);
      };
      if (!(await queue.processPage(page.messages, handle, mayContinue))) return 'interrupted';
      after = newest(after, page.messages.at(-1)?.id ?? after);
      count += page.messages.length;
      ({ more } = page);
    }
    if (more) log.warn({ messages: count }, 'caught up on a channel in part; the rest is too much and left out');
    else if (count > 0) log.info({ messages: count }, 'caught up on a channel');
    return 'done';
  }

  /** An event that cannot be processed at all is skipped: it must not block the events after it. */
  async function processEvent(event: ChannelEvent, here: ChannelInfo, waitUntil: number): Promise<void> {
    switch (event.kind) {
      case 'message':
        if (!(await orSkip(() => processMessage(event.message, here, waitUntil)))) pass(event.message.id);
        return;
      case 'edited':
        await orSkip(() => processEdit(event.message, here));
        return;
      case 'deleted':
        for (const id of event.ids) await orSkip(() => deps.applyChange(here, id, null));
        return;
      case 'command':
        return await addressed(here, event.id);
    }
  }

  /** False when it was skipped. @throws BotError that is temporary */
  async function orSkip(action: () => Promise<void>): Promise<boolean> {
    try {
      await action();
      return true;
    } catch (thrown) {
      const error = toBotError(thrown);
      if (isTemporary(error)) throw error;
      log.error({ code: error.code, err: error.message }, 'skipped an event that cannot be processed');
      return false;
    }
  }

  function pass(id: string): void {
    cursor = newest(cursor, id);
  }

  async function processMessage(message: MessagePayload, here: ChannelInfo, waitUntil: number): Promise<void> {
    const reading = deps.read(message, here, watched);
    const isFollowUp = reading.kind === 'message' && here.parent !== undefined && !reading.message.isMention;
    if (reading.kind === 'ignored' || (isFollowUp && (await deps.isDismissed(here)))) return pass(message.id);
    try {
      // Registered before it is stored: if this process ends in between, the next one finds the message.
      if (!watched) {
        firstId = message.id;
        await deps.saveCursor(here, cursor);
        watched = true;
      }
      await deps.handleMessage(reading.message, here, { waitUntil, isFirst: firstId === message.id, isEdited: false });
    } catch (thrown) {
      if (toBotError(thrown).code === 'store_full') await deps.reportStoreFull(reading.message);
      throw thrown;
    }
    await addressed(here, message.id);
  }

  /** An edit may make an older message one to the bot. The store's idempotency keys tell whether it was handled before. */
  async function processEdit(message: MessagePayload, here: ChannelInfo): Promise<void> {
    await deps.applyChange(here, message.id, message);
    const reading = deps.read(message, here, watched);
    if (reading.kind === 'ignored' || !reading.message.isMention || here.direct) return;
    const at = firstAt(editedAt(message));
    if (!isNewer(message.id, deps.oldestId()) || !isNewer(at, deps.oldestId())) return;
    const isFirst = !watched;
    if (isFirst) await deps.saveCursor(here, at);
    await deps.handleMessage(reading.message, here, { waitUntil: 0, isFirst, isEdited: true });
    await addressed(here, at);
  }

  /** The bot was addressed: everything up to `id` is stored, and the channel is watched from now on. */
  async function addressed(here: ChannelInfo, id: string): Promise<void> {
    if (state.mode === 'closed') return;
    watched = true;
    pass(id);
    const saving = cursor;
    try {
      await deps.saveCursor(here, saving);
      savedCursor = newest(savedCursor, saving);
    } catch (thrown) {
      // The message itself is stored. The cursor is saved with the next one, or by the timer.
      log.warn({ code: toBotError(thrown).code }, 'could not save the cursor of a channel; will retry');
    }
  }

  return {
    push(event) {
      if (event.kind === 'message') {
        // A worker that was made for another kind of event has no position yet.
        if (cursor === LOWEST) cursor = justBefore(event.message.id);
        if (queue.size() >= MAX_QUEUED) return apply({ kind: 'gap' });
      }
      queue.push(event);
      apply({ kind: 'queued' });
    },
    pause: () => apply({ kind: 'pause' }),
    resume({ known, missed = true } = {}) {
      if (known !== undefined) {
        info ??= known.info;
        if (watched) pass(known.cursor);
        // A worker made for one message begins there. The registry may begin earlier; or later, where the bot was addressed by
        // way of another replica before this one could store what it holds.
        else if (cursor === LOWEST || isNewer(cursor, known.cursor)) ({ cursor } = known);
        watched = true;
      }
      apply({ kind: 'resume', gap: watched && missed });
    },
    stop: () => apply({ kind: 'stop' }),
    close() {
      queue.clear();
      apply({ kind: 'close' });
    },
    watched: () => watched,
    info: () => info,
    snapshot() {
      const busy = running !== undefined || state.gap || queue.size() > 0;
      return !watched || busy || cursor !== savedCursor ? undefined : { info, cursor, watched, readUpTo };
    },
    unsavedCursor: () => (watched && cursor !== savedCursor ? cursor : undefined),
    cursorSaved(saved) {
      savedCursor = newest(savedCursor, saved);
    },
    async settled() {
      while (running !== undefined) await running;
    },
  };
}

/** The store or the platform is unavailable for a while: it is worth waiting for. */
function isTemporary({ code, retryable }: BotError): boolean {
  if (code === 'store_unavailable' || code === 'store_full') return true;
  return retryable && (code === 'platform_unavailable' || code === 'platform_rate_limited');
}
