/** Erases the conversations of a place in Discord that was deleted: a channel with its threads, a thread, a server. */
import type { BotPort } from '../../../core/bot-port.ts';
import type { Logger } from '../../../core/ports.ts';
import { toBotError } from '../../../errors.ts';
import { backoff } from '../../../lib/backoff.ts';
import type { Delays } from '../../../lib/delay.ts';
import { type ChannelInfo, DISCORD, placeOf } from '../places.ts';
import type { ChannelWorkers, DeletedPlace } from './channel-workers.ts';

const MAX_BACKOFF_MS = 30_000;

export interface ErasuresDeps {
  readonly bot: Pick<BotPort, 'memory'>;
  readonly workers: Pick<ChannelWorkers, 'close'>;
  readonly delays: Delays;
  readonly log: Logger;
}

/** Each method resolves when everything is erased or the process ends. Neither rejects. */
export interface Erasures {
  /** A channel or a thread. Nothing happens for a DM, which can be closed but not deleted. */
  channel(id: string, info: ChannelInfo): Promise<void>;
  guild(id: string): Promise<void>;
}

export function createErasures({ bot, workers, delays, log }: ErasuresDeps): Erasures {
  async function untilDone(deleted: DeletedPlace, action: () => Promise<void>): Promise<void> {
    for (let failures = 1; !delays.ended(); failures += 1) {
      try {
        return await action();
      } catch (thrown) {
        const { code } = toBotError(thrown);
        log.warn({ ...deleted, code, failures }, 'could not erase the conversations of a deleted place; will retry');
        await delays.wait(backoff(failures, MAX_BACKOFF_MS));
      }
    }
  }

  async function erase(deleted: DeletedPlace, scope: Parameters<BotPort['memory']['erase']>[0]): Promise<void> {
    const { settled, unwatch } = workers.close(deleted);
    await untilDone(deleted, async () => {
      const { conversations } = await bot.memory.erase(scope);
      // Once more, for a message that was being stored meanwhile.
      await settled;
      await bot.memory.erase(scope);
      // Last: if this process ends before, the next one finds the channel in the registry and erases again.
      await unwatch();
      log.info({ ...deleted, conversations }, 'a place in Discord was deleted; erased its conversations');
    });
  }

  return {
    async channel(id, info) {
      if (info.direct) return;
      const place = placeOf(id, info);
      await erase({ channel: id }, info.parent === undefined ? { place } : { place, thread: id });
    },
    async guild(id) {
      await erase({ guild: id }, { platform: DISCORD, workspace: id });
    },
  };
}
