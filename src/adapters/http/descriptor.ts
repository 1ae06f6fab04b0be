import type { PlatformDescriptor } from '../../core/platform.ts';

export const httpPlatform: PlatformDescriptor = {
  id: 'http',
  name: 'HTTP',
  settings: [],
  addressing: 'api',
  // Callers choose their user_id themselves.
  verifiesUsers: false,
  userIds: 'platform',
};
