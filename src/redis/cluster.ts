/** The client of a Redis Cluster: it never resends commands, and finds new primaries soon. */
import { type ChainableCommander, Cluster, Command, type Redis, type RedisOptions } from 'ioredis';
import { accessOptions, type ClusterTarget } from './target.ts';

/** Interval for reading the slots of the nodes in milliseconds, and the shorter one while a primary is missing. */
const REFRESH_MS = 5_000;
const SEARCH_MS = 500;
/** Milliseconds for a node's response. */
const SLOTS_TIMEOUT_MS = 1_000;

/** ioredis' error if no known node returns the slots (its ClusterAllFailedError, 6.0.0). */
const ALL_FAILED = 'Failed to refresh slots cache.';

/**
 * ioredis resends commands that were not executed (MOVED, ASK, TRYAGAIN). A command whose response was lost fails at once, and so do
 * commands for a primary that is not connected; they are not sent later.
 */
export function openCluster(
  { nodes, access, ca }: ClusterTarget,
  { scripts, ...node }: RedisOptions,
  backoff: (attempt: number) => number | null,
): Cluster {
  const cluster = new Cluster(
    nodes.map(({ host, port }) => ({ host, port })),
    {
      ...(scripts === undefined ? {} : { scripts }),
      // A replica may lack the newest write; the fencing of turns depends on reading it.
      scaleReads: 'master',
      enableOfflineQueue: false,
      enableReadyCheck: false,
      clusterRetryStrategy: backoff,
      retryDelayOnFailover: 0,
      retryDelayOnClusterDown: 0,
      slotsRefreshInterval: REFRESH_MS,
      slotsRefreshTimeout: SLOTS_TIMEOUT_MS,
      // A certificate is for a host name: keep it instead of its address.
      ...(access.tls ? { dnsLookup: (host, found) => found(null, host) } : {}),
      redisOptions: { maxRetriesPerRequest: 0, ...node, ...accessOptions(access, ca) },
    },
  );
  // Before a command needs it: while a node is not connected its commands fail.
  cluster.on('+node', (node: Redis) => {
    if (node.options.readOnly !== true && node.status === 'wait') node.connect().catch(() => undefined);
  });
  const pipeline = cluster.pipeline.bind(cluster);
  cluster.pipeline = () => splitPipeline(cluster, pipeline());
  return cluster;
}

/** The connection that commands on this key go over; undefined while none leads to their node. */
export function nodeOf(client: Redis | Cluster, key: string): Redis | undefined {
  if (!(client instanceof Cluster)) return client;
  const [owner] = client.slots[new Command('GET', [key]).getSlot()] ?? [];
  return client.nodes('master').find((node) => keyOf(node) === owner);
}

const keyOf = ({ options: { host, port } }: Redis) => `${host}:${port}`;

/**
 * The keys of a pipeline may lie on several nodes, and ioredis refuses such a one ("slots allocation group", Pipeline.js, 6.0.0):
 * each command goes to its own node instead. Those of one node arrive in their order.
 * @param model has the methods to be called
 */
function splitPipeline(cluster: Cluster, model: ChainableCommander): ChainableCommander {
  const commands: (() => unknown)[] = [];
  const send = async (command: () => unknown): Promise<[Error | null, unknown]> => {
    try {
      return [null, await command()];
    } catch (thrown) {
      return [thrown instanceof Error ? thrown : new Error(String(thrown)), undefined];
    }
  };
  const split: ChainableCommander = new Proxy(model, {
    get(_, name): unknown {
      if (name === 'exec') return () => Promise.all(commands.map(send));
      if (name === 'length') return commands.length;
      const method: unknown = Reflect.get(cluster, name);
      if (typeof method !== 'function') return undefined;
      return (...args: unknown[]) => {
        commands.push(() => Reflect.apply(method, cluster, args));
        return split;
      };
    },
  });
  return split;
}

/**
 * Looks for the slots of a lost primary until another node has them.
 * @returns whether all primaries are connected
 */
export function watchCluster(cluster: Cluster): () => boolean {
  let expected: readonly string[] = [];
  const usable = () => {
    if (cluster.status !== 'ready' || expected.length === 0) return false;
    const ready = new Set(cluster.nodes('master').flatMap((node) => (node.status === 'ready' ? [keyOf(node)] : [])));
    return expected.every((key) => ready.has(key));
  };
  cluster.on('refresh', () => {
    expected = cluster.nodes('master').map(keyOf);
  });
  const searching = setInterval(() => {
    if (cluster.status !== 'ready' || usable()) return;
    cluster.refreshSlotsCache((error) => {
      // No node that it knows is there: begin anew with those of the settings, whose names may lead elsewhere by now.
      if (error?.message === ALL_FAILED && cluster.status === 'ready') cluster.disconnect(true);
    });
  }, SEARCH_MS).unref();
  cluster.once('end', () => clearInterval(searching));
  return () => cluster.status === 'end' || usable();
}
