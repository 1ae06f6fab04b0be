/** What the fake Slack holds: people, channels, messages, streams, statuses, files. */
import { randomBytes } from 'node:crypto';
import { createFiles, type FakeFile, type FakeFiles, type StoredFile } from './files.ts';

export interface FakeUser {
  readonly id: string;
  readonly name: string;
  readonly locale: string;
  readonly tz: string;
  readonly isAdmin: boolean;
}

export interface FakeMessage {
  readonly ts: string;
  readonly channel: string;
  readonly thread: string | undefined;
  readonly user: string;
  readonly bot: boolean;
  readonly clientMsgId: string | undefined;
  /** The text as people read it; Markdown if the bot wrote it. */
  text: string;
  blocks: readonly unknown[];
  metadata: unknown;
  /** While it streams. */
  stream: { readonly startedAt: number } | undefined;
  /** It was streamed at some time. */
  readonly streamed: boolean;
  files: readonly StoredFile[];
  /** Shared messages, previews, and what apps write. */
  attachments: readonly unknown[];
  /** The root of a thread was deleted, and only its replies are left. */
  tombstone: boolean;
  edits: number;
}

export interface Ephemeral {
  readonly channel: string;
  readonly user: string;
  readonly thread: string | undefined;
  readonly text: string;
  readonly blocks: readonly unknown[];
}

export interface NewMessage {
  readonly channel: string;
  readonly thread?: string | undefined;
  readonly user: string;
  readonly bot?: boolean;
  readonly text: string;
  readonly blocks?: readonly unknown[];
  readonly metadata?: unknown;
  readonly streaming?: boolean;
  readonly files?: readonly FakeFile[];
  readonly attachments?: readonly unknown[];
  readonly clientMsgId?: string;
}

export interface Workspace {
  readonly files: FakeFiles;
  readonly team: string;
  readonly botUser: string;
  readonly botId: string;
  readonly appId: string;
  readonly users: Map<string, FakeUser>;
  /** What conversations.info returns for channels, and the handles of user groups, by their ids. */
  readonly channels: Map<string, { readonly name: string; readonly isPrivate: boolean }>;
  readonly groups: Map<string, string>;
  /** Of all channels, oldest first. */
  readonly messages: FakeMessage[];
  readonly ephemerals: Ephemeral[];
  /** Assistant status by `channel thread`; a message of the bot in the thread clears it. */
  readonly statuses: Map<string, string>;
  /** Agent session status by `channel thread`. */
  readonly sessions: Map<string, string>;
  readonly prompts: Map<string, readonly unknown[]>;
  /** The bot's texts in which Slack has looked for something to preview, and fetched what it found. */
  readonly previews: string[];
  /** The DM channel of a person. */
  directOf(user: string): string;
  isDirect(channel: string): boolean;
  add(message: NewMessage): FakeMessage;
  find(channel: string, ts: string): FakeMessage | undefined;
  remove(channel: string, ts: string): void;
  /** The root and its replies, oldest first. */
  thread(channel: string, root: string): readonly FakeMessage[];
  nextTs(): string;
}

/** @param fileHost Default: it serves no files. */
export function createWorkspace(
  team = 'T0TEAM',
  fileHost = createFiles({ team, url: () => 'http://127.0.0.1', botToken: () => '', mayRead: false }),
): Workspace {
  const messages: FakeMessage[] = [];
  const statuses = new Map<string, string>();
  let last = 0;

  const workspace: Workspace = {
    team,
    files: fileHost,
    botUser: 'U0BOT',
    botId: 'B0BOT',
    appId: 'A0APP',
    users: new Map(),
    channels: new Map(),
    groups: new Map(),
    messages,
    ephemerals: [],
    statuses,
    sessions: new Map(),
    prompts: new Map(),
    previews: [],
    directOf: (user) => `D${user.slice(1)}`,
    isDirect: (channel) => channel.startsWith('D'),
    nextTs() {
      // Microseconds, no two alike.
      last = Math.max(last + 1, Date.now() * 1000);
      return `${Math.floor(last / 1e6)}.${String(last % 1e6).padStart(6, '0')}`;
    },
    add({
      channel,
      thread,
      user,
      bot = false,
      text,
      blocks = [],
      metadata,
      streaming = false,
      files = [],
      attachments = [],
      clientMsgId,
    }) {
      const message: FakeMessage = {
        ...{ ts: workspace.nextTs(), channel, thread, user, bot, text, blocks, metadata, clientMsgId, edits: 0 },
        files: files.map(fileHost.store),
        ...{ attachments, tombstone: false },
        stream: streaming ? { startedAt: performance.now() } : undefined,
        streamed: streaming,
      };
      messages.push(message);
      if (bot) statuses.delete(`${channel} ${thread ?? message.ts}`);
      return message;
    },
    find: (channel, ts) => messages.find((message) => message.channel === channel && message.ts === ts),
    remove(channel, ts) {
      const index = messages.findIndex((message) => message.channel === channel && message.ts === ts);
      if (index !== -1) messages.splice(index, 1);
    },
    thread: (channel, root) =>
      messages.filter((message) => message.channel === channel && (message.ts === root || message.thread === root)),
  };
  return workspace;
}

export function eventId(): string {
  return `Ev${randomBytes(8).toString('hex').toUpperCase()}`;
}
