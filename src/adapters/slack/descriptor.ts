import type { PlatformDescriptor } from '../../core/platform.ts';

export const slackPlatform: PlatformDescriptor = {
  id: 'slack',
  name: 'Slack',
  settings: ['SLACK_BOT_TOKEN', 'SLACK_APP_TOKEN'],
  addressing: 'mention',
  verifiesUsers: true,
  userIds: 'workspace',
};
