/** Before the start: is this a Redis that keeps what it is given, and may this bot do on it what it has to? */
import type { RedisTarget } from '../../redis/target.ts';
import { checkCluster } from './cluster-check.ts';
import { type Endpoint, serverEndpoint } from './endpoint.ts';
import {
  checkKeeping,
  checkRights,
  type Info,
  type Inspection,
  isCluster,
  isSentinel,
  loadedInfo,
  refuseKind,
} from './inspection.ts';
import { probe } from './probe.ts';
import { checkReplicas, findPrimary } from './sentinel-check.ts';

export interface ServerCheck extends Inspection {
  readonly redis: RedisTarget;
}

/**
 * @throws BotError `config_invalid` for what another setting has to fix, here or on the server: the wrong kind of server, a
 * replica, credentials, rights, TLS; `store_too_old`, `store_evicting`; `store_unavailable` for what may pass by itself.
 */
export async function checkServer(options: ServerCheck): Promise<void> {
  const { redis: target } = options;
  switch (target.kind) {
    case 'server':
      await checkPrimary(serverEndpoint(target), options);
      return;
    case 'sentinel': {
      const info = await checkPrimary(await findPrimary(target, options), options);
      checkReplicas(info, options);
      return;
    }
    case 'cluster':
      return await checkCluster(target, options);
  }
}

function checkPrimary(endpoint: Endpoint, options: ServerCheck): Promise<Info> {
  return probe(endpoint, async (redis, refused) => {
    const info = await loadedInfo(redis, options);
    checkKind(endpoint.naming.address, info);
    refused();
    checkKeeping(info, options);
    await checkRights(redis, endpoint.naming.user, options);
    return info;
  });
}

/** Is it one server that takes writes? */
function checkKind(setting: string, info: Info): void {
  if (isSentinel(info)) {
    const fix = 'Name the Sentinels in REDIS_SENTINELS, and in REDIS_MASTER the primary that they watch.';
    refuseKind(setting, 'a Redis Sentinel, which stores nothing', fix);
  }
  if (isCluster(info)) {
    const what = 'a node of a Redis Cluster, which holds a part of the keys only';
    refuseKind(setting, what, 'Name the nodes in REDIS_CLUSTER.');
  }
  if (info.get('role') !== 'slave') return;
  const primary = [info.get('master_host'), info.get('master_port')].join(':');
  const fix = `Set it to the primary (this replica follows ${primary}), or let Sentinels find it: REDIS_SENTINELS.`;
  refuseKind(setting, 'a replica, which takes no writes', fix);
}
