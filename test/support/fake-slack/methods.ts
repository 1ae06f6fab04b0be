/** All Web API methods of the fake Slack. */
import { z } from 'zod';
import { ApiError } from './block-rules.ts';
import { CHAT_METHODS } from './chat-methods.ts';
import { tombstoneOf } from './events.ts';
import {
  CHAT,
  channel,
  checkThread,
  define,
  flag,
  json,
  type Method,
  TIER_2,
  TIER_3,
  TIER_4,
  ts,
} from './method-kit.ts';
import type { FakeMessage, Workspace } from './workspace.ts';

export const METHODS: Readonly<Record<string, Method>> = {
  ...CHAT_METHODS,
  'auth.test': define({ scopes: [], perMinute: 1000 }, {}, (_, { workspace, url }) => ({
    ...{ url, team: 'Fake', user: 'recollect', team_id: workspace.team, user_id: workspace.botUser },
    bot_id: workspace.botId,
  })),
  'apps.connections.open': define({ scopes: [], perMinute: 1000, token: 'app' }, {}, (_, { openConnection }) => ({
    url: openConnection(),
  })),

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
    { ...CHAT, perMinute: TIER_3 },
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
  'conversations.info': define(
    { scopes: ['channels:read', 'groups:read', 'im:read', 'mpim:read'], perMinute: TIER_3 },
    { channel },
    (args, { workspace }) => {
      const found = workspace.channels.get(args.channel);
      if (found === undefined) throw new ApiError('channel_not_found');
      return {
        channel: { id: args.channel, name: found.name, is_private: found.isPrivate, is_im: false, is_mpim: false },
      };
    },
  ),
  'usergroups.list': define({ scopes: ['usergroups:read'], perMinute: TIER_2 }, {}, (_, { workspace }) => ({
    usergroups: [...workspace.groups].map(([id, handle]) => ({ id, handle, name: handle, team_id: workspace.team })),
  })),
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

  // docs.slack.dev/reference/methods/files.info
  'files.info': define(
    { scopes: ['files:read'], perMinute: TIER_4 },
    { file: z.string().regex(/^F[A-Z0-9]+$/) },
    (args, { workspace }) => {
      const file = workspace.files.find(args.file);
      if (file === undefined) throw new ApiError('file_not_found');
      if (file.deleted) throw new ApiError('file_deleted');
      return { file: workspace.files.whole(file), comments: [], response_metadata: { next_cursor: '' } };
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
  if (message.tombstone) return tombstoneOf(workspace, message);
  return {
    type: 'message',
    ts: message.ts,
    ...(message.thread === undefined ? {} : { thread_ts: message.thread }),
    user: message.user,
    ...(message.bot && message.user === workspace.botUser ? { bot_id: workspace.botId, app_id: workspace.appId } : {}),
    ...(message.bot && message.user !== workspace.botUser ? { bot_id: 'B0OTHER' } : {}),
    text: message.text.replaceAll('**', '*'),
    ...(message.attachments.length === 0 ? {} : { attachments: message.attachments }),
    ...(message.bot && message.user !== workspace.botUser && message.blocks.length > 0
      ? { blocks: message.blocks }
      : {}),
    ...(message.stream === undefined ? {} : { streaming_state: 'in_progress' }),
    ...(withMetadata && message.metadata !== undefined ? { metadata: message.metadata } : {}),
    ...(message.files.length === 0 ? {} : { files: message.files.map(workspace.files.whole) }),
  };
}
