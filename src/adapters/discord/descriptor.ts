import type { PlatformDescriptor } from '../../core/platform.ts';

export const discordPlatform: PlatformDescriptor = {
  id: 'discord',
  name: 'Discord',
  settings: ['DISCORD_TOKEN'],
  addressing: 'mention',
  verifiesUsers: true,
  // A user has one id in all guilds.
  userIds: 'platform',
};
