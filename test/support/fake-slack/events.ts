/** What Slack tells of messages: the inner events of its Events API. */
import type { FakeMessage, Workspace } from './workspace.ts';

/** A message, or the mention that comes along with it. */
export function plainEvent(
  workspace: Workspace,
  message: FakeMessage,
  type: 'message' | 'app_mention' = 'message',
): object {
  const { ts, channel, thread, user, text, bot, clientMsgId, files } = message;
  return {
    ...{ type, ts, event_ts: ts, channel, user, text: bot ? text : escaped(text) },
    ...(type === 'message' ? { channel_type: workspace.isDirect(channel) ? 'im' : 'channel' } : {}),
    ...(thread === undefined ? {} : { thread_ts: thread }),
    ...(bot ? { bot_id: user === workspace.botUser ? workspace.botId : 'B0OTHER', app_id: 'A1' } : {}),
    ...(clientMsgId === undefined ? {} : { client_msg_id: clientMsgId }),
    ...(files.length === 0
      ? {}
      : { subtype: 'file_share', files: files.map(({ name }) => ({ id: 'F1', name, mimetype: 'text/plain' })) }),
  };
}

/** An edit or a deletion, as Slack tells of it. */
export function changeEvent(
  workspace: Workspace,
  kind: 'changed' | 'deleted',
  message: FakeMessage,
  before: string,
): object {
  const { ts, channel } = message;
  const common = {
    type: 'message',
    hidden: true,
    channel,
    channel_type: workspace.isDirect(channel) ? 'im' : 'channel',
  };
  const previous_message = { ...plainEvent(workspace, message), text: before };
  return kind === 'deleted'
    ? { ...common, subtype: 'message_deleted', ts: workspace.nextTs(), deleted_ts: ts, previous_message }
    : {
        ...{ ...common, subtype: 'message_changed', ts: workspace.nextTs() },
        ...{ message: { ...plainEvent(workspace, message), edited: { user: message.user, ts } }, previous_message },
      };
}

/** Slack escapes what people type, and leaves its own tokens alone. */
function escaped(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replace(/<(?![@#!][A-Za-z])/g, '&lt;')
    .replace(/(?<!<[@#!][^<>]*)>/g, '&gt;');
}
