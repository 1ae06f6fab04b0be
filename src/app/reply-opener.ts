/** Finds the adapter that a reply belongs to. */
import type { Adapter } from '../adapters/adapter.ts';
import type { ReplyOpener } from '../core/ports.ts';
import { BotError } from '../errors.ts';

/** A reply goes to the adapter of its target's platform. @throws BotError `platform_refused` when it is not switched on here. */
export function openReplies(adapters: readonly Adapter[]): ReplyOpener {
  return {
    async openReply(target, context) {
      const adapter = adapters.find(({ platform }) => platform === target.platform);
      if (adapter !== undefined) return await adapter.openReply(target, context);
      throw new BotError('platform_refused', `The platform ${target.platform} is not switched on in this process.`);
    },
  };
}
