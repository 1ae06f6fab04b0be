/** The connections (shards) of the bot to the gateway, each with a part of its servers: which are up, and what they told. */
import { type ReadyPayload, readyPayload } from '../payloads.ts';

export interface Shards {
  /** A login of so many begins. */
  begin(count: number): void;
  /** A new session. Gives who the bot is; undefined when that can't be read. */
  ready(shard: number, data: unknown): ReadyPayload | undefined;
  resumed(shard: number): void;
  lost(shard: number): void;
  joined(shard: number, guild: string): void;
  left(guild: string): void;
  /** How many are expected, and how many of them are up. */
  readonly count: () => { readonly expected: number; readonly up: number };
  /** Whether the bot is in a server; what is not known (before all have begun) counts as yes. */
  isMember(guild: string): boolean;
}

export function createShards(): Shards {
  const up = new Set<number>();
  /** The servers of each, also of one that is away. */
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
