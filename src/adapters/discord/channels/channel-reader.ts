/** Reads channels over REST: what kind they are, and the messages in them. */
import { z } from 'zod';
import type { Logger } from '../../../core/ports.ts';
import { toBotError } from '../../../errors.ts';
import { createGate } from '../../../lib/gate.ts';
import { type ChannelPayload, channelPayload, type MessagePayload, messagePayload } from '../payloads.ts';
import { type ChannelInfo, channelInfoOf } from '../places.ts';
import type { DiscordRest } from '../rest.ts';
import { isNewer } from '../snowflake.ts';
import type { ChannelWorkerDeps } from './channel-worker-deps.ts';

/** The most messages that Discord gives at once. */
const PAGE = 100;
/** Channels that are read at the same time. Discord's global limit is 50 requests a second. */
const MAX_CONCURRENT = 5;

export interface ChannelReaderDeps {
  readonly rest: DiscordRest;
  /** A channel as the gateway described it. */
  readonly cached: (id: string) => ChannelPayload | undefined;
  /** Counts payloads that could not be parsed. */
  readonly malformed: () => void;
  readonly log: Logger;
}

export interface ChannelReader {
  /** A channel that the bot may not look up counts as one that is no thread. @throws BotError `platform_*` (retryable) */
  channelInfo(id: string, guild: string): Promise<ChannelInfo>;
  /** As {@link ChannelWorkerDeps.readHistory}, of this channel. */
  history(id: string, after: string): ReturnType<ChannelWorkerDeps['readHistory']>;
}

export function createChannelReader({ rest, cached, malformed, log }: ChannelReaderDeps): ChannelReader {
  const gate = createGate(MAX_CONCURRENT);

  return {
    async channelInfo(id, guild) {
      const channel = cached(id);
      if (channel !== undefined) return channelInfoOf(channel, guild);
      try {
        return channelInfoOf(channelPayload.parse(await rest.request('GET', `/channels/${id}`)), guild);
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
        // One malformed message must not hide the others.
        if (!parsed.success) {
          malformed();
          log.error({ channel: id }, 'malformed message from Discord');
        }
        return parsed.success ? [parsed.data] : [];
      });
      const inOrder = messages.toSorted((a, b) => (isNewer(a.id, b.id) ? 1 : -1));
      return { messages: inOrder, more: page.length === PAGE && messages.length > 0 };
    },
  };
}
