/** The gateway of the fake Discord: sessions are identified, get events, lose their connection, and are resumed with a replay. */
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import {
  type APIUnavailableGuild,
  GatewayCloseCodes,
  GatewayDispatchEvents,
  type GatewayIntentBits,
  GatewayOpcodes,
  type GatewayReadyDispatchData,
} from 'discord-api-types/v10';
import { type WebSocket, WebSocketServer } from 'ws';
import { z } from 'zod';
import { freePort } from '../free-port.ts';
import type { World } from './world.ts';

const identifySchema = z.object({
  token: z.string(),
  intents: z.number(),
  properties: z.record(z.string(), z.unknown()),
  shard: z.tuple([z.number().int().nonnegative(), z.number().int().positive()]).default([0, 1]),
  compress: z.literal(false).optional(),
});
const resumeSchema = z.object({ token: z.string(), session_id: z.string(), seq: z.number() });
const packetSchema = z.object({ op: z.number(), d: z.unknown() });

/** An event's name and its data; messages are typed where they are made, what few fields are needed of the rest likewise. */
export interface GatewayEvent {
  readonly t: GatewayDispatchEvents;
  readonly d?: object;
}

export interface GatewayOptions {
  readonly world: World;
  /** Whether a token is valid. */
  readonly accepts: (token: string) => boolean;
  /** The event of each server that a new session gets after READY. */
  readonly guildCreate: (guildId: string) => GatewayEvent;
  readonly violations: string[];
}

export interface Gateway {
  readonly url: string;
  /** Intents that are not granted: identifying with one closes the connection with 4014. */
  readonly denied: Set<GatewayIntentBits>;
  /** Sends an event to every session that subscribed to it. `make` gives the data for a session with these intents. */
  dispatch(intent: GatewayIntentBits | 0, guild: string | undefined, make: (intents: number) => GatewayEvent): void;
  /** The response to `GET /gateway/bot`. Fewer shards are refused with 4011; exceeding the session starts is a violation. */
  readonly limits: Limits;
  /** The frames that were sent to the first session. */
  sent(): readonly string[];
  /** Sends a raw frame to all connections. */
  sendRaw(frame: string): void;
  /** Sessions that have been identified and resumed so far. */
  counts(): { readonly identified: number; readonly resumed: number; readonly replayed: number };
  /** Sessions with an open connection. */
  connected(): number;
  /** Sends op 7 (reconnect) to all. */
  askToReconnect(): void;
  /** Sends op 9 (invalid session) to all. */
  invalidate(resumable: boolean): void;
  /** Cuts all connections. `forget`: the sessions cannot be resumed. */
  cut(options?: { readonly forget?: boolean; readonly shard?: number }): void;
  /** Cuts the connection of this shard whenever it identifies or resumes. */
  keepOut(shard: number | undefined): void;
  /** Closes all connections with this code. */
  close(code: number): void;
  /** Loses the next events, as on a dead connection. A resumed session gets them. */
  mute(): void;
  /** Refuses all connections until `open`. */
  shut(): Promise<void>;
  open(): Promise<void>;
  stop(): Promise<void>;
}

export interface Limits {
  shards: number;
  /** Remaining session starts; each identify uses one. They are reset at `resetsAt` (Unix milliseconds). */
  remaining: number;
  resetsAt: number;
  maxConcurrency: number;
}

interface Session {
  readonly id: string;
  readonly shard: readonly [number, number];
  readonly intents: number;
  readonly sent: { readonly s: number; readonly text: string }[];
  seq: number;
  socket: WebSocket | undefined;
  muted: boolean;
}

/** Shorter than Discord's, so that a test notices a client without heartbeats. */
const HEARTBEAT_MS = 10_000;
const TOTAL_STARTS = 1_000;

/** https://docs.discord.com/developers/events/gateway#sharding; DMs come by the first. */
function shardOf(guild: string | undefined, count: number): number {
  return guild === undefined ? 0 : Number((BigInt(guild) >> 22n) % BigInt(count));
}

