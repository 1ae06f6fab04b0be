/** The Web API methods of the fake Slack: their scopes, tiers and arguments, none of which may be unknown. */
import { z } from 'zod';
import { ApiError, checkMarkdownText, checkStream, checkText, readBlocks, shownText } from './block-rules.ts';
import type { FakeMessage, Workspace } from './workspace.ts';

export interface MethodContext {
  readonly workspace: Workspace;
  /** Where the fake listens, `http://127.0.0.1:<port>`. */
  readonly url: string;
  /** Milliseconds after which a stream is dead. */
  readonly streamLifetimeMs: () => number;
  /** Uploads that were announced and not completed yet. */
  readonly uploads: Map<string, { readonly name: string; content: string | undefined }>;
  readonly openConnection: () => string;
  /** The bot wrote, changed or deleted a message. */
  readonly wrote: (kind: 'posted' | 'changed' | 'deleted', message: FakeMessage) => void;
}

interface Method {
  /** Any of these is enough; none needed where there are none. */
  readonly scopes: readonly string[];
  readonly token: 'bot' | 'app';
  readonly perMinute: number;
  readonly run: (args: unknown, context: MethodContext) => object;
}

const TIER_2 = 20;
const TIER_3 = 50;
const TIER_4 = 100;

/** A field that is JSON within the form. */
const json = <Schema extends z.ZodType>(schema: Schema) =>
  z
    .string()
    .transform((text, context): unknown => {
      try {
        return JSON.parse(text);
      } catch {
        context.addIssue('not JSON');
        return z.NEVER;
      }
    })
    .pipe(schema);

const ts = z.string().regex(/^\d{10}\.\d{6}$/);
const channel = z.string().regex(/^[CDG][A-Z0-9]+$/);
const flag = z.enum(['true', 'false']).transform((text) => text === 'true');
const metadata = json(
  z.strictObject({ event_type: z.string().min(1), event_payload: z.record(z.string(), z.unknown()) }),
);
const chunks = json(z.array(z.strictObject({ type: z.literal('markdown_text'), text: z.string() })));

function define<Args extends z.ZodRawShape>(
  options: Omit<Method, 'run' | 'token'> & { readonly token?: 'app' },
  shape: Args,
  run: (args: z.infer<z.ZodObject<Args>>, context: MethodContext) => object,
): Method {
  const schema = z.strictObject(shape);
  return {
    token: 'bot',
    ...options,
    run(args, context) {
      const parsed = schema.safeParse(args);
      if (!parsed.success) throw new ApiError(`invalid_arguments: ${z.prettifyError(parsed.error)}`);
      return run(parsed.data, context);
    },
  };
}

function own(context: MethodContext, at: { readonly channel: string; readonly ts: string }): FakeMessage {
  const message = context.workspace.find(at.channel, at.ts);
  if (message === undefined) throw new ApiError('message_not_found');
  if (!message.bot) throw new ApiError('cant_update_message');
  return message;
}

/** The thread must be there, and named by its root. */
function checkThread({ workspace }: MethodContext, at: string, thread: string | undefined): void {
  if (thread === undefined) return;
  const root = workspace.find(at, thread);
  if (root === undefined) throw new ApiError('thread_not_found');
  if (root.thread !== undefined) throw new ApiError('invalid_thread_ts');
}

function streaming(context: MethodContext, at: { readonly channel: string; readonly ts: string }): FakeMessage {
  const message = own(context, at);
  const dead =
    message.stream === undefined || performance.now() - message.stream.startedAt > context.streamLifetimeMs();
  if (dead) {
    message.stream = undefined;
    throw new ApiError('message_not_in_streaming_state');
  }
  return message;
}

const streamed = { markdown_text: z.string().optional(), chunks: chunks.optional() };

function streamText(args: { markdown_text?: string | undefined; chunks?: { text: string }[] | undefined }): string {
  const text = (args.markdown_text ?? '') + (args.chunks ?? []).map((chunk) => chunk.text).join('');
  checkMarkdownText(text);
  return text;
}

