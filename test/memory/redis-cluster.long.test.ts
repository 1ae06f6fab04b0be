/** The contract of every store, on a Redis in cluster mode. */
import { afterAll, beforeAll } from 'vitest';
import { describeConversationStore } from '../contracts/store.contract.ts';
import { startRedisCluster } from '../support/redis-cluster.ts';
import type { RedisServer } from '../support/redis-server.ts';
import { makeRedisFixture } from './redis-fixture.ts';

let server: RedisServer | undefined;
beforeAll(async () => {
  server = await startRedisCluster();
});
afterAll(() => server?.stop());

describeConversationStore('Redis in cluster mode', (options) =>
  makeRedisFixture(server?.url ?? '', { clustered: true })(options),
);