export async function startGateway({ world, accepts, guildCreate, violations }: GatewayOptions): Promise<Gateway> {
  const port = await freePort();
  const sessions = new Map<string, Session>();
  /** The session of each open connection. */
  const sockets = new Map<WebSocket, Session | undefined>();
  const denied = new Set<GatewayIntentBits>();
  const url = `ws://127.0.0.1:${port}`;
  const limits: Limits = { shards: 1, remaining: 999, resetsAt: 0, maxConcurrency: 1 };
  let counts = { identified: 0, resumed: 0, replayed: 0 };
  let server: Server | undefined;
  let keptOut: number | undefined;

  const send = (socket: WebSocket | undefined, payload: object) => socket?.send(JSON.stringify(payload));

  function emit(session: Session, event: GatewayEvent): void {
    session.seq += 1;
    const text = JSON.stringify({ op: GatewayOpcodes.Dispatch, s: session.seq, ...event });
    session.sent.push({ s: session.seq, text });
    if (!session.muted) session.socket?.send(text);
  }

  function identify(socket: WebSocket, data: unknown): Session | undefined {
    const parsed = identifySchema.safeParse(data);
    if (!parsed.success) {
      violations.push(`identify: ${z.prettifyError(parsed.error)}`);
      socket.close(GatewayCloseCodes.DecodeError);
      return undefined;
    }
    const { token, intents, shard } = parsed.data;
    if (!accepts(token)) {
      socket.close(GatewayCloseCodes.AuthenticationFailed, 'Authentication failed.');
      return undefined;
    }
    if ([...denied].some((intent) => (intents & intent) !== 0)) {
      socket.close(GatewayCloseCodes.DisallowedIntents, 'Disallowed intent(s).');
      return undefined;
    }
    if (limits.remaining <= 0 && Date.now() >= limits.resetsAt) limits.remaining = TOTAL_STARTS;
    limits.remaining -= 1;
    if (limits.remaining < 0) violations.push('identified more often than Discord allows');
    if (shard[1] < limits.shards) {
      socket.close(GatewayCloseCodes.ShardingRequired, 'Sharding required.');
      return undefined;
    }
    if (shard[0] === keptOut) {
      socket.terminate();
      return undefined;
    }
    const session: Session = { shard, id: world.snowflake(), intents, sent: [], seq: 0, socket, muted: false };
    sessions.set(session.id, session);
    counts = { ...counts, identified: counts.identified + 1 };
    const guilds: APIUnavailableGuild[] = [...world.guilds.keys()]
      .filter((id) => shardOf(id, shard[1]) === shard[0])
      .map((id) => ({ id, unavailable: true }));
    const ready: GatewayReadyDispatchData = {
      v: 10,
      user: world.bot,
      guilds,
      session_id: session.id,
      resume_gateway_url: url,
      shard: [...shard],
      application: { id: world.applicationId, flags: Number(0), flags_new: '0' },
    };
    emit(session, { t: GatewayDispatchEvents.Ready, d: ready });
    for (const { id } of guilds) emit(session, guildCreate(id));
    return session;
  }

  function resume(socket: WebSocket, data: unknown): Session | undefined {
    const parsed = resumeSchema.safeParse(data);
    const session = parsed.success ? sessions.get(parsed.data.session_id) : undefined;
    if (!parsed.success || session === undefined || parsed.data.seq > session.seq || !accepts(parsed.data.token)) {
      send(socket, { op: GatewayOpcodes.InvalidSession, d: false });
      return undefined;
    }
    if (session.shard[0] === keptOut) {
      socket.terminate();
      return undefined;
    }
    session.socket?.close();
    session.socket = socket;
    session.muted = false;
    const missed = session.sent.filter(({ s }) => s > parsed.data.seq);
    for (const { text } of missed) socket.send(text);
    counts = { ...counts, resumed: counts.resumed + 1, replayed: counts.replayed + missed.length };
    emit(session, { t: GatewayDispatchEvents.Resumed });
    return session;
  }

  function serve(socket: WebSocket): void {
    sockets.set(socket, undefined);
    socket.on('error', () => undefined);
    socket.on('close', () => {
      const session = sockets.get(socket);
      sockets.delete(socket);
      if (session?.socket === socket) session.socket = undefined;
    });
    send(socket, { op: GatewayOpcodes.Hello, d: { heartbeat_interval: HEARTBEAT_MS } });
    socket.on('message', (data) => {
      const { op, d } = packetSchema.parse(JSON.parse(String(data)));
      if (op === GatewayOpcodes.Heartbeat) send(socket, { op: GatewayOpcodes.HeartbeatAck });
      else if (sockets.get(socket) !== undefined && (op === GatewayOpcodes.Identify || op === GatewayOpcodes.Resume)) {
        violations.push('identified twice on one connection');
        socket.close(GatewayCloseCodes.AlreadyAuthenticated);
      } else if (op === GatewayOpcodes.Identify) sockets.set(socket, identify(socket, d));
      else if (op === GatewayOpcodes.Resume) sockets.set(socket, resume(socket, d));
      else violations.push(`unknown opcode ${op}`);
    });
  }

  async function open(): Promise<void> {
    if (server !== undefined) return;
    server = createServer((_, response) => response.writeHead(426).end());
    const upgrades = new WebSocketServer({ server });
    upgrades.on('error', () => undefined);
    upgrades.on('connection', (socket, request) => {
      const query = new URL(request.url ?? '/', url).searchParams;
      if (query.get('v') !== '10' || query.get('encoding') !== 'json') {
        violations.push(`connected to ${request.url}`);
        socket.close(GatewayCloseCodes.InvalidAPIVersion);
        return;
      }
      serve(socket);
    });
    await once(server.listen(port, '127.0.0.1'), 'listening');
  }

  async function shut(): Promise<void> {
    const closing = server;
    server = undefined;
    if (closing === undefined) return;
    closing.close();
    for (const socket of sockets.keys()) socket.terminate();
    closing.closeAllConnections();
    await once(closing, 'close');
  }

  await open();
  return {
    url,
    denied,
    limits,
    dispatch(intent, guild, make) {
      for (const session of sessions.values()) {
        const [shard, count] = session.shard;
        if (shardOf(guild, count) !== shard) continue;
        if (intent === 0 || (session.intents & intent) !== 0) emit(session, make(session.intents));
      }
    },
    sent: () => [...sessions.values()][0]?.sent.map(({ text }) => text) ?? [],
    sendRaw(frame) {
      for (const socket of sockets.keys()) socket.send(frame);
    },
    counts: () => counts,
    connected: () => [...sessions.values()].filter(({ socket, muted }) => socket !== undefined && !muted).length,
    askToReconnect() {
      for (const socket of sockets.keys()) send(socket, { op: GatewayOpcodes.Reconnect, d: null });
    },
    invalidate(resumable) {
      for (const [socket, session] of sockets) {
        if (session !== undefined) session.socket = undefined;
        sockets.set(socket, undefined);
        send(socket, { op: GatewayOpcodes.InvalidSession, d: resumable });
      }
      if (!resumable) sessions.clear();
    },
    cut({ forget = false, shard } = {}) {
      for (const [socket, session] of [...sockets]) {
        if (shard !== undefined && session?.shard[0] !== shard) continue;
        if (forget && session !== undefined) sessions.delete(session.id);
        socket.terminate();
      }
      if (forget && shard === undefined) sessions.clear();
    },
    keepOut: (shard) => {
      keptOut = shard;
    },
    close(code) {
      sessions.clear();
      for (const socket of sockets.keys()) socket.close(code);
    },
    mute() {
      for (const session of sessions.values()) session.muted = true;
    },
    open,
    shut,
    async stop() {
      await shut();
    },
  };
}
