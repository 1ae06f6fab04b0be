/** Slack's events about messages: the inner events of the Events API. */
import type { FakeMessage, Workspace } from './workspace.ts';

/** A message, or the mention that is delivered with it; `edited`: the event that follows an edit. */
export function plainEvent(
  workspace: Workspace,
  message: FakeMessage,
  type: 'message' | 'app_mention' = 'message',
  edited = false,
): object {
  const { ts, channel } = message;
  return {
    ...{ ...asNested(workspace, message, type), event_ts: ts, channel },
    ...(type === 'message' ? { channel_type: channelType(workspace, channel) } : {}),
    ...(edited ? { edited: editedOf(message) } : {}),
  };
}

function channelType(workspace: Workspace, channel: string): string {
  return workspace.isDirect(channel) ? 'im' : 'channel';
}

/** A message as it stands in other events: without its channel. */
function asNested(workspace: Workspace, message: FakeMessage, type = 'message'): object {
  const { ts, thread, user, text, bot, clientMsgId, files, attachments } = message;
  return {
    ...{ type, ts, user, text: bot ? text : escaped(text), team: workspace.team },
    ...(thread === undefined
      ? {}
      : { thread_ts: thread, parent_user_id: workspace.find(message.channel, thread)?.user }),
    ...(bot ? { bot_id: user === workspace.botUser ? workspace.botId : 'B0OTHER', app_id: 'A1' } : {}),
    ...(clientMsgId === undefined ? {} : { client_msg_id: clientMsgId }),
    ...(attachments.length === 0 ? {} : { attachments }),
    ...(files.length === 0 ? {} : { subtype: 'file_share', files: files.map(workspace.files.inEvent) }),
  };
}

/** Whole seconds, as Slack has it. */
function editedOf({ user }: FakeMessage): object {
  return { user, ts: `${Math.floor(Date.now() / 1000)}.000000` };
}

interface ChangeEvent {
  readonly message: object & { readonly edited?: object };
  readonly previous_message: object;
}

/** An edit (docs.slack.dev/reference/events/message/message_changed). */
export function changeEvent(workspace: Workspace, message: FakeMessage, before: FakeMessage): ChangeEvent {
  return {
    ...hidden(workspace, message, 'message_changed'),
    message: { ...asNested(workspace, message), edited: editedOf(message) },
    previous_message: asNested(workspace, before),
  };
}

/** A deletion (docs.slack.dev/reference/events/message/message_deleted; payload: slack-go/slack#1261). */
export function deletionEvent(workspace: Workspace, message: FakeMessage): object {
  return {
    ...hidden(workspace, message, 'message_deleted'),
    ...{
      deleted_ts: message.ts,
      previous_message: message.tombstone ? tombstoneOf(workspace, message) : asNested(workspace, message),
    },
  };
}

/** The deletion of a root that has replies: it is emptied (42wim/matterbridge#600, slack-edge/slack-edge#10). */
export function tombstoneEvent(workspace: Workspace, message: FakeMessage): object {
  return {
    ...hidden(workspace, message, 'message_changed'),
    ...{ message: tombstoneOf(workspace, message), previous_message: asNested(workspace, message) },
  };
}

/** What stands where the root of a thread was. */
export function tombstoneOf(workspace: Workspace, { channel, ts }: FakeMessage): object {
  const replies = workspace.thread(channel, ts).filter((reply) => reply.ts !== ts);
  const users = [...new Set(replies.map(({ user }) => user))];
  return {
    ...{ subtype: 'tombstone', text: 'This message was deleted.', user: 'USLACKBOT', hidden: true, type: 'message' },
    ...{ thread_ts: ts, reply_count: replies.length, reply_users_count: users.length, reply_users: users },
    ...{ latest_reply: replies.at(-1)?.ts ?? '0000000000.000000', is_locked: false, ts },
  };
}

function hidden(workspace: Workspace, { channel }: FakeMessage, subtype: string): object {
  const ts = workspace.nextTs();
  return {
    type: 'message',
    subtype,
    channel,
    hidden: true,
    channel_type: channelType(workspace, channel),
    ts,
    event_ts: ts,
  };
}

/** Slack escapes what people type, and leaves its own tokens alone. */
function escaped(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replace(/<(?![@#!][A-Za-z])/g, '&lt;')
    .replace(/(?<!<[@#!][^<>]*)>/g, '&gt;');
}
