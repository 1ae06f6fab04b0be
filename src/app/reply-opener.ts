/** Opens replies with the adapter of their platform. */
import type { Adapter } from '../adapters/adapter.ts';
import type { ReplyOpener } from '../core/ports.ts';
import { BotError } from '../errors.ts';

/** @throws BotError `platform_refused` if the platform is not enabled in this process */
export function openReplies(adapters: readonly Adapter[]): ReplyOpener {
  return {
    async openReply(target, context) {
      const adapter = adapters.find(({ platform }) => platform === target.platform);
      if (adapter !== undefined) return await adapter.openReply(target, context);
      throw new BotError('platform_refused', `The platform ${target.platform} is not enabled in this process.`);
    },
  };
}
