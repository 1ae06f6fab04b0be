/**
 * The adapter of the recording platform: for tests with real processes, so it uses only what real adapters use (the
 * BotPort and live replies) and reaches its platform over HTTP alone.
 */
import { once } from 'node:events';
import { Agent, createServer, type IncomingMessage as HttpRequest, type ServerResponse } from 'node:http';
import { json } from 'node:stream/consumers';
import { z } from 'zod';
import type { Adapter } from '../../src/adapters/adapter.ts';
import type { BotPort } from '../../src/core/bot-port.ts';
import type { Clock, FileFetcher, Logger, ReplyContext } from '../../src/core/ports.ts';
import { encodeSession, type SessionId, type SessionScope } from '../../src/core/session.ts';
import { type IncomingMessage, type ReplyTarget, turnIdOf } from '../../src/core/types.ts';
import { BotError, toBotError } from '../../src/errors.ts';
import { systemTimers } from '../../src/lib/timers.ts';
import { createLiveReply } from '../../src/replies/live-reply.ts';
import { type Tellers, takeCommand } from './recording-commands.ts';
import { type Ack, type Delivery, deliverySchema, fileSchema, MARK, MESSAGE_LIMIT } from './recording-protocol.ts';
import { createRecordingClient, createRecordingTransport } from './recording-transport.ts';

const RECORDING = 'recording';

/** What the adapter needs of the bot. */
export type RecordingBot = Pick<BotPort, 'receive' | 'stop' | 'commands'>;

export interface RecordingAdapterOptions {
  readonly platformUrl: string;
  /** Names this replica on the platform; unique among those that live at the same time. */
  readonly name: string;
  /** Where it listens for deliveries, on loopback. Default: any free port. */
  readonly port?: number;
  /** Default: `user`. */
  readonly scope?: SessionScope;
  /** Milliseconds; see LiveReplyOptions. Defaults: 50, 0 and 50, for many writes in a short test. */
  readonly intervalMs?: number;
  readonly firstPostDelayMs?: number;
  readonly backoffMs?: number;
  /** Default: 2 minutes; 0 plays a platform without nonces. */
  readonly nonceTrustMs?: number;
  /** Longest part of a reply. Default: the platform's limit. */
  readonly limit?: number;
  readonly log: Logger;
  readonly clock?: Clock;
  readonly unreconciled?: () => void;
}

export interface RecordingAdapter extends Adapter {
  start(bot: RecordingBot): Promise<void>;
  stopIntake(): Promise<void>;
  health(): { readonly ok: boolean; readonly detail?: string };
}

const HEARTBEAT_MS = 200;
const fileRefSchema = z.object({ message: z.string() });
const targetSchema = z.object({ platform: z.literal(RECORDING), channel: z.string(), trigger: z.string() });

