/**
 * A strict Slack on loopback: Web API, Socket Mode and signed HTTP deliveries. Unmodified Bolt connects to it; only SLACK_API_URL
 * is set. A test plays the people of the workspace, and can read what they see.
 */
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { text as bodyText } from 'node:stream/consumers';
import { z } from 'zod';
import { readBlocks, shownText } from './block-rules.ts';
import { createDeliveries, type Deliveries, type Delivery, type Transport } from './deliveries.ts';
import { changeEvent, deletionEvent, plainEvent, tombstoneEvent } from './events.ts';
import { createFiles, type FakeFile, type FileFault, type FileRequest } from './files.ts';
import type { MethodContext } from './method-kit.ts';
import { type ApiCall, createWebApi, type Fault } from './web-api.ts';
import { createWorkspace, eventId, type FakeMessage, type FakeUser, type Workspace } from './workspace.ts';

export type { ApiCall, Delivery, FakeFile, FakeMessage, Fault };

export interface FakeSlackOptions {
  /** Scopes of the bot token. */
  readonly scopes: readonly string[];
  readonly transport?: Transport;
  /** Milliseconds; Slack's streams live about five minutes. */
  readonly streamLifetimeMs?: number;
  /** Milliseconds without an ack after which an event is sent again. Default: 3 s. */
  readonly ackWithinMs?: number;
  /** Milliseconds between requests over HTTP that fail. Slack's are 0, 1 min and 5 min; default: those, 120 times as fast. */
  readonly httpRetriesMs?: readonly number[];
  readonly team?: string;
  /** False: no rate limits. Default: the rates of Slack's tiers. */
  readonly rateLimits?: boolean;
  /** Latency of a call of the Web API in milliseconds; asked for each. Default: 0. */
  readonly delayMs?: () => number;
  /** Called for every message that the bot posts, changes or deletes; for a stream at its end. */
  readonly onWrote?: (message: FakeMessage) => void;
}

export interface Said {
  readonly ts: string;
  readonly deliveries: readonly Delivery[];
  /** Resolves when every delivery of it was acked. */
  readonly acked: Promise<unknown>;
}

export type Edited = Omit<Said, 'ts'>;

export interface SayOptions {
  readonly user: string;
  /** Default: the person's DM with the bot. */
  readonly channel?: string;
  readonly thread?: string;
  readonly files?: readonly FakeFile[];
  /** Messages that are shared in it, previews, and the like: as Slack has attachments. */
  readonly attachments?: readonly unknown[];
}

/** What was posted to a response_url, as the person sees it. */
export interface PrivateAnswer {
  readonly text: string;
  readonly blocks: readonly unknown[];
  readonly ephemeral: boolean;
  readonly replaces: boolean;
}

export interface Interaction {
  readonly delivery: Delivery;
  /** What was answered by its response_url so far. */
  readonly answers: readonly PrivateAnswer[];
}

export interface FakeSlack {
  readonly url: string;
  /** For SLACK_API_URL. */
  readonly apiUrl: string;
  readonly botToken: string;
  readonly appToken: string;
  readonly signingSecret: string;
  readonly workspace: Workspace;
  readonly deliveries: Deliveries;
  readonly calls: readonly ApiCall[];
  callsOf(method: string): readonly ApiCall[];
  addUser(user: Partial<FakeUser> & { readonly id: string }): FakeUser;
  /** A person writes. A mention of the bot in a channel is delivered as `message` and as `app_mention`, in either order. */
  say(text: string, options: SayOptions): Said;
  /** Another app writes. */
  sayAsBot(text: string, options: Omit<SayOptions, 'user'> & { readonly channel: string }): Said;
  /** The same message once more, under another event id. */
  again(ts: string, channel: string): Delivery;
  /** A person deletes a file. Delivered as `message_changed` of its message, in which a tombstone replaces it. */
  deleteFile(id: string): Edited;
  /** Requests for files so far. */
  readonly fileRequests: readonly FileRequest[];
  /** The next requests for files fail. */
  failFiles(fault: FileFault, times?: number): void;
  /** A person edits. Delivered as `message_changed` and, if the text mentions the bot in a channel, as `app_mention` again. */
  edit(ts: string, channel: string, text: string): Edited;
  /** Anyone deletes a message. The root of a thread leaves a tombstone. `acked` resolves when every delivery was acked. */
  deleteMessage(ts: string, channel: string): Edited;
  /** Any event of this workspace. */
  event(event: object, envelope?: object): Delivery;
  command(command: string, text: string, options: { readonly user: string; readonly channel?: string }): Interaction;
  shortcut(callbackId: string, options: { user: string; channel: string; message: FakeMessage }): Interaction;
  press(value: string, options: { user: string; channel: string; thread?: string; ephemeral?: boolean }): Interaction;
  /** The messages of a thread, the root first. */
  thread(channel: string, root: string): readonly FakeMessage[];
  /** The bot's messages in a thread, oldest first. */
  replies(channel: string, root: string): readonly FakeMessage[];
  fail(method: string, fault: Fault, times?: number): void;
  clearFaults(method: string): void;
  /** All streams are dead from now on, as after five minutes. */
  expireStreams(): void;
  /** The bot's token is no longer valid. */
  revokeToken(): void;
  setTransport(transport: Transport): void;
  close(): Promise<void>;
}

