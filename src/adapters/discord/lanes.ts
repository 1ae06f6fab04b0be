/** The lanes of all channels, the registry behind them, and what is missed at the beginning of a session. */
import { z } from 'zod';
import type { Channels, WatchedChannel } from '../../core/channels.ts';
import type { Clock } from '../../core/ports.ts';
import { toBotError } from '../../errors.ts';
import type { ChannelEvent } from './channel-event.ts';
import { beginningWith, createLane, type Lane, type LaneStart } from './lane.ts';
import type { LaneDeps } from './lane-deps.ts';
import { backoff, createGate } from './pauses.ts';
import { type ChannelPayload, channelPayload, type MessagePayload, messagePayload } from './payloads.ts';
import { aboutOf, type ChannelAbout, channelAbout, DIRECT, DISCORD } from './places.ts';
import { codeOf, type DiscordRest } from './rest.ts';
import { firstAt, isNewer } from './snowflake.ts';

/** Older messages are not caught up on: whoever asked has gone by then. As long as dedupe ids are known (docs/turns.md). */
const CATCH_UP_MS = 24 * 3_600_000;
/** Messages that Discord gives at once, at most. */
const PAGE = 100;
/** Channels that are read at the same time: Discord takes 50 requests a second of everything. */
const READERS = 5;
/** Between two savings of cursors that only passed messages which were ignored. */
const SAVE_MS = 5_000;
const TIDY_MS = 3_600_000;
const MAX_BACKOFF_MS = 5_000;
const UNKNOWN_CHANNEL = 10_003;

export interface LanesDeps extends Pick<LaneDeps, 'read' | 'take' | 'tellFull' | 'pauses' | 'log'> {
  /** Counts what Discord sent and nobody could read. */
  readonly malformed: () => void;
  /** As `amend` of a lane, of this channel. */
  readonly amend: (about: ChannelAbout, channel: string, id: string, message: MessagePayload | null) => Promise<void>;
  readonly channels: Channels;
  readonly rest: DiscordRest;
  /** What the gateway has told of a channel. */
  readonly known: (id: string) => ChannelPayload | undefined;
  readonly ping: () => Promise<void>;
  readonly clock: Clock;
}

export interface Lanes {
  /** An event of a channel. `opens`: also where the bot was not talked to before. */
  push(channel: string, guild: string | undefined, event: ChannelEvent, opens: boolean): void;
  /** The bot was talked to in a channel by a command. */
  talked(channel: string, about: ChannelAbout, id: string): void;
  /** A session has begun that replays nothing: every channel that was talked in is caught up on, then goes on. */
  sessionBegan(): void;
  /** Channels that are no more. */
  remove(ids: readonly string[]): void;
  /** Channels of a server that the bot was taken out of. */
  removeGuild(guild: string): void;
  start(): void;
  /** Deals with what is held, as far as that can be done at once, and saves the cursors. */
  stop(): Promise<void>;
}

export function createLanes(deps: LanesDeps): Lanes {
  const { channels, rest, pauses, log } = deps;
  const lanes = new Map<string, { readonly lane: Lane; readonly guild: string | undefined }>();
  const gate = createGate(READERS);
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

  /** A channel that Discord does not tell of is taken for one without threads. */
  async function ask(id: string, guild: string): Promise<ChannelAbout> {
    const known = deps.known(id);
    if (known !== undefined) return aboutOf(known, guild);
    try {
      return aboutOf(channelPayload.parse(await rest.request('GET', `/channels/${id}`)), guild);
    } catch (thrown) {
      if (toBotError(thrown).retryable) throw thrown;
      return { guild, direct: false };
    }
  }

  async function history(id: string, after: string) {
    const query = { after, limit: String(PAGE) };
    try {
      const found = await gate(() => rest.request('GET', `/channels/${id}/messages`, { query }));
      const page = z.array(z.unknown()).parse(found);
      const messages = page.flatMap((element): MessagePayload[] => {
        const parsed = messagePayload.safeParse(element);
        // One that can't be read must not hide the others.
        if (!parsed.success) {
          deps.malformed();
          log.error({ channel: id }, 'a message of Discord could not be read');
        }
        return parsed.success ? [parsed.data] : [];
      });
      const inOrder = messages.toSorted((a, b) => (isNewer(a.id, b.id) ? 1 : -1));
      return { messages: inOrder, more: page.length === PAGE && messages.length > 0 };
    } catch (thrown) {
      if (codeOf(thrown) === UNKNOWN_CHANNEL) remove([id]);
      throw thrown;
    }
  }

  function open(id: string, guild: string | undefined, start: LaneStart): Lane {
    const existing = lanes.get(id)?.lane;
    if (existing !== undefined) return existing;
    const lane = createLane(
      {
        ...{ read: deps.read, take: deps.take, tellFull: deps.tellFull, clock: deps.clock, pauses, storeBack },
        amend: (about, message, changed) => deps.amend(about, id, message, changed),
        log: log.child({ channel: id }),
        about: async () => (guild === undefined ? DIRECT : await ask(id, guild)),
        keep: (about, cursor) => channels.watch(DISCORD, { id, about: { ...about }, cursor }),
        history: (after) => history(id, after),
        oldest: () => firstAt(deps.clock.now() - CATCH_UP_MS),
        emptied() {
          // One that was only needed for one event is let go.
          if (!lane.watched() && lanes.get(id)?.lane === lane) lanes.delete(id);
        },
      },
      start,
    );
    lanes.set(id, { lane, guild });
    if (loaded) lane.goOn();
    return lane;
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
    const known = new Map<string, LaneStart>();
    for (const { id, about, cursor } of watched) {
      const parsed = channelAbout.safeParse(about);
      if (!parsed.success) continue;
      const start = { about: parsed.data, cursor, watched: true };
      known.set(id, start);
      open(id, parsed.data.guild, start);
    }
    loaded = true;
    for (const [id, { lane }] of lanes) lane.goOn(known.get(id));
  }

  async function save(): Promise<void> {
    const unsaved = [...lanes].flatMap(([id, { lane }]) => {
      const cursor = lane.unsaved();
      return cursor === undefined ? [] : [[id, cursor] as const];
    });
    if (unsaved.length === 0) return;
    await channels.advance(DISCORD, new Map(unsaved));
    for (const [id, cursor] of unsaved) lanes.get(id)?.lane.saved(cursor);
  }

  /** Channels that were silent for long leave the memory as they leave the registry. */
  async function tidy(): Promise<void> {
    const watched = new Set((await channels.watched(DISCORD)).map(({ id }) => id));
    for (const [id, { lane }] of lanes) if (!watched.has(id) && lane.unsaved() === undefined) lanes.delete(id);
  }

  function remove(ids: readonly string[]): void {
    const own = ids.filter((id) => lanes.delete(id));
    inBackground(channels.unwatch(DISCORD, own), 'channels that are gone stay in the registry');
  }

  function inBackground(task: Promise<unknown>, otherwise: string): void {
    task.catch((thrown: unknown) => log.warn({ code: toBotError(thrown).code }, otherwise));
  }

  return {
    push(channel, guild, event, opens) {
      const existing = lanes.get(channel)?.lane;
      if (existing === undefined && !opens) return;
      (existing ?? open(channel, guild, beginningWith(event))).push(event);
    },
    talked(channel, about, id) {
      open(channel, about.guild, { about, cursor: id, watched: false }).push({ kind: 'talked', id });
    },
    sessionBegan() {
      void load();
    },
    remove,
    removeGuild(guild) {
      remove([...lanes].filter(([, lane]) => lane.guild === guild).map(([id]) => id));
    },
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
