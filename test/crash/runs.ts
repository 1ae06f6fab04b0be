/** The crash runs there are, in their long form and in the short one for CI. */
import {
  deploying,
  failingOver,
  killing,
  killingRedisToo,
  killingTheOnlyOne,
  losingTheQueue,
  peace,
  redisAway,
  sleeping,
} from './chaos.ts';
import type { CrashRun } from './run.ts';

type Kind = Omit<CrashRun, 'conversations' | 'guests' | 'messages' | 'seed'>;

const two = { store: 'redis', replicas: 2 } as const;
const platformFaults = {
  post: { rate_limited: 0.02, server_error: 0.02, server_error_after: 0.01, lost: 0.02, slow: 0.02 },
  edit: { rate_limited: 0.02, server_error: 0.02, lost: 0.02, slow: 0.02 },
};

const KINDS: readonly Kind[] = [
  { name: 'kill', ...two, chaos: killing },
  { name: 'platform-faults', ...two, chaos: killing, platformFaults, ackLostShare: 0.1 },
  { name: 'redis-killed', ...two, chaos: killingRedisToo },
  { name: 'redis-away', ...two, chaos: redisAway, pauseMs: 6_000 },
  { name: 'asleep', ...two, chaos: sleeping, pauseMs: 6_000 },
  { name: 'deploy', ...two, chaos: deploying },
  { name: 'queue-lost', ...two, chaos: losingTheQueue },
  { name: 'model-fails', ...two, chaos: killing, model: { failShare: 0.2 } },
  { name: 'forget', ...two, chaos: killing, forgetShare: 0.2 },
  { name: 'peace', ...two, chaos: peace },
  { name: 'failover-sentinels', store: 'sentinels', replicas: 2, chaos: failingOver, pauseMs: 12_000 },
  {
    name: 'failover-wait',
    store: 'sentinels',
    replicas: 2,
    chaos: failingOver,
    pauseMs: 12_000,
    settings: { REDIS_WAIT_REPLICAS: '1' },
  },
  {
    name: 'failover-cut',
    store: 'cut',
    replicas: 2,
    chaos: failingOver,
    pauseMs: 12_000,
    settings: { REDIS_WAIT_REPLICAS: '1' },
  },
  { name: 'failover-cluster', store: 'cluster', replicas: 2, chaos: failingOver, pauseMs: 12_000 },
  { name: 'failover-address', store: 'address', replicas: 2, chaos: failingOver, pauseMs: 12_000 },
  { name: 'embedded', store: 'sqlite', replicas: 1, chaos: killingTheOnlyOne },
];

/** 200 conversations of 10 messages, and ten on each real platform; fewer where each fault takes its time anyway. */
export function longRuns(seed: number): CrashRun[] {
  // People take their time, so that there is time for many faults.
  return KINDS.map((kind) => ({
    ...kind,
    conversations: 200,
    guests: 10,
    messages: 10,
    seed,
    pauseMs: kind.pauseMs ?? 15_000,
  }));
}

export function shortRuns(seed: number): CrashRun[] {
  return KINDS.map((kind) => ({ ...kind, conversations: 12, guests: 2, messages: 3, seed }));
}