function append(message: FakeMessage, text: string): void {
  checkStream(message.text + text);
  message.text += text;
}

const CHAT = { scopes: ['chat:write'] };

export const METHODS: Readonly<Record<string, Method>> = {
  'auth.test': define({ scopes: [], perMinute: 1000 }, {}, (_, { workspace, url }) => ({
    ...{ url, team: 'Fake', user: 'recollect', team_id: workspace.team, user_id: workspace.botUser },
    bot_id: workspace.botId,
  })),
  'apps.connections.open': define({ scopes: [], perMinute: 1000, token: 'app' }, {}, (_, { openConnection }) => ({
    url: openConnection(),
  })),

  'chat.postMessage': define(
    { ...CHAT, perMinute: 600 },
    {
      ...{ channel, text: z.string().optional(), blocks: json(z.unknown()).optional(), metadata: metadata.optional() },
      ...{ thread_ts: ts.optional(), unfurl_links: flag.optional(), unfurl_media: flag.optional() },
    },
    (args, context) => {
      checkText('chat.postMessage', args.text);
      checkThread(context, args.channel, args.thread_ts);
      const blocks = args.blocks === undefined ? [] : readBlocks(args.blocks);
      if (blocks.length === 0 && (args.text ?? '') === '') throw new ApiError('no_text');
      const message = context.workspace.add({
        ...{ channel: args.channel, thread: args.thread_ts, user: context.workspace.botUser, bot: true },
        ...{ text: shownText(args.text, blocks), blocks, metadata: args.metadata },
      });
      context.wrote('posted', message);
      return { channel: args.channel, ts: message.ts };
    },
  ),
  'chat.update': define(
    { ...CHAT, perMinute: TIER_3 },
    {
      ...{ channel, ts, text: z.string().optional(), blocks: json(z.unknown()).optional() },
      metadata: metadata.optional(),
    },
    (args, context) => {
      const message = own(context, args);
      const alive =
        message.stream !== undefined && performance.now() - message.stream.startedAt <= context.streamLifetimeMs();
      if (alive) throw new ApiError('streaming_state_conflict');
      checkText('chat.update', args.text);
      const blocks = args.blocks === undefined ? [] : readBlocks(args.blocks);
      message.stream = undefined;
      message.text = shownText(args.text, blocks);
      message.blocks = blocks;
      message.edits += 1;
      if (args.metadata !== undefined) message.metadata = args.metadata;
      context.wrote('changed', message);
      return { channel: args.channel, ts: args.ts, text: message.text };
    },
  ),
  'chat.delete': define({ ...CHAT, perMinute: TIER_3 }, { channel, ts }, (args, context) => {
    const message = own(context, args);
    context.workspace.remove(args.channel, args.ts);
    context.wrote('deleted', message);
    return { channel: args.channel, ts: args.ts };
  }),
  'chat.startStream': define(
    { ...CHAT, perMinute: TIER_2 },
    {
      ...{ channel, thread_ts: ts, ...streamed },
      ...{ recipient_team_id: z.string().optional(), recipient_user_id: z.string().optional() },
    },
    (args, context) => {
      checkThread(context, args.channel, args.thread_ts);
      if (!context.workspace.isDirect(args.channel)) {
        if (args.recipient_team_id === undefined) throw new ApiError('missing_recipient_team_id');
        if (args.recipient_user_id === undefined) throw new ApiError('missing_recipient_user_id');
      }
      const text = streamText(args);
      checkStream(text);
      const message = context.workspace.add({
        ...{ channel: args.channel, thread: args.thread_ts, user: context.workspace.botUser, bot: true },
        ...{ text, streaming: true },
      });
      context.wrote('posted', message);
      return { channel: args.channel, ts: message.ts };
    },
  ),
  'chat.appendStream': define({ ...CHAT, perMinute: TIER_4 }, { channel, ts, ...streamed }, (args, context) => {
    const text = streamText(args);
    if (text === '') throw new ApiError('no_text');
    append(streaming(context, args), text);
    return { channel: args.channel, ts: args.ts };
  }),
  'chat.stopStream': define(
    { ...CHAT, perMinute: TIER_2 },
    {
      ...{ channel, ts, ...streamed, metadata: metadata.optional(), blocks: json(z.unknown()).optional() },
      session_status: z.enum(['active', 'processing', 'suspended', 'closed']).optional(),
    },
    (args, context) => {
      const message = streaming(context, args);
      append(message, streamText(args));
      if (args.blocks !== undefined) message.blocks = readBlocks(args.blocks);
      message.stream = undefined;
      if (args.metadata !== undefined) message.metadata = args.metadata;
      if (args.session_status !== undefined) {
        context.workspace.sessions.set(`${args.channel} ${message.thread}`, args.session_status);
      }
      context.wrote('changed', message);
      return { channel: args.channel, ts: args.ts };
    },
  ),
  'chat.postEphemeral': define(
    { ...CHAT, perMinute: TIER_4 },
    {
      ...{ channel, user: z.string(), text: z.string().optional(), blocks: json(z.unknown()).optional() },
      thread_ts: ts.optional(),
    },
    (args, context) => {
      checkThread(context, args.channel, args.thread_ts);
      if (!context.workspace.users.has(args.user)) throw new ApiError('user_not_in_channel');
      const blocks = args.blocks === undefined ? [] : readBlocks(args.blocks);
      context.workspace.ephemerals.push({
        ...{ channel: args.channel, user: args.user, thread: args.thread_ts, blocks },
        text: shownText(args.text, blocks),
      });
      return { message_ts: context.workspace.nextTs() };
    },
  ),

  'assistant.threads.setStatus': define(
    { scopes: ['chat:write', 'assistant:write'], perMinute: 600 },
    { channel_id: channel, thread_ts: ts, status: z.string() },
    (args, { workspace }) => {
      if (args.status === '') workspace.statuses.delete(`${args.channel_id} ${args.thread_ts}`);
      else workspace.statuses.set(`${args.channel_id} ${args.thread_ts}`, args.status);
      return {};
    },
  ),
  'assistant.threads.setSuggestedPrompts': define(
    { scopes: ['assistant:write'], perMinute: TIER_4 },
    {
      channel_id: channel,
      prompts: json(
        z
          .array(z.strictObject({ title: z.string().min(1), message: z.string().min(1) }))
          .min(1)
          .max(4),
      ),
      title: z.string().optional(),
    },
    (args, { workspace }) => {
      workspace.prompts.set(args.channel_id, args.prompts);
      return {};
    },
  ),
  'agents.sessions.setStatus': define(
    { ...CHAT, perMinute: TIER_3 * 4 },
    {
      ...{ channel_id: channel, thread_ts: ts },
      status: z.enum(['active', 'processing', 'suspended', 'closed']),
    },
    (args, { workspace }) => {
      workspace.sessions.set(`${args.channel_id} ${args.thread_ts}`, args.status);
      return { status: args.status };
    },
  ),

  'conversations.replies': define(
    { scopes: ['channels:history', 'groups:history', 'im:history', 'mpim:history'], perMinute: TIER_3 },
    {
      ...{ channel, ts, limit: z.coerce.number().int().min(1).max(1000).default(1000), cursor: z.string().optional() },
      ...{ oldest: z.string().optional(), latest: z.string().optional() },
      ...{ inclusive: flag.default(false), include_all_metadata: flag.default(false) },
    },
    (args, { workspace }) => {
      const all = workspace.thread(args.channel, args.ts);
      if (all.length === 0) throw new ApiError('thread_not_found');
      const within = (at: string) =>
        (args.oldest === undefined || at > args.oldest || (args.inclusive && at === args.oldest)) &&
        (args.latest === undefined || at < args.latest || (args.inclusive && at === args.latest));
      // The root comes along whatever the bounds are.
      const chosen = all.filter((message) => message.ts === args.ts || within(message.ts));
      const from = Number(args.cursor ?? 0);
      const page = chosen.slice(from, from + args.limit);
      const more = from + args.limit < chosen.length;
      return {
        messages: page.map((message) => asReply(message, args.include_all_metadata, workspace)),
        has_more: more,
        response_metadata: { next_cursor: more ? String(from + args.limit) : '' },
      };
    },
  ),
  'conversations.open': define({ scopes: ['im:write'], perMinute: TIER_3 }, { users: z.string() }, (args, context) => {
    if (!context.workspace.users.has(args.users)) throw new ApiError('user_not_found');
    return { channel: { id: context.workspace.directOf(args.users) } };
  }),
  'users.info': define(
    { scopes: ['users:read'], perMinute: TIER_4 },
    { user: z.string(), include_locale: flag.default(false) },
    (args, { workspace }) => {
      const user = workspace.users.get(args.user);
      if (user === undefined) throw new ApiError('user_not_found');
      const { id, name, locale, tz, isAdmin } = user;
      return {
        user: {
          ...{ id, name, real_name: name, tz, is_admin: isAdmin, is_owner: false, is_bot: false },
          profile: { display_name: name, real_name: name },
          ...(args.include_locale ? { locale } : {}),
        },
      };
    },
  ),

  'files.getUploadURLExternal': define(
    { scopes: ['files:write'], perMinute: TIER_4 },
    {
      ...{ filename: z.string(), length: z.coerce.number() },
      ...{ alt_text: z.string().optional(), snippet_type: z.string().optional() },
    },
    (args, { uploads, url }) => {
      const id = `F${uploads.size + 1}`;
      uploads.set(id, { name: args.filename, content: undefined });
      return { upload_url: `${url}/upload/${id}`, file_id: id };
    },
  ),
  'files.completeUploadExternal': define(
    { scopes: ['files:write'], perMinute: TIER_4 },
    {
      files: json(z.array(z.strictObject({ id: z.string(), title: z.string().optional() }))),
      ...{ channel_id: channel.optional(), thread_ts: ts.optional(), initial_comment: z.string().optional() },
    },
    (args, context) => {
      const files = args.files.map(({ id }) => {
        const upload = context.uploads.get(id);
        if (upload?.content === undefined) throw new ApiError('file_not_found');
        return { name: upload.name, content: upload.content };
      });
      if (args.channel_id !== undefined) {
        checkThread(context, args.channel_id, args.thread_ts);
        const message = context.workspace.add({
          ...{ channel: args.channel_id, thread: args.thread_ts, user: context.workspace.botUser, bot: true },
          ...{ text: args.initial_comment ?? '', files },
        });
        context.wrote('posted', message);
      }
      return { files: args.files };
    },
  ),
};

/** As conversations.replies gives it: the text is Slack's own rendering, not the Markdown that was sent. */
function asReply(message: FakeMessage, withMetadata: boolean, workspace: Workspace): object {
  return {
    type: 'message',
    ts: message.ts,
    ...(message.thread === undefined ? {} : { thread_ts: message.thread }),
    user: message.user,
    ...(message.bot && message.user === workspace.botUser ? { bot_id: workspace.botId, app_id: workspace.appId } : {}),
    ...(message.bot && message.user !== workspace.botUser ? { bot_id: 'B0OTHER' } : {}),
    text: message.text.replaceAll('**', '*'),
    ...(message.stream === undefined ? {} : { streaming_state: 'in_progress' }),
    ...(withMetadata && message.metadata !== undefined ? { metadata: message.metadata } : {}),
    ...(message.files.length === 0 ? {} : { files: message.files.map(({ name }) => ({ id: 'F0', name })) }),
  };
}
