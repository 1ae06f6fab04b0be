/** The Redis driver on a Cluster of three primaries and three replicas: the same contracts as on one server. */
import { afterAll, beforeAll } from 'vitest';
import { describeConversationStore, describeStoreDeadlines } from '../contracts/store.contract.ts';
import { type RedisCluster, startCluster } from '../support/cluster.ts';
import { makeClusterFixture } from './redis-fixture.ts';

let cluster: RedisCluster | undefined;
beforeAll(async () => {
  cluster = await startCluster();
}, 120_000);
afterAll(() => cluster?.stop());

const makeFixture = makeClusterFixture(() => cluster?.nodes ?? '');

describeConversationStore('a Redis Cluster', makeFixture);
describeStoreDeadlines('a Redis Cluster', makeFixture);
