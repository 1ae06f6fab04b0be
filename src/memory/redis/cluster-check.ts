/** Checks that this is a Cluster that serves all slots, and that none of its primaries may lose data. */
import { z } from 'zod';
import { BotError } from '../../errors.ts';
import { openCluster } from '../../redis/cluster.ts';
import { COMMAND_TIMEOUT_MS } from '../../redis/connection.ts';
import { type Address, type ClusterTarget, hostAndPort } from '../../redis/target.ts';
import { ready } from './client.ts';
import { nodeEndpoint } from './endpoint.ts';
import {
  checkKeeping,
  checkRights,
  type Inspection,
  isCluster,
  isSentinel,
  loadedInfo,
  refuseKind,
} from './inspection.ts';
import { probe } from './probe.ts';
import { parseInfo } from './stats.ts';

/** Of CLUSTER SLOTS: first and last slot, then host and port of the primary. https://redis.io/docs/latest/commands/cluster-slots/ */
const slots = z.array(
  z.tuple([z.number(), z.number(), z.tuple([z.string().nullable(), z.number()], z.unknown())], z.unknown()),
);

/** @throws BotError like checkServer */
export async function checkCluster(target: ClusterTarget, options: Inspection): Promise<void> {
  for (const primary of await primariesOf(target, options)) {
    await probe(nodeEndpoint(target, primary), async (redis) =>
      checkKeeping(await loadedInfo(redis, options), options),
    );
  }
  const cluster = openCluster(target, { commandTimeout: COMMAND_TIMEOUT_MS }, () => null);
  cluster.on('error', () => {});
  try {
    await ready(cluster);
    await checkRights(cluster, nodeEndpoint(target, { host: '', port: 0 }).naming.user, options);
  } finally {
    cluster.disconnect();
  }
}

/** Asks the configured nodes, one after the other. */
async function primariesOf(target: ClusterTarget, options: Inspection): Promise<Address[]> {
  const faults: BotError[] = [];
  for (const node of target.nodes) {
    try {
      const found = await ask(target, node, options);
      for (const { message } of faults) options.warn(message);
      return found;
    } catch (thrown) {
      if (!(thrown instanceof BotError)) throw thrown;
      faults.push(thrown);
    }
  }
  throw faults.find(({ code }) => code === 'config_invalid') ?? faults[0] ?? new Error('There is no node to ask.');
}

function ask(target: ClusterTarget, node: Address, options: Inspection): Promise<Address[]> {
  return probe(nodeEndpoint(target, node), async (redis) => {
    const info = await loadedInfo(redis, options);
    const name = hostAndPort(node);
    if (isSentinel(info)) refuseKind('REDIS_CLUSTER', `a Redis Sentinel (${name})`, 'Name it in REDIS_SENTINELS.');
    if (!isCluster(info)) refuseKind('REDIS_CLUSTER', `a server that is no Cluster (${name})`, 'Name it in REDIS_URL.');
    const state = parseInfo(await redis.cluster('INFO')).get('cluster_state');
    if (state !== 'ok') {
      const text = `The Redis Cluster is down (cluster_state:${state}, seen from ${name}): not all slots are served.`;
      throw new BotError('store_unavailable', text, { retryable: true });
    }
    const found = slots.parse(await redis.cluster('SLOTS')).map(([, , [host, port]]): Address => {
      // Empty, or "?": the host that was asked (https://redis.io/docs/latest/commands/cluster-slots/#nested-result-array).
      return { host: host === null || host === '' || host === '?' ? node.host : host, port };
    });
    return [...new Map(found.map((one) => [hostAndPort(one), one])).values()];
  });
}