export async function startFakeSlack(options: FakeSlackOptions): Promise<FakeSlack> {
  const team = options.team ?? 'T0TEAM';
  const files = createFiles({
    ...{ team, url: () => url, botToken: () => botToken, mayRead: options.scopes.includes('files:read') },
  });
  const workspace = createWorkspace(team, files);
  const signingSecret = 'fake-signing-secret';
  const appToken = 'xapp-1-fake';
  let botToken = 'xoxb-fake';
  const givenToken = botToken;
  let transport: Transport = options.transport ?? { kind: 'socket' };
  let streamLifetimeMs = options.streamLifetimeMs ?? 300_000;
  const uploads: MethodContext['uploads'] = new Map();
  const answered = new Map<string, PrivateAnswer[]>();
  const uses = new Map<string, number>();
  let mentions = 0;

  const server = createServer((request, response) => {
    handle(request, response).catch((thrown: unknown) => {
      response.destroy(thrown instanceof Error ? thrown : undefined);
    });
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('not listening on a port');
  const url = `http://127.0.0.1:${address.port}`;

  const deliveries = createDeliveries({
    transport: () => transport,
    signingSecret,
    ackWithinMs: options.ackWithinMs ?? 3_000,
    httpRetriesMs: options.httpRetriesMs ?? [0, 500, 2_500],
  });
  server.on('upgrade', (request, socket) => deliveries.accept(request, socket));

  const api = createWebApi({
    botToken: () => botToken,
    appToken,
    scopes: new Set(options.scopes),
    rateLimits: options.rateLimits ?? true,
    delayMs: options.delayMs ?? (() => 0),
    context: {
      ...{ workspace, url, uploads },
      streamLifetimeMs: () => streamLifetimeMs,
      openConnection: () => `ws://127.0.0.1:${address.port}/link?ticket=${deliveries.issueTicket()}`,
      wrote(kind, message) {
        // The bot also gets events of its own messages.
        if (message.stream !== undefined) return;
        options.onWrote?.(message);
        if (kind === 'posted') event(plainEvent(workspace, message));
        else if (kind === 'changed') event(changeEvent(workspace, message, message));
        else goneFrom(message);
      },
    },
  });

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname } = new URL(request.url ?? '', url);
    const [, area, name = ''] = pathname.split('/');
    if (area === 'files-pri' || area === 'files-tmb') return files.handle(request, response);
    if (request.method !== 'POST') return end(response, 405);
    if (area === 'api') return await api.handle(name, request, response);
    if (area === 'upload') {
      const upload = uploads.get(name);
      if (upload === undefined) return end(response, 404);
      // Either the bytes or a multipart form with one field.
      const raw = await bodyText(request);
      const form = /\r\n\r\n([\s\S]*)\r\n--[^\r\n]+--/.exec(raw);
      upload.content = form?.[1] ?? raw;
      return end(response, 200);
    }
    if (area === 'response') {
      const count = (uses.get(name) ?? 0) + 1;
      uses.set(name, count);
      const list = answered.get(name);
      if (list === undefined || count > 5) return end(response, 404);
      const body = responseSchema.parse(JSON.parse(await bodyText(request)));
      let blocks: ReturnType<typeof readBlocks>;
      try {
        blocks = body.blocks === undefined ? [] : readBlocks(body.blocks);
      } catch {
        return end(response, 400);
      }
      const noPreviews = body.unfurl_links === false && body.unfurl_media === false;
      if (!noPreviews && /https?:/.test(JSON.stringify(body))) workspace.previews.push(body.text ?? '');
      list.push({
        text: shownText(body.text, blocks),
        blocks,
        ephemeral: body.response_type !== 'in_channel',
        replaces: body.replace_original === true,
      });
      return end(response, 200);
    }
    end(response, 404);
  }

  function event(inner: object, envelope: object = {}): Delivery {
    return deliveries.deliver('events_api', {
      ...{
        token: 'verification',
        type: 'event_callback',
        event_id: eventId(),
        event_time: Math.floor(Date.now() / 1000),
      },
      ...{ team_id: workspace.team, api_app_id: workspace.appId },
      authorizations: [{ team_id: workspace.team, user_id: workspace.botUser, is_bot: true, enterprise_id: null }],
      ...envelope,
      event: inner,
    });
  }

  /** A message is gone. With the last reply of a root that was deleted before, what was left of that goes as well. */
  function goneFrom(message: FakeMessage): readonly Delivery[] {
    const gone = [event(deletionEvent(workspace, message))];
    const root = message.thread === undefined ? undefined : workspace.find(message.channel, message.thread);
    if (root?.tombstone !== true || workspace.thread(root.channel, root.ts).length > 1) return gone;
    workspace.remove(root.channel, root.ts);
    return [...gone, event(deletionEvent(workspace, root))];
  }

  function deliverMessage(message: FakeMessage): readonly Delivery[] {
    const mentioned = message.text.includes(`<@${workspace.botUser}>`) && !workspace.isDirect(message.channel);
    if (!mentioned || message.bot) return [event(plainEvent(workspace, message))];
    mentions += 1;
    const pair = [plainEvent(workspace, message), plainEvent(workspace, message, 'app_mention')];
    return (mentions % 2 === 0 ? pair.reverse() : pair).map((each) => event(each));
  }

  function interaction(deliver: (responseUrl: string) => Delivery): Interaction {
    const id = randomUUID();
    const answers: PrivateAnswer[] = [];
    answered.set(id, answers);
    return { delivery: deliver(`${url}/response/${id}`), answers };
  }

  const personOf = (user: string) => ({ id: user, name: workspace.users.get(user)?.name, team_id: workspace.team });
  const interactive = (user: string, channel: string, responseUrl: string) => ({
    ...{
      team: { id: workspace.team, domain: 'fake' },
      user: personOf(user),
      channel: { id: channel, name: 'somewhere' },
    },
    ...{ api_app_id: workspace.appId, token: 'verification', trigger_id: '1.2.3', response_url: responseUrl },
  });

  const slack: FakeSlack = {
    url,
    apiUrl: `${url}/api/`,
    botToken: givenToken,
    appToken,
    signingSecret,
    workspace,
    deliveries,
    calls: api.calls,
    callsOf: (method) => api.calls.filter((call) => call.method === method),
    addUser(user) {
      const whole = { name: user.id, locale: 'en-US', tz: 'Europe/Paris', isAdmin: false, ...user };
      workspace.users.set(user.id, whole);
      return whole;
    },
    say(text, { user, channel = workspace.directOf(user), thread, files = [], attachments = [] }) {
      const message = workspace.add({ channel, thread, user, text, files, attachments, clientMsgId: randomUUID() });
      const sent = deliverMessage(message);
      return { ts: message.ts, deliveries: sent, acked: allAcked(sent) };
    },
    sayAsBot(text, { channel, thread, files = [] }) {
      const message = workspace.add({ channel, thread, user: 'U0OTHERBOT', bot: true, text, files });
      const sent = [event(plainEvent(workspace, message)), event(plainEvent(workspace, message, 'app_mention'))];
      return { ts: message.ts, deliveries: sent, acked: allAcked(sent) };
    },
    again: (ts, channel) => event(plainEvent(workspace, present(workspace.find(channel, ts)))),
    deleteFile(id) {
      const message = present(workspace.messages.find((each) => each.files.some((file) => file.id === id)));
      const file = present(files.find(id));
      const before = changeEvent(workspace, message, message).previous_message;
      file.deleted = true;
      const { message: whole, ...rest } = changeEvent(workspace, message, message);
      const { edited: _, ...changed } = whole;
      const sent = [event({ ...rest, message: changed, previous_message: before })];
      return { deliveries: sent, acked: allAcked(sent) };
    },
    fileRequests: files.requests,
    failFiles: (fault, times = 1) => files.fail(fault, times),
    edit(ts, channel, text) {
      const message = present(workspace.find(channel, ts));
      const before = { ...message };
      message.text = text;
      const sent = [event(changeEvent(workspace, message, before))];
      const mentioned = text.includes(`<@${workspace.botUser}>`) && !workspace.isDirect(channel);
      // Whether it was one before or not (slackapi/bolt-js#960).
      if (mentioned) sent.push(event(plainEvent(workspace, message, 'app_mention', true)));
      return { deliveries: sent, acked: allAcked(sent) };
    },
    deleteMessage(ts, channel) {
      const message = present(workspace.find(channel, ts));
      let sent: readonly Delivery[];
      if (workspace.thread(channel, ts).length > 1) {
        sent = [event(tombstoneEvent(workspace, message))];
        message.tombstone = true;
        message.text = 'This message was deleted.';
      } else {
        workspace.remove(channel, ts);
        sent = goneFrom(message);
      }
      return { deliveries: sent, acked: allAcked(sent) };
    },
    event,
    command: (command, text, { user, channel = workspace.directOf(user) }) =>
      interaction((responseUrl) =>
        deliveries.deliver('slash_commands', {
          ...{ command, text, user_id: user, user_name: workspace.users.get(user)?.name, team_id: workspace.team },
          ...{ channel_id: channel, channel_name: workspace.isDirect(channel) ? 'directmessage' : 'somewhere' },
          ...{ api_app_id: workspace.appId, token: 'verification', trigger_id: '1.2.3', response_url: responseUrl },
          ...{ is_enterprise_install: 'false', team_domain: 'fake' },
        }),
      ),
    shortcut: (callbackId, { user, channel, message }) =>
      interaction((responseUrl) =>
        deliveries.deliver('interactive', {
          ...{ type: 'message_action', callback_id: callbackId, message_ts: message.ts },
          ...interactive(user, channel, responseUrl),
          message: plainEvent(workspace, message),
        }),
      ),
    press: (value, { user, channel, thread, ephemeral = true }) =>
      interaction((responseUrl) =>
        deliveries.deliver('interactive', {
          type: 'block_actions',
          ...interactive(user, channel, responseUrl),
          container: {
            ...{ type: 'message', message_ts: workspace.nextTs(), channel_id: channel, is_ephemeral: ephemeral },
            ...(thread === undefined ? {} : { thread_ts: thread }),
          },
          actions: [
            { type: 'button', action_id: 'memory_0', block_id: 'b', value, action_ts: workspace.nextTs(), text: {} },
          ],
        }),
      ),
    thread: (channel, root) => workspace.thread(channel, root),
    replies: (channel, root) => workspace.thread(channel, root).filter(({ user }) => user === workspace.botUser),
    fail: api.fail,
    clearFaults: api.clearFaults,
    expireStreams() {
      for (const message of workspace.messages) message.stream = undefined;
      streamLifetimeMs = options.streamLifetimeMs ?? 300_000;
    },
    revokeToken() {
      botToken = randomUUID();
    },
    setTransport(next) {
      transport = next;
    },
    async close() {
      deliveries.close();
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
  return slack;
}

/** A test that does not await it is not told that the fake was closed first. */
function allAcked(deliveries: readonly Delivery[]): Promise<unknown> {
  const acked = Promise.all(deliveries.map((delivery) => delivery.acked));
  acked.catch(() => undefined);
  return acked;
}

const responseSchema = z.strictObject({
  text: z.string().optional(),
  blocks: z.unknown().optional(),
  response_type: z.enum(['ephemeral', 'in_channel']).optional(),
  replace_original: z.boolean().optional(),
  ...{ unfurl_links: z.boolean().optional(), unfurl_media: z.boolean().optional() },
  delete_original: z.boolean().optional(),
});

function end(response: ServerResponse, status: number): void {
  response.writeHead(status);
  response.end();
}

function present<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('There is no such message.');
  return value;
}
