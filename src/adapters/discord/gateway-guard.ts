/**
 * Stands between the gateway and discord.js. The adapter reads events itself, from their payloads; discord.js is left with
 * the session and with what it knows of servers and channels. An event that it trips over would end the process, and with it
 * every platform, so that is caught here.
 */
import { SimpleShardingStrategy, type WebSocketOptions } from 'discord.js';
import { z } from 'zod';

type BuildStrategy = NonNullable<WebSocketOptions['buildStrategy']>;

export interface GuardOptions {
  /** An event as it came, before discord.js has seen it. */
  readonly onEvent: (name: string, data: unknown, shard: number) => void;
  /** discord.js could not deal with an event. */
  readonly onFault: (name: string, thrown: unknown) => void;
}

/** What discord.js needs to hear: all else it would only turn into objects that nobody asks for. */
const FOR_DISCORD_JS = /^(READY|RESUMED|(GUILD|GUILD_ROLE|CHANNEL|THREAD)_(CREATE|UPDATE|DELETE)|THREAD_LIST_SYNC)$/;

const dispatched = z.object({ data: z.object({ t: z.string(), d: z.unknown().optional() }), shardId: z.number() });

/** For the `ws` options of a client. */
export function createGatewayGuard({ onEvent, onFault }: GuardOptions): BuildStrategy {
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
