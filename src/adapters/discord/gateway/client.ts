/** discord.js as far as the gateway needs it: sessions, and what is known of servers, channels and roles. */
import {
  Client,
  GatewayIntentBits,
  Options,
  PermissionFlagsBits,
  SimpleShardingStrategy,
  type WebSocketOptions,
} from 'discord.js';
import { z } from 'zod';
import type { Logger } from '../../../core/ports.ts';
import { type Names, NO_NAMES } from '../channels/message-text.ts';
import { apiOf } from '../rest.ts';
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

type BuildStrategy = NonNullable<WebSocketOptions['buildStrategy']>;

interface GuardOptions {
  /** An event as it came, before discord.js has seen it. */
  readonly onEvent: (name: string, data: unknown, shard: number) => void;
  /** discord.js could not deal with an event. */
  readonly onFault: (name: string, thrown: unknown) => void;
}

/** What discord.js needs to hear: all else it would only turn into objects that nobody asks for. */
const FOR_DISCORD_JS = /^(READY|RESUMED|(GUILD|GUILD_ROLE|CHANNEL|THREAD)_(CREATE|UPDATE|DELETE)|THREAD_LIST_SYNC)$/;

const dispatched = z.object({ data: z.object({ t: z.string(), d: z.unknown().optional() }), shardId: z.number() });

/** For the `ws` options of a client. */
function createGatewayGuard({ onEvent, onFault }: GuardOptions): BuildStrategy {
  return (manager) => {
    const { emit } = manager;
    const pass = (args: readonly unknown[]): unknown => Reflect.apply(emit, manager, args);
    const guarded = (...args: readonly unknown[]): unknown => {
      const packet = args[0] === 'dispatch' ? dispatched.safeParse(args[1]) : undefined;
      if (packet === undefined) return pass(args);
      if (!packet.success) return true;
      const { t: name, d: data } = packet.data.data;
      onEvent(name, data, packet.data.shardId);
      if (!FOR_DISCORD_JS.test(name)) return true;
      try {
        return pass(args);
      } catch (thrown) {
        onFault(name, thrown);
        return true;
      }
    };
    Object.defineProperty(manager, 'emit', { value: guarded });
    return new SimpleShardingStrategy(manager);
  };
}
