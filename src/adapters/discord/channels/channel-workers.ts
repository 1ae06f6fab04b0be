/** The lanes of all channels, the registry behind them, and what is missed at the beginning of a session. */
import type { Channels, WatchedChannel } from '../../../core/channels.ts';
import type { Clock } from '../../../core/ports.ts';
import { toBotError } from '../../../errors.ts';
import { backoff } from '../../../lib/backoff.ts';
import type { MessagePayload } from '../payloads.ts';
import { type ChannelAbout, channelAbout, DIRECT, DISCORD } from '../places.ts';
import { codeOf } from '../rest.ts';
import { firstAt, newest } from '../snowflake.ts';
import type { ChannelEvent } from './channel-event.ts';
import type { ChannelReader } from './channel-reader.ts';
import { createChannelWorker } from './channel-worker.ts';
import { beginningWith, type ChannelWorkerDeps, type ChannelWorkerStart, type Lane } from './channel-worker-deps.ts';

/** Older messages are not caught up on: whoever asked has gone by then. As long as idempotency keys are known (docs/turns.md). */
const CATCH_UP_MS = 24 * 3_600_000;
/** Channels that are caught up on at the same time; one in which something is said meanwhile does not wait for the others. */
const CATCHING_UP = 50;
/** Between two savings of cursors that only passed messages which were ignored. */
const SAVE_MS = 5_000;
const TIDY_MS = 3_600_000;
const MAX_BACKOFF_MS = 5_000;
const UNKNOWN_CHANNEL = 10_003;

export interface ChannelWorkersDeps extends Pick<ChannelWorkerDeps, 'read' | 'take' | 'tellFull' | 'pauses' | 'log'> {
  /** As `wasSentOut` of a lane, of this channel. */
  readonly wasSentOut: (channel: string, about: ChannelAbout) => Promise<boolean>;
  /** As `amend` of a lane, of this channel. */
  readonly amend: (about: ChannelAbout, channel: string, id: string, message: MessagePayload | null) => Promise<void>;
  readonly channels: Channels;
  readonly reader: ChannelReader;
  /** A channel was found to be gone, which had been talked in. */
  readonly gone: (channel: string, about: ChannelAbout) => void;
  /** The bot was taken out of a server meanwhile. */
  readonly left: (guild: string) => void;
  readonly isMember: (guild: string) => boolean;
  readonly ping: () => Promise<void>;
  readonly clock: Clock;
}

export type Gone = { readonly channel: string } | { readonly guild: string };

export interface Dropped {
  /** Resolves when nothing of it is being stored any more. */
  readonly idle: Promise<void>;
  /** Takes it out of the registry. @throws as the store does */
  unwatch(): Promise<void>;
}

export interface ChannelWorkers {
  /** An event of a channel. `opens`: also where the bot was not talked to before. */
  push(channel: string, guild: string | undefined, event: ChannelEvent, opens: boolean): void;
  /** The bot was talked to in a channel by a command. */
  talked(channel: string, about: ChannelAbout, id: string): void;
  isWatched(channel: string): boolean;
  /** A session has begun that replays nothing: every channel that was talked in is caught up on, then goes on. */
  sessionBegan(): void;
  /** A channel (with its threads), or all of a server, is no more: what is held of it is dropped. */
  drop(gone: Gone): Dropped;
  start(): void;
  /** Deals with what is held, as far as that can be done at once, and saves the cursors. */
  stop(): Promise<void>;
}

