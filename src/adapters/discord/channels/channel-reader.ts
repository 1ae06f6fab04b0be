/** What is asked of Discord's channels over REST: what they are, and what was written in them. */
import { z } from 'zod';
import type { Logger } from '../../../core/ports.ts';
import { toBotError } from '../../../errors.ts';
import { createGate } from '../../../lib/gate.ts';
import { type ChannelPayload, channelPayload, type MessagePayload, messagePayload } from '../payloads.ts';
import { aboutOf, type ChannelAbout } from '../places.ts';
import type { DiscordRest } from '../rest.ts';
import { isNewer } from '../snowflake.ts';
import type { ChannelWorkerDeps } from './channel-worker-deps.ts';

/** Messages that Discord gives at once, at most. */
const PAGE = 100;
/** Channels that are read at the same time: Discord takes 50 requests a second of everything. */
const READERS = 5;

export interface ChannelReaderDeps {
  readonly rest: DiscordRest;
  /** What the gateway has told of a channel. */
  readonly known: (id: string) => ChannelPayload | undefined;
  /** Counts what Discord sent and nobody could read. */
  readonly malformed: () => void;
  readonly log: Logger;
}

export interface ChannelReader {
  /** A channel that Discord does not tell of is taken for one without threads. @throws BotError `platform_*` (retryable) */
  about(id: string, guild: string): Promise<ChannelAbout>;
  /** As `history` of a lane, of this channel. */
  history(id: string, after: string): ReturnType<ChannelWorkerDeps['history']>;
}

export function createChannelReader({ rest, known, malformed, log }: ChannelReaderDeps): ChannelReader {
  const gate = createGate(READERS);

  return {
    async about(id, guild) {
      const told = known(id);
      if (told !== undefined) return aboutOf(told, guild);
      try {
        return aboutOf(channelPayload.parse(await rest.request('GET', `/channels/${id}`)), guild);
      } catch (thrown) {
        if (toBotError(thrown).retryable) throw thrown;
        return { guild, direct: false };
      }
    },
    async history(id, after) {
      const query = { after, limit: String(PAGE) };
      const found = await gate(() => rest.request('GET', `/channels/${id}/messages`, { query }));
      const page = z.array(z.unknown()).parse(found);
      const messages = page.flatMap((element): MessagePayload[] => {
        const parsed = messagePayload.safeParse(element);
        // One that can't be read must not hide the others.
        if (!parsed.success) {
          malformed();
          log.error({ channel: id }, 'a message of Discord could not be read');
        }
        return parsed.success ? [parsed.data] : [];
      });
      const inOrder = messages.toSorted((a, b) => (isNewer(a.id, b.id) ? 1 : -1));
      return { messages: inOrder, more: page.length === PAGE && messages.length > 0 };
    },
  };
}
