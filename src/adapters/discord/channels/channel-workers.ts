/**
 * The workers of all channels, over the registry of watched channels (those in which the bot was addressed). A watched channel
 * is either active (it has a worker) or dormant (only its position is kept). At the start of a session that replays nothing,
 * every watched channel catches up, some at a time.
 */
import type { Channels, WatchedChannel } from '../../../core/channels.ts';
import type { Clock } from '../../../core/ports.ts';
import { toBotError } from '../../../errors.ts';
import { backoff } from '../../../lib/backoff.ts';
import type { MessagePayload } from '../payloads.ts';
import { type ChannelInfo, channelInfo, DIRECT, DISCORD } from '../places.ts';
import { codeOf } from '../rest.ts';
import { firstAt, justBefore, LOWEST, newest } from '../snowflake.ts';
import type { ChannelEvent } from './channel-queue.ts';
import type { ChannelReader } from './channel-reader.ts';
import { createChannelWorker } from './channel-worker.ts';
import type { ChannelWorker, ChannelWorkerDeps, ChannelWorkerStart } from './channel-worker-deps.ts';

/** Older messages are not answered any more. As long as idempotency keys are kept (docs/turns.md). */
const CATCH_UP_MS = 24 * 3_600_000;
/** Channels that catch up at the same time. One with a new event does not wait for its turn. */
const MAX_CATCHING_UP = 50;
/** Interval for saving cursors that only passed ignored messages. */
const SAVE_MS = 5_000;
const PRUNE_MS = 3_600_000;
const MAX_BACKOFF_MS = 5_000;
const UNKNOWN_CHANNEL = 10_003;

export interface ChannelWorkersDeps
  extends Pick<ChannelWorkerDeps, 'read' | 'handleMessage' | 'reportStoreFull' | 'delays' | 'log'> {
  /** As {@link ChannelWorkerDeps.isDismissed}, of this channel. */
  readonly isDismissed: (channel: string, info: ChannelInfo) => Promise<boolean>;
  /** As {@link ChannelWorkerDeps.applyChange}, of this channel. */
  readonly applyChange: (
    info: ChannelInfo,
    channel: string,
    id: string,
    message: MessagePayload | null,
  ) => Promise<void>;
  readonly channels: Channels;
  readonly reader: ChannelReader;
  /** A watched channel turned out to be deleted. */
  readonly onDeleted: (channel: string, info: ChannelInfo) => void;
  /** The bot turned out to be removed from a server. */
  readonly onRemoved: (guild: string) => void;
  readonly isMember: (guild: string) => boolean;
  readonly ping: () => Promise<void>;
  readonly clock: Clock;
}

/** A channel with its threads, or all of a server. */
export type DeletedPlace = { readonly channel: string } | { readonly guild: string };

export interface ClosedChannels {
  /** Resolves when none of their messages is being stored any more. */
  readonly settled: Promise<void>;
  /** Removes them from the registry. @throws as the store does */
  unwatch(): Promise<void>;
}

export interface ChannelWorkers {
  /** @param opens The event is handled even if the channel is not watched. */
  push(channel: string, guild: string | undefined, event: ChannelEvent, opens: boolean): void;
  /** Somebody used a command of the bot; `id` is the snowflake of the interaction. */
  commandUsed(channel: string, info: ChannelInfo, id: string): void;
  isWatched(channel: string): boolean;
  /** A session began that replays nothing: what came before it may have been missed. */
  sessionBegan(): void;
  close(deleted: DeletedPlace): ClosedChannels;
  start(): void;
  /** Processes what is queued, as far as that can be done at once, and saves the cursors. */
  stop(): Promise<void>;
}

interface ActiveChannel {
  readonly worker: ChannelWorker;
  readonly guild: string | undefined;
}

interface DormantChannel {
  readonly start: ChannelWorkerStart;
  /** It has to catch up. */
  readonly behind: boolean;
}

/** Of the registry: no worker continues before it was read. Each read has an object of its own; only the latest counts. */
type Registry = { readonly state: 'loading' } | { readonly state: 'loaded' };

