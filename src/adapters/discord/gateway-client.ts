/** discord.js as far as the gateway needs it: sessions, and what is known of servers, channels and roles. */
import { Client, GatewayIntentBits, Options, PermissionFlagsBits } from 'discord.js';
import type { Logger } from '../../core/ports.ts';
import { createGatewayGuard, type GuardOptions } from './gateway-guard.ts';
import { type Names, NO_NAMES } from './markup.ts';
import { apiOf } from './rest.ts';
import { createIdentifyThrottler } from './session-starts.ts';

export interface GatewayClientOptions {
  readonly apiUrl?: string | undefined;
  readonly log: Logger;
  /** Counts an event that discord.js could not deal with. */
  readonly malformed: () => void;
  /** Connections. */
  readonly count: number;
  /** With the text of messages. */
  readonly content: boolean;
  readonly onPacket: GuardOptions['onEvent'];
}

export function createGatewayClient(options: GatewayClientOptions): Client {
  const { apiUrl, log, malformed, count, content, onPacket } = options;
  const { Guilds, GuildMessages, DirectMessages, MessageContent } = GatewayIntentBits;
  return new Client({
    intents: [Guilds, GuildMessages, DirectMessages, ...(content ? [MessageContent] : [])],
    allowedMentions: { parse: [], repliedUser: false },
    rest: apiOf(apiUrl),
    ws: {
      buildIdentifyThrottler: createIdentifyThrottler(log),
      buildStrategy: createGatewayGuard({
        onEvent: onPacket,
        onFault(event, thrown) {
          malformed();
          log.error({ event, thrown }, 'discord.js could not deal with an event');
        },
      }),
    },
    shards: Array.from({ length: count }, (_, shard) => shard),
    shardCount: count,
    // The payloads themselves are read; of discord.js's own memory only channels and servers are asked.
    makeCache: Options.cacheWithLimits({
      ...Options.DefaultMakeCacheSettings,
      ...{ MessageManager: 0, ReactionManager: 0, PresenceManager: 0, VoiceStateManager: 0, ThreadMemberManager: 0 },
      UserManager: { maxSize: 0, keepOverLimit: ({ id, client: own }) => id === own.user.id },
      GuildMemberManager: { maxSize: 0, keepOverLimit: ({ id, client: own }) => id === own.user.id },
    }),
  });
}

/** What discord.js knows of a server. Names of channels that not everybody in it may see are nobody's to tell. */
export function namesOf(client: Client | undefined, guildId: string | undefined): Names {
  const guild = guildId === undefined ? undefined : client?.guilds.cache.get(guildId);
  if (guild === undefined) return NO_NAMES;
  return {
    channel(id) {
      const channel = guild.channels.cache.get(id);
      const open = channel?.permissionsFor(guild.id, true)?.has(PermissionFlagsBits.ViewChannel);
      return open === true ? channel?.name : undefined;
    },
    role(id) {
      const role = guild.roles.cache.get(id);
      return role === undefined ? undefined : { name: role.name, own: role.tags?.botId === client?.user?.id };
    },
  };
}