export function createChannelWorkers(deps: ChannelWorkersDeps): ChannelWorkers {
  const { channels, reader, pauses, log } = deps;
  const lanes = new Map<string, { readonly lane: Lane; readonly guild: string | undefined }>();
  /** Channels that were talked in and need no lane just now, and those of them that are to be caught up on. */
  const resting = new Map<string, ChannelWorkerStart>();
  const behind = new Set<string>();
  /** Goes on where it was: a new walk would pass all that is done already. */
  let toCatchUp = behind.values();
  const catchingUp = new Set<string>();
  let loaded = false;
  let sessions = 0;
  const timers: NodeJS.Timeout[] = [];

  async function storeBack(): Promise<void> {
    for (let failures = 1; !pauses.ended(); failures += 1) {
      try {
        return await deps.ping();
      } catch {
        await pauses.wait(backoff(failures, MAX_BACKOFF_MS));
      }
    }
  }

  async function history(id: string, after: string) {
    try {
      return await reader.history(id, after);
    } catch (thrown) {
      const about = lanes.get(id)?.lane.about();
      if (codeOf(thrown) === UNKNOWN_CHANNEL && about !== undefined) deps.gone(id, about);
      throw thrown;
    }
  }

  function open(id: string, guild: string | undefined, start: ChannelWorkerStart): Lane {
    const existing = lanes.get(id)?.lane;
    if (existing !== undefined) return existing;
    const rested = resting.get(id);
    const lane = createChannelWorker(
      {
        ...{ read: deps.read, take: deps.take, tellFull: deps.tellFull, clock: deps.clock, pauses, storeBack },
        wasSentOut: (about) => deps.wasSentOut(id, about),
        amend: (about, message, changed) => deps.amend(about, id, message, changed),
        log: log.child({ channel: id }),
        about: async () => (guild === undefined ? DIRECT : await reader.about(id, guild)),
        keep: (about, cursor) => channels.watch(DISCORD, { id, about: { ...about }, cursor }),
        history: (after) => history(id, after),
        oldest: () => firstAt(deps.clock.now() - CATCH_UP_MS),
        emptied: () => letGo(id, lane),
      },
      rested ?? start,
    );
    lanes.set(id, { lane, guild });
    resting.delete(id);
    const missed = behind.delete(id) || rested === undefined;
    if (loaded) lane.goOn({ missed });
    return lane;
  }

  /** A lane with nothing to do makes room: of a channel that was talked in, what the registry has is kept. */
  function letGo(id: string, lane: Lane): void {
    if (lanes.get(id)?.lane !== lane) return;
    const rest = lane.rest();
    if (rest !== undefined || !lane.watched()) lanes.delete(id);
    if (rest !== undefined) resting.set(id, rest);
    catchingUp.delete(id);
    catchUp();
  }

  function catchUp(): void {
    if (!loaded || pauses.ended()) return;
    while (catchingUp.size < CATCHING_UP) {
      const { value: id, done } = toCatchUp.next();
      if (done === true) return;
      const start = resting.get(id);
      if (start === undefined) continue;
      catchingUp.add(id);
      open(id, start.about?.guild, start);
    }
  }

  /** Nothing goes on before the registry has said which channels were talked in, and up to where they were dealt with. */
  async function load(): Promise<void> {
    sessions += 1;
    const session = sessions;
    loaded = false;
    for (const { lane } of lanes.values()) lane.hold();
    for (let failures = 1; !pauses.ended(); failures += 1) {
      try {
        const watched = await channels.watched(DISCORD);
        if (session === sessions) goOn(watched);
        return;
      } catch (thrown) {
        log.warn({ code: toBotError(thrown).code }, 'the registry of channels can’t be read, intake waits for it');
        await pauses.wait(backoff(failures, MAX_BACKOFF_MS));
        if (session !== sessions) return;
      }
    }
  }

  function goOn(watched: readonly WatchedChannel[]): void {
    const known = new Map<string, ChannelWorkerStart>();
    for (const { id, about, cursor } of watched) {
      const parsed = channelAbout.safeParse(about);
      if (parsed.success) known.set(id, { about: parsed.data, cursor, watched: true });
    }
    loaded = true;
    for (const [id, start] of known) {
      if (lanes.has(id)) continue;
      const rested = resting.get(id);
      resting.set(id, rested === undefined ? start : { ...rested, cursor: newest(rested.cursor, start.cursor) });
      behind.add(id);
    }
    toCatchUp = behind.values();
    for (const [id, { lane }] of lanes) lane.goOn({ known: known.get(id) });
    const guilds = new Set([...known.values()].flatMap(({ about }) => about?.guild ?? []));
    for (const guild of guilds) if (!deps.isMember(guild)) deps.left(guild);
    catchUp();
  }

  async function save(): Promise<void> {
    const unsaved = [...lanes].flatMap(([id, { lane }]) => {
      const cursor = lane.unsaved();
      return cursor === undefined ? [] : [[id, cursor] as const];
    });
    if (unsaved.length === 0) return;
    await channels.advance(DISCORD, new Map(unsaved));
    for (const [id, cursor] of unsaved) {
      const lane = lanes.get(id)?.lane;
      lane?.saved(cursor);
      if (lane?.rest() !== undefined) letGo(id, lane);
    }
  }

  /** Channels that were silent for long leave the memory as they leave the registry. */
  async function tidy(): Promise<void> {
    const before = new Map(resting);
    const watched = new Set((await channels.watched(DISCORD)).map(({ id }) => id));
    for (const [id, start] of before) if (!watched.has(id) && resting.get(id) === start) resting.delete(id);
  }

  function drop(gone: Gone): Dropped {
    const isGone = (id: string, { guild, parent }: { guild?: string | undefined; parent?: string | undefined }) =>
      'guild' in gone ? guild === gone.guild : id === gone.channel || parent === gone.channel;
    const dropped = [...lanes].filter(([id, { lane, guild }]) => isGone(id, { guild, ...lane.about() }));
    const rested = [...resting].filter(([id, { about }]) => isGone(id, about ?? {}));
    const ids = [...dropped, ...rested].map(([id]) => id);
    for (const id of ids) for (const known of [lanes, resting, behind, catchingUp]) known.delete(id);
    for (const [, { lane }] of dropped) lane.drop();
    catchUp();
    return {
      idle: Promise.all(dropped.map(([, { lane }]) => lane.idle())).then(() => undefined),
      unwatch: () => channels.unwatch(DISCORD, ids),
    };
  }

  function inBackground(task: Promise<unknown>, otherwise: string): void {
    task.catch((thrown: unknown) => log.warn({ code: toBotError(thrown).code }, otherwise));
  }

  return {
    push(channel, guild, event, opens) {
      if (!opens && !lanes.has(channel) && !resting.has(channel)) return;
      open(channel, guild, beginningWith(event)).push(event);
    },
    talked(channel, about, id) {
      open(channel, about.guild, { about, cursor: id, watched: false }).push({ kind: 'talked', id });
    },
    isWatched: (id) => resting.has(id) || lanes.get(id)?.lane.watched() === true,
    sessionBegan() {
      void load();
    },
    drop,
    start() {
      const every = (ms: number, task: () => Promise<void>, otherwise: string) =>
        setInterval(() => inBackground(task(), otherwise), ms).unref();
      timers.push(every(SAVE_MS, save, 'cursors were not saved, later again'));
      timers.push(every(TIDY_MS, tidy, 'channels were not tidied, later again'));
    },
    async stop() {
      for (const timer of timers) clearInterval(timer);
      pauses.end();
      await Promise.all([...lanes.values()].map(({ lane }) => lane.idle()));
      await save().catch(() => undefined);
    },
  };
}
