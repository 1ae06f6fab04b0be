/** Which replicas a primary has lost a moment ago. */

/**
 * Milliseconds for which a replica is missed. One that is being promoted leaves its primary, which may go on for seconds, confirmed
 * by its other replicas, until these are told to follow the new one: all of that is lost. Sentinels need up to `down-after-milliseconds`
 * (5 s, docs/operations.md) before they promote, and some seconds for the rest.
 */
const MISSED_MS = 10_000;
/** Seconds of silence after which a replica is no longer counted: what docs/operations.md sets `min-replicas-max-lag` to. */
const MAX_LAG_S = 2;

export interface Departures {
  /** Whether a replica that this primary had in the last {@link MISSED_MS} is gone, by its INFO (section "replication"). */
  justLeft(info: string): boolean;
}

/** https://redis.io/docs/latest/commands/info/: `slaveN:ip=…,port=…,state=online,offset=…,lag=<seconds>`, and `master_replid`. */
export function watchDepartures(now: () => number = () => performance.now()): Departures {
  /** When it was last there, by the history of data that it followed and its address. */
  const seen = new Map<string, number>();
  return {
    justLeft(info) {
      const lines = info.split('\r\n').map((line): readonly [string, string] => {
        const colon = line.indexOf(':');
        return [line.slice(0, colon), line.slice(colon + 1)];
      });
      const history = lines.find(([name]) => name === 'master_replid')?.[1] ?? '';
      const present = new Set<string>();
      for (const [name, value] of lines) {
        const fields = new Map(value.split(',').map((field) => [field.split('=')[0], field.split('=')[1]]));
        if (!name.startsWith('slave') || fields.get('state') !== 'online') continue;
        if (Number(fields.get('lag')) > MAX_LAG_S) continue;
        present.add(`${history} ${fields.get('ip')} ${fields.get('port')}`);
      }
      const at = now();
      for (const replica of present) seen.set(replica, at);
      for (const [replica, when] of seen) if (at - when > MISSED_MS) seen.delete(replica);
      return [...seen.keys()].some((replica) => replica.startsWith(`${history} `) && !present.has(replica));
    },
  };
}
