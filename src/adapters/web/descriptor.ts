import type { PlatformDescriptor } from '../../core/platform.ts';

export const webPlatform: PlatformDescriptor = {
  id: 'web',
  name: 'Playground',
  settings: [],
  // The banner has its address.
  hidden: true,
  // Everything said on the page is said to the bot, in its channels too.
  addressing: 'any',
  verifiesUsers: false,
  userIds: 'platform',
};