export function createRecordingAdapter(options: RecordingAdapterOptions): RecordingAdapter {
  const { platformUrl, name, scope = 'user', log, intervalMs = 50, firstPostDelayMs = 0, backoffMs = 50 } = options;
  const clock = options.clock ?? { now: () => Date.now(), monotonic: () => performance.now() };
  const agent = new Agent({ keepAlive: true });
  const client = createRecordingClient(platformUrl, name, agent);
  let bot: RecordingBot | undefined;
  let heartbeat: NodeJS.Timeout | undefined;
  /** A registration that is on its way. */
  let registering: Promise<void> | undefined;
  let registered = false;
  let intake = false;

  async function take(delivery: Delivery, port: RecordingBot): Promise<Ack> {
    const sessionId = sessionOf(delivery, scope);
    switch (delivery.kind) {
      case 'message': {
        const command = port.commands.readText(delivery.text);
        if (command !== undefined) {
          await takeCommand({ delivery, sessionId, command, surface: 'text' }, port.commands, tellers);
          return { result: 'done' };
        }
        const result = await port.receive(normalize(delivery, sessionId));
        if ('tell' in result && result.tell) await tellers.publicly(delivery, result.text);
        return { result: result.kind };
      }
      case 'command': {
        const command = port.commands.readOptions(delivery.name, delivery.options);
        await takeCommand({ delivery, sessionId, command, surface: 'slash' }, port.commands, tellers);
        return { result: 'done' };
      }
      case 'action': {
        const pressed = port.commands.readAction(delivery.action);
        if (pressed !== undefined) {
          await takeCommand({ delivery, sessionId, ...pressed, surface: 'action' }, port.commands, tellers);
        }
        return { result: 'done' };
      }
      case 'stop':
        await port.stop(sessionId, turnIdOf(delivery.trigger));
        return { result: 'done' };
    }
  }

  async function tell(path: string, body: object): Promise<void> {
    await client.send('POST', path, { body }).catch((thrown: unknown) => {
      log.warn({ code: toBotError(thrown).code }, 'what was to be told could not be');
    });
  }
  const tellers: Tellers = {
    publicly: ({ id, channel }, text, actions = []) =>
      tell('/messages', { trigger: id, channel, part: 1, text, actions, notice: true }),
    privately: ({ id, channel, user }, { kind, text, actions, files }) =>
      tell('/answers', { trigger: id, channel, user, kind, text, actions, files }),
  };

  async function answer(request: HttpRequest, response: ServerResponse): Promise<void> {
    const reply = (status: number, body: object) => {
      response.writeHead(status, { 'content-type': 'application/json' });
      response.end(JSON.stringify(body));
    };
    if (!intake || bot === undefined) return reply(503, { error: 'This replica takes nothing.' });
    const delivery = deliverySchema.safeParse(await json(request).catch(() => undefined));
    if (!delivery.success) return reply(400, { error: z.prettifyError(delivery.error) });
    try {
      reply(200, await take(delivery.data, bot));
    } catch (thrown) {
      const error = toBotError(thrown);
      // Not stored, so not acked: the platform delivers it again.
      const status = error.code === 'store_unavailable' || error.code === 'store_full' ? 503 : 500;
      log.warn({ code: error.code, status }, 'a delivery was not taken');
      reply(status, { error: error.code });
    }
  }

  const server = createServer((request, response) => {
    answer(request, response).catch((thrown: unknown) => {
      log.error({ code: toBotError(thrown).code }, 'a delivery could not be answered');
      response.destroy();
    });
  });

  async function register(): Promise<void> {
    const address = server.address();
    if (address === null || typeof address === 'string') return;
    await client.send('POST', '/replicas', { body: { name, url: `http://127.0.0.1:${address.port}` } });
    registered = true;
  }

  async function stopIntake(): Promise<void> {
    if (!intake) return;
    intake = false;
    clearInterval(heartbeat);
    // One that arrives behind the end would undo it.
    await registering;
    // A platform that is away need not be told: it finds out when it delivers.
    await client.send('DELETE', `/replicas/${encodeURIComponent(name)}`).catch(() => undefined);
    registered = false;
  }

  const files: FileFetcher = {
    async fetchFile({ ref }, { signal }) {
      const { message } = fileRefSchema.parse(ref);
      const found = fileSchema.safeParse(await client.send('GET', `/files/${encodeURIComponent(message)}`, { signal }));
      return found.success ? { kind: 'fetched', bytes: Buffer.from(found.data.text) } : { kind: 'unread', why: 'gone' };
    },
  };

  return {
    platform: RECORDING,
    files,
    async start(port) {
      bot = port;
      await once(server.listen(options.port ?? 0, '127.0.0.1'), 'listening');
      intake = true;
      await register();
      // The platform drops a replica that it does not reach; this brings it back after a pause of either.
      heartbeat = setInterval(() => {
        registering ??= register()
          .catch(() => {
            registered = false;
          })
          .finally(() => {
            registering = undefined;
          });
      }, HEARTBEAT_MS);
      heartbeat.unref();
    },
    async openReply(target, context: ReplyContext) {
      const { trigger, channel } = readTarget(target);
      return createLiveReply(createRecordingTransport(client, trigger, channel), context, {
        limit: options.limit ?? MESSAGE_LIMIT,
        intervalMs,
        firstPostDelayMs,
        backoffMs,
        typingRefreshMs: 8_000,
        nonceTrustMs: options.nonceTrustMs ?? 120_000,
        cursor: ` ${MARK}`,
        clock,
        timers: systemTimers,
        log,
        unreconciled: options.unreconciled ?? (() => {}),
      });
    },
    stopIntake,
    async stop() {
      await stopIntake();
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
      agent.destroy();
    },
    health: () => (registered ? { ok: true } : { ok: false, detail: 'not registered at the recording platform' }),
  };
}

/** In a DM the channel is the person's own; else it is theirs by `scope`. */
function sessionOf({ workspace, channel, thread, user, direct }: Delivery, scope: SessionScope): SessionId {
  return encodeSession({
    place: { platform: RECORDING, workspace, channel },
    ...(thread === undefined ? {} : { thread }),
    ...(direct || scope === 'channel' ? {} : { user }),
  });
}

type MessageDelivery = Extract<Delivery, { kind: 'message' }>;

function normalize(delivery: MessageDelivery, sessionId: SessionId): IncomingMessage {
  const { id, eventId, channel, user, name, text, sentAt, direct, locale, quotes, file } = delivery;
  return {
    id,
    turnId: turnIdOf(id),
    idempotencyKeys: [id, eventId],
    platform: RECORDING,
    sessionId,
    author: { id: user, name },
    text,
    sentAt,
    isDirect: direct,
    isMention: !direct,
    locale,
    replyTo: { platform: RECORDING, channel, trigger: id },
    ...(quotes === undefined ? {} : { quotes }),
    ...(file === undefined ? {} : { attachments: [{ name: file, ref: { message: id } }] }),
  };
}

function readTarget(target: ReplyTarget): z.infer<typeof targetSchema> {
  const parsed = targetSchema.safeParse(target);
  if (!parsed.success) throw new BotError('platform_refused', 'A reply target that is not of this platform.');
  return parsed.data;
}
