/**
 * The discord.js client. It keeps the sessions, and a cache of servers, channels and roles. The adapter reads the events
 * themselves from their payloads, before discord.js sees them. An event that discord.js throws on would end the process, and
 * every platform with it, so that is caught here.
 */
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
  /** Counts events that discord.js could not process. */
  readonly malformed: () => void;
  readonly shardCount: number;
  /** Requests the Message Content intent. */
  readonly content: boolean;
  readonly onPacket: GuardOptions['onEvent'];
}

export function createGatewayClient(options: GatewayClientOptions): Client {
  const { apiUrl, log, malformed, shardCount, content, onPacket } = options;
  const { Guilds, GuildMessages, DirectMessages, MessageContent } = GatewayIntentBits;
  return new Client({
    intents: [Guilds, GuildMessages, DirectMessages, ...(content ? [MessageContent] : [])],
    allowedMentions: { parse: [], repliedUser: false },
    rest: apiOf(apiUrl),
    ws: {
      buildIdentifyThrottler: createIdentifyThrottler(log),
      buildStrategy: createGatewayGuard({
        onEvent: onPacket,
        onError(event, thrown) {
          malformed();
          log.error({ event, thrown }, 'discord.js could not process an event');
        },
      }),
    },
    shards: Array.from({ length: shardCount }, (_, shard) => shard),
    shardCount,
    // Only the caches of servers, channels and roles are used.
    makeCache: Options.cacheWithLimits({
      ...Options.DefaultMakeCacheSettings,
      ...{ MessageManager: 0, ReactionManager: 0, PresenceManager: 0, VoiceStateManager: 0, ThreadMemberManager: 0 },
      UserManager: { maxSize: 0, keepOverLimit: ({ id, client: own }) => id === own.user.id },
      GuildMemberManager: { maxSize: 0, keepOverLimit: ({ id, client: own }) => id === own.user.id },
    }),
  });
}

/** The names of a server's channels and roles. The name of a channel that not everybody there may see is not disclosed. */
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
  /** Gets each event before discord.js does. */
  readonly onEvent: (name: string, data: unknown, shard: number) => void;
  /** discord.js threw on an event. */
  readonly onError: (name: string, thrown: unknown) => void;
}

/** The events that discord.js needs for sessions and caches. The others would only cost time. */
const FOR_DISCORD_JS = /^(READY|RESUMED|(GUILD|GUILD_ROLE|CHANNEL|THREAD)_(CREATE|UPDATE|DELETE)|THREAD_LIST_SYNC)$/;

const dispatched = z.object({ data: z.object({ t: z.string(), d: z.unknown().optional() }), shardId: z.number() });

/** For the `ws` options of a client. */
function createGatewayGuard({ onEvent, onError }: GuardOptions): BuildStrategy {
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
        onError(name, thrown);
        return true;
      }
    };
    Object.defineProperty(manager, 'emit', { value: guarded });
    return new SimpleShardingStrategy(manager);
  };
}
