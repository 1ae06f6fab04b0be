/** The app's manifest, generated from the command catalogue. Pure. scripts/slack-manifest.ts writes it to slack/. */
import type { CommandDefinition } from '../../core/commands.ts';
import { messagesIn } from '../../i18n/messages.ts';
import { SHORTCUT_PREFIX } from './commands/commands.ts';

export interface ManifestOptions {
  readonly catalogue: readonly CommandDefinition[];
  /** The name of the one command that has all others as subcommands, for workspaces where their names are in use. */
  readonly umbrella: string;
  /** A command's arguments, such as `[limit] [export]`. */
  readonly argumentsOf: (definition: CommandDefinition) => readonly string[];
  /** Where Slack delivers to; absent: Socket Mode. */
  readonly requestUrl?: string;
}

/** Each scope, and the methods and events that need it. */
export const BOT_SCOPES = {
  'app_mentions:read': ['app_mention'],
  'assistant:write': ['assistant.threads.setSuggestedPrompts', 'agent_view'],
  'chat:write': ['chat.postMessage', 'chat.startStream', 'assistant.threads.setStatus', 'agents.sessions.setStatus'],
  commands: ['slash_commands', 'shortcuts'],
  'im:history': ['message.im', 'conversations.replies'],
  'im:write': ['conversations.open'],
  'channels:history': ['message.channels', 'conversations.replies'],
  'groups:history': ['message.groups', 'conversations.replies'],
  'mpim:history': ['message.mpim', 'conversations.replies'],
  'users:read': ['users.info'],
  'channels:read': ['channel_deleted', 'conversations.info'],
  'groups:read': ['group_deleted'],
  'usergroups:read': ['usergroups.list'],
  'files:read': ['files.info'],
  'files:write': ['files.getUploadURLExternal', 'files.completeUploadExternal'],
} as const;

export const BOT_EVENTS = [
  'app_mention',
  'message.im',
  'message.channels',
  'message.groups',
  'message.mpim',
  'app_home_opened',
  'app_context_changed',
  'agent_session_stopped',
  'channel_deleted',
  'group_deleted',
  'app_uninstalled',
  'tokens_revoked',
] as const;

const NAME = 'Recollect';
const DESCRIPTION = 'A chatbot whose memory can be trusted: see it, limit it, erase it';

/** As docs.slack.dev describes app manifests, schema version 2. */
export function createManifest({ catalogue, umbrella, argumentsOf, requestUrl }: ManifestOptions) {
  const texts = messagesIn('en');
  const at = requestUrl === undefined ? {} : { url: requestUrl };
  const to = requestUrl === undefined ? {} : { request_url: requestUrl };
  const names = catalogue.map(({ name }) => name);
  return {
    _metadata: { major_version: 2 },
    display_information: { name: NAME, description: DESCRIPTION, background_color: '#1f3a5f' },
    features: {
      app_home: { home_tab_enabled: false, messages_tab_enabled: true, messages_tab_read_only_enabled: false },
      bot_user: { display_name: NAME, always_online: true },
      agent_view: { agent_description: DESCRIPTION, suggested_prompts: texts.slack.prompts.prompts },
      slash_commands: [
        ...catalogue.map((definition) => ({
          command: `/${definition.name}`,
          ...at,
          description: definition.description.en,
          ...hintOf(argumentsOf(definition)),
          should_escape: false,
        })),
        {
          command: `/${umbrella}`,
          ...at,
          description: texts.commands.umbrella,
          usage_hint: `[${names.join('|')}]`,
          should_escape: false,
        },
      ],
      shortcuts: catalogue.map(({ name, description, onMessage }) => ({
        name: onMessage?.en ?? `Memory: ${name}`,
        type: 'message',
        callback_id: `${SHORTCUT_PREFIX}${name}`,
        description: description.en,
      })),
    },
    oauth_config: { scopes: { bot: Object.keys(BOT_SCOPES) } },
    settings: {
      event_subscriptions: { ...to, bot_events: BOT_EVENTS },
      interactivity: { is_enabled: true, ...to },
      org_deploy_enabled: false,
      socket_mode_enabled: requestUrl === undefined,
      token_rotation_enabled: false,
    },
  };
}

/** Slack refuses an empty hint. */
function hintOf(parts: readonly string[]) {
  return parts.length === 0 ? {} : { usage_hint: parts.join(' ') };
}
