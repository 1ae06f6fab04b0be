/** The bot's shards (connections to the gateway, each with some of its servers): which are up, and which servers they have. */
import { type ReadyPayload, readyPayload } from '../payloads.ts';

export interface Shards {
  /** A login with this many shards begins. */
  begin(count: number): void;
  /** A new session. Gives the parsed READY event; undefined if it is malformed. */
  ready(shard: number, data: unknown): ReadyPayload | undefined;
  resumed(shard: number): void;
  lost(shard: number): void;
  joined(shard: number, guild: string): void;
  left(guild: string): void;
  /** Shards in all, and those that are up. */
  readonly count: () => { readonly expected: number; readonly up: number };
  /** Whether the bot is in a server. True until every shard has said which servers it has. */
  isMember(guild: string): boolean;
}

export function createShards(): Shards {
  const up = new Set<number>();
  /** By shard, including shards that are down. */
  const guilds = new Map<number, Set<string>>();
  let expected = 1;
  return {
    begin(count) {
      expected = count;
      up.clear();
      guilds.clear();
    },
    ready(shard, data) {
      const parsed = readyPayload.safeParse(data);
      up.add(shard);
      if (!parsed.success) return undefined;
      guilds.set(shard, new Set(parsed.data.guilds.map(({ id }) => id)));
      return parsed.data;
    },
    resumed: (shard) => void up.add(shard),
    lost: (shard) => void up.delete(shard),
    joined: (shard, guild) => void guilds.get(shard)?.add(guild),
    left(guild) {
      for (const known of guilds.values()) known.delete(guild);
    },
    count: () => ({ expected, up: up.size }),
    isMember: (guild) => guilds.size < expected || [...guilds.values()].some((known) => known.has(guild)),
  };
}