export function createChannelWorkers(deps: ChannelWorkersDeps): ChannelWorkers {
  const { reader, delays, log } = deps;
  /** By channel id. A channel is in one of the two at most. */
  const active = new Map<string, ActiveChannel>();
  const dormant = new Map<string, DormantChannel>();
  /** Ids of channels that were behind. Those that have caught up in the meantime are skipped. */
  let backlog: Iterator<string, undefined> = [].values();
  /** Of the backlog. */
  const catchingUp = new Set<string>();
  let registry: Registry = { state: 'loading' };
  const timers: NodeJS.Timeout[] = [];

  async function untilStoreAnswers(): Promise<void> {
    for (let failures = 1; !delays.ended(); failures += 1) {
      try {
        return await deps.ping();
      } catch {
        await delays.wait(backoff(failures, MAX_BACKOFF_MS));
      }
    }
  }

  async function readHistory(id: string, worker: ChannelWorker, after: string) {
    try {
      return await reader.history(id, after);
    } catch (thrown) {
      const info = worker.info();
      if (codeOf(thrown) === UNKNOWN_CHANNEL && info !== undefined) deps.onDeleted(id, info);
      throw thrown;
    }
  }

  /** Gives the worker of a channel; makes one that begins where the channel was left, else at `start`. */
  function activate(id: string, guild: string | undefined, start: ChannelWorkerStart): ChannelWorker {
    const existing = active.get(id)?.worker;
    if (existing !== undefined) return existing;
    const kept = dormant.get(id);
    const worker: ChannelWorker = createChannelWorker(
      {
        read: deps.read,
        handleMessage: deps.handleMessage,
        reportStoreFull: deps.reportStoreFull,
        isDismissed: (info) => deps.isDismissed(id, info),
        applyChange: (info, message, changed) => deps.applyChange(info, id, message, changed),
        channelInfo: async () => (guild === undefined ? DIRECT : await reader.channelInfo(id, guild)),
        saveCursor: (info, cursor) => deps.channels.watch(DISCORD, { id, about: { ...info }, cursor }),
        readHistory: (after) => readHistory(id, worker, after),
        oldestId: () => firstAt(deps.clock.now() - CATCH_UP_MS),
        onIdle: () => deactivate(id, worker),
        ...{ untilStoreAnswers, delays, clock: deps.clock, log: log.child({ channel: id }) },
      },
      kept?.start ?? start,
    );
    active.set(id, { worker, guild });
    dormant.delete(id);
    if (registry.state === 'loaded') worker.resume({ missed: kept?.behind ?? true });
    return worker;
  }

  /** Removes a worker with nothing left to do. Of a watched channel, its position is kept. */
  function deactivate(id: string, worker: ChannelWorker): void {
    if (active.get(id)?.worker !== worker) return;
    const start = worker.snapshot();
    if (start !== undefined || !worker.watched()) active.delete(id);
    if (start !== undefined) dormant.set(id, { start, behind: false });
    catchingUp.delete(id);
    catchUp();
  }

  function catchUp(): void {
    if (registry.state === 'loading' || delays.ended()) return;
    while (catchingUp.size < MAX_CATCHING_UP) {
      const { value: id } = backlog.next();
      if (id === undefined) return;
      const channel = dormant.get(id);
      if (channel?.behind !== true) continue;
      catchingUp.add(id);
      activate(id, channel.start.info?.guild, channel.start);
    }
  }

  async function load(): Promise<void> {
    const loading: Registry = { state: 'loading' };
    registry = loading;
    for (const { worker } of active.values()) worker.pause();
    for (let failures = 1; !delays.ended(); failures += 1) {
      try {
        const watched = await deps.channels.watched(DISCORD);
        if (registry === loading) resumeAll(watched);
        return;
      } catch (thrown) {
        log.warn({ code: toBotError(thrown).code }, 'cannot read the channel registry; will retry');
        await delays.wait(backoff(failures, MAX_BACKOFF_MS));
        if (registry !== loading) return;
      }
    }
  }

  function resumeAll(watched: readonly WatchedChannel[]): void {
    const known = new Map<string, ChannelWorkerStart>();
    for (const { id, about, cursor } of watched) {
      const info = channelInfo.safeParse(about);
      if (info.success) known.set(id, { info: info.data, cursor, watched: true });
    }
    registry = { state: 'loaded' };
    for (const [id, start] of known) {
      if (active.has(id)) continue;
      const kept = dormant.get(id)?.start;
      const merged = kept === undefined ? start : { ...kept, cursor: newest(kept.cursor, start.cursor) };
      dormant.set(id, { start: merged, behind: true });
    }
    backlog = [...dormant.keys()].values();
    for (const [id, { worker }] of active) worker.resume({ known: known.get(id) });
    const guilds = new Set([...known.values()].flatMap(({ info }) => info?.guild ?? []));
    for (const guild of guilds) if (!deps.isMember(guild)) deps.onRemoved(guild);
    catchUp();
  }

  async function saveCursors(): Promise<void> {
    const unsaved = [...active].flatMap(([id, { worker }]) => {
      const cursor = worker.unsavedCursor();
      return cursor === undefined ? [] : [{ id, worker, cursor }];
    });
    if (unsaved.length === 0) return;
    await deps.channels.advance(DISCORD, new Map(unsaved.map(({ id, cursor }) => [id, cursor])));
    for (const { id, worker, cursor } of unsaved) {
      worker.cursorSaved(cursor);
      if (worker.snapshot() !== undefined) deactivate(id, worker);
    }
  }

  /** Channels that the registry has dropped, because nobody addressed the bot there for long, leave the memory too. */
  async function prune(): Promise<void> {
    const before = [...dormant];
    const watched = new Set((await deps.channels.watched(DISCORD)).map(({ id }) => id));
    for (const [id, channel] of before) if (!watched.has(id) && dormant.get(id) === channel) dormant.delete(id);
  }

  function close(deleted: DeletedPlace): ClosedChannels {
    const isDeleted = (id: string, guild: string | undefined, info: ChannelInfo | undefined) =>
      'guild' in deleted ? guild === deleted.guild : id === deleted.channel || info?.parent === deleted.channel;
    const closed = [...active].filter(([id, { guild, worker }]) => isDeleted(id, guild, worker.info()));
    const forgotten = [...dormant].filter(
      ([
        id,
        {
          start: { info },
        },
      ]) => isDeleted(id, info?.guild, info),
    );
    const ids = [...closed, ...forgotten].map(([id]) => id);
    for (const id of ids) for (const known of [active, dormant, catchingUp]) known.delete(id);
    for (const [, { worker }] of closed) worker.close();
    catchUp();
    return {
      settled: Promise.all(closed.map(([, { worker }]) => worker.settled())).then(() => undefined),
      unwatch: () => deps.channels.unwatch(DISCORD, ids),
    };
  }

  function push(worker: ChannelWorker, event: ChannelEvent): void {
    worker.push(event);
    if (delays.ended()) worker.stop();
  }

  return {
    push(channel, guild, event, opens) {
      if (opens || active.has(channel) || dormant.has(channel)) push(activate(channel, guild, startAt(event)), event);
    },
    commandUsed(channel, info, id) {
      push(activate(channel, info.guild, { info, cursor: id, watched: false }), { kind: 'command', id });
    },
    isWatched: (id) => dormant.has(id) || active.get(id)?.worker.watched() === true,
    sessionBegan: () => void load(),
    close,
    start() {
      const every = (ms: number, task: () => Promise<void>, failed: string) => {
        const run = () => task().catch((thrown: unknown) => log.warn({ code: toBotError(thrown).code }, failed));
        timers.push(setInterval(run, ms).unref());
      };
      every(SAVE_MS, saveCursors, 'could not save the cursors of channels; will retry');
      every(PRUNE_MS, prune, 'could not prune the channels in memory; will retry');
    },
    async stop() {
      for (const timer of timers) clearInterval(timer);
      delays.end();
      const workers = [...active.values()].map(({ worker }) => worker);
      for (const worker of workers) worker.stop();
      await Promise.all(workers.map((worker) => worker.settled()));
      await saveCursors().catch(() => undefined);
    },
  };
}

/** A worker that is made for a message begins just before it. */
export function startAt(event: ChannelEvent): ChannelWorkerStart {
  return { cursor: event.kind === 'message' ? justBefore(event.message.id) : LOWEST, watched: false };
}
