import { inject } from 'vitest';
import { makeRedisFixture } from '../memory/redis-fixture.ts';
import { describeCommands } from './suite/index.ts';

describeCommands('Redis', makeRedisFixture(inject('redisUrl')));
