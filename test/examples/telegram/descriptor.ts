import type { PlatformDescriptor } from '../../../src/core/platform.ts';

export const telegramPlatform: PlatformDescriptor = {
  id: 'telegram',
  name: 'Telegram',
  settings: ['TELEGRAM_TOKEN'],
  addressing: 'mention',
  verifiesUsers: true,
  userIds: 'platform',
};
