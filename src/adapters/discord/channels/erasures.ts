/** What the bot remembers of a place that is no more goes, too: a channel with its threads, a thread, a server. */
import type { BotPort } from '../../../core/bot-port.ts';
import type { Logger } from '../../../core/ports.ts';
import { toBotError } from '../../../errors.ts';
import { backoff } from '../../../lib/backoff.ts';
import type { Delays } from '../../../lib/delay.ts';
import { type ChannelAbout, DISCORD, placeOf } from '../places.ts';
import type { ChannelWorkers, Gone } from './channel-workers.ts';

const MAX_BACKOFF_MS = 30_000;

export interface ErasuresDeps {
  readonly bot: Pick<BotPort, 'memory'>;
  readonly lanes: Pick<ChannelWorkers, 'drop'>;
  readonly pauses: Delays;
  readonly log: Logger;
}

/** Each resolves when everything is erased, or intake ends. Never rejects. */
export interface Erasures {
  /** A channel or thread, as `about` says. A DM is nobody's to delete: it is left alone. */
  channel(id: string, about: ChannelAbout): Promise<void>;
  guild(id: string): Promise<void>;
}

export function createErasures({ bot, lanes, pauses, log }: ErasuresDeps): Erasures {
  async function insist(what: Gone, action: () => Promise<void>): Promise<void> {
    for (let failures = 1; !pauses.ended(); failures += 1) {
      try {
        return await action();
      } catch (thrown) {
        const { code } = toBotError(thrown);
        log.warn({ ...what, code, failures }, 'the conversations of a place that is gone are not erased yet');
        await pauses.wait(backoff(failures, MAX_BACKOFF_MS));
      }
    }
  }

  async function erase(what: Gone, whose: Parameters<BotPort['memory']['erase']>[0]): Promise<void> {
    const { idle, unwatch } = lanes.drop(what);
    await insist(what, async () => {
      const { conversations } = await bot.memory.erase(whose);
      // And what was just being stored.
      await idle;
      await bot.memory.erase(whose);
      // Last of all: should this process end before, the next one finds out from the registry.
      await unwatch();
      log.info({ ...what, conversations }, 'a place in Discord is gone: its conversations are erased');
    });
  }

  return {
    async channel(id, about) {
      if (about.direct) return;
      const place = placeOf(id, about);
      await erase({ channel: id }, about.parent === undefined ? { place } : { place, thread: id });
    },
    async guild(id) {
      await erase({ guild: id }, { platform: DISCORD, workspace: id });
    },
  };
}
