/** The methods of the fake Slack that write messages and streams. */
import { z } from 'zod';
import { ApiError, checkMarkdownText, checkStream, checkText, readBlocks, shownText } from './block-rules.ts';
import {
  CHAT,
  channel,
  checkThread,
  define,
  flag,
  json,
  type Method,
  type MethodContext,
  metadata,
  TIER_2,
  TIER_3,
  TIER_4,
  ts,
} from './method-kit.ts';
import type { FakeMessage } from './workspace.ts';

const chunks = json(z.array(z.strictObject({ type: z.literal('markdown_text'), text: z.string() })));

function own(context: MethodContext, at: { readonly channel: string; readonly ts: string }): FakeMessage {
  const message = context.workspace.find(at.channel, at.ts);
  if (message === undefined) throw new ApiError('message_not_found');
  if (!message.bot) throw new ApiError('cant_update_message');
  return message;
}

/** A stream that is too old has ended by itself. */
function streams(context: MethodContext, message: FakeMessage): boolean {
  const { stream } = message;
  if (stream === undefined || performance.now() - stream.startedAt <= context.streamLifetimeMs()) {
    return stream !== undefined;
  }
  message.stream = undefined;
  return false;
}

function streaming(context: MethodContext, at: { readonly channel: string; readonly ts: string }): FakeMessage {
  const message = own(context, at);
  if (!streams(context, message)) throw new ApiError('message_not_in_streaming_state');
  return message;
}

const streamed = { markdown_text: z.string().optional(), chunks: chunks.optional() };

function streamText(args: { markdown_text?: string | undefined; chunks?: { text: string }[] | undefined }): string {
  const text = (args.markdown_text ?? '') + (args.chunks ?? []).map((chunk) => chunk.text).join('');
  checkMarkdownText(text);
  return text;
}

function append(context: MethodContext, message: FakeMessage, text: string): void {
  checkStream(message.text + text);
  message.text += text;
  unfurl(context, message.text);
}

/**
 * Slack fetches the links of a post unless unfurling is turned off; it ignores links that an edit adds
 * (NousResearch/hermes-agent#97957). For streams unfurling can't be turned off (slackapi/node-slack-sdk#2389), and it is
 * not documented whether Slack fetches their links: here it does.
 */
function unfurl({ workspace }: MethodContext, text: string): void {
  if (/https?:|:\/\/|www\./i.test(text)) workspace.previews.push(text);
}

export const CHAT_METHODS: Readonly<Record<string, Method>> = {
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
      if (args.unfurl_links !== false || args.unfurl_media !== false) unfurl(context, `${args.text} ${message.text}`);
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
      // docs.slack.dev/reference/methods/chat.update: the message is still being streamed.
      if (streams(context, message)) throw new ApiError('streaming_state_conflict');
      checkText('chat.update', args.text);
      const blocks = args.blocks === undefined ? [] : readBlocks(args.blocks);
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
    // As recorded from Slack by others: an open stream is not deleted, and the refusal is the general one.
    if (streams(context, message)) throw new ApiError('cant_delete_message');
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
      unfurl(context, text);
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
    append(context, streaming(context, args), text);
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
      append(context, message, streamText(args));
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
};
