/** What is done to the bot while people talk to it: its processes, its Redis, its platforms, its model. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { ModelReply } from '../support/model.ts';
import type { Replica } from './replicas.ts';
import type { World } from './world.ts';

/** Resolves when it is over. */
export type Fault = (around: Around) => Promise<void>;

export interface Around {
  readonly world: World;
  readonly random: () => number;
  /** The run is a short one: what takes its time takes less. */
  readonly short: boolean;
}

const between = (random: () => number, from: number, to: number) => from + random() * (to - from);
const whole = (random: () => number, from: number, to: number) => Math.floor(between(random, from, to + 1));

/** Any but the first, which is never killed: its memory is watched over the whole run. */
function victim({ world, random }: Around): Replica | undefined {
  const others = world.replicas.all.slice(1);
  return others[Math.floor(random() * others.length)];
}

const LOOK_MS = 50;
/** Longer than the lock of a drain: another worker has its turns when it wakes up. Milliseconds. */
const SLEEP_MS = { short: 4_500, from: 6_000, to: 15_000 };
const AWAY_MS = { short: 2_500, from: 10_000, to: 30_000 };
const howLong = ({ short, random }: Around, ms: typeof AWAY_MS) => (short ? ms.short : between(random, ms.from, ms.to));

/** Of the processes and of Redis: one at a time. */
export const HEAVY: Readonly<Record<string, Fault>> = {
  'replica killed': async (around) => await victim(around)?.end('SIGKILL'),
  async 'replica deployed'(around) {
    const old = victim(around);
    // One that has not come up yet is not what a deploy replaces.
    while (old !== undefined && !old.isUp) await sleep(LOOK_MS);
    await old?.end('SIGTERM');
  },
  async 'replica asleep'(around) {
    const sleeper = victim(around);
    sleeper?.signal('SIGSTOP');
    await sleep(howLong(around, SLEEP_MS));
    sleeper?.signal('SIGCONT');
  },
  async 'redis killed'({ world }) {
    await world.redis.kill9();
    await world.redis.restart();
  },
  async 'redis away'(around) {
    await around.world.redis.kill9();
    await sleep(howLong(around, AWAY_MS));
    await around.world.redis.restart();
  },
};

const POSTS = ['POST', /^\/channels\/\d+\/messages$/] as const;
const EDITS = ['PATCH', /^\/channels\/\d+\/messages\/\d+$/] as const;
const READS = ['GET', /^\/channels\/\d+\/messages$/] as const;
const WRITES = ['chat.postMessage', 'chat.update', 'chat.startStream', 'chat.appendStream', 'chat.stopStream'];
/** Milliseconds. */
const DEAD_LINE_MS = 1_000;
const SHUT_MS = 1_000;
const DEAF_MS = { short: 2_000, from: 5_000, to: 12_000 };
const BEGINNINGS_WITHIN_MS = 10_000;
const BACK_WITHIN_MS = 45_000;
const CALM_MS = 500;

const model =
  (reply: (random: () => number) => ModelReply): Fault =>
  async ({ world, random }) => {
    // Whatever is asked next.
    world.model.script('', ...Array.from({ length: whole(random, 2, 6) }, () => reply(random)));
  };

/**
 * Resolves when all have had their connections for a while, so surely the one that is never killed; or when that takes too
 * long. Not at once: discord.js (14.28.1) throws where nobody can catch it when a session ends just as it was resumed.
 */
async function untilBack({ discord, replicas }: World): Promise<void> {
  const until = performance.now() + BACK_WITHIN_MS;
  let since = performance.now();
  while (performance.now() - since < CALM_MS && performance.now() < until) {
    await sleep(LOOK_MS);
    if (discord.gateway.connected() < replicas.all.length) since = performance.now();
  }
}

/** One behind the other: a gateway that breaks off each connection before it says hello is none. */
const onceBack =
  (strike: Fault): Fault =>
  async (around) => {
    await untilBack(around.world);
    await strike(around);
  };

/** What ends sessions for good, and not only connections: nobody begins to talk meanwhile. */
const endingSessions = (strike: Fault): Fault =>
  onceBack(async (around) => {
    const { discord } = around.world.surfaces;
    if (await discord.holdBeginnings(BEGINNINGS_WITHIN_MS)) {
      await strike(around);
      await untilBack(around.world);
    }
    discord.resume();
  });

/** Of Discord's gateway. */
export const GATEWAY: Readonly<Record<string, Fault>> = {
  'gateway asks to reconnect': onceBack(async ({ world }) => {
    world.discord.gateway.askToReconnect();
  }),
  'gateway cut': onceBack(async ({ world }) => {
    world.discord.gateway.cut();
  }),
  'gateway line dead': onceBack(async ({ world }) => {
    world.discord.gateway.mute();
    await sleep(DEAD_LINE_MS);
    world.discord.gateway.cut();
  }),
  // A connection that is refused ends the session for discord.js.
  'gateway away': endingSessions(async ({ world }) => {
    await world.discord.gateway.shut();
    await sleep(SHUT_MS);
    await world.discord.gateway.open();
  }),
  'gateway session invalid': onceBack(async ({ world }) => {
    world.discord.gateway.invalidate(true);
  }),
  'gateway session forgotten': endingSessions(async ({ world, random }) => {
    if (random() < 0.5) world.discord.gateway.invalidate(false);
    else world.discord.gateway.cut({ forget: true });
  }),
};

/** Of the platforms' APIs, of Slack's deliveries, and of the model. */
export const LIGHT: Readonly<Record<string, Fault>> = {
  async 'discord 429'({ world: { discord }, random }) {
    const limited = { kind: 'rate_limited', retryAfterS: between(random, 0.2, 2) } as const;
    for (const [method, path] of [POSTS, EDITS]) discord.faults.add(method, path, limited, whole(random, 1, 3));
  },
  async 'discord 5xx'({ world: { discord }, random }) {
    for (const [method, path] of [POSTS, EDITS, READS]) {
      discord.faults.add(method, path, { kind: 'status', status: whole(random, 500, 503) }, whole(random, 1, 3));
    }
  },
  async 'discord answer lost'({ world: { discord }, random }) {
    for (const [method, path] of [POSTS, EDITS])
      discord.faults.add(method, path, { kind: 'lost' }, whole(random, 1, 2));
    discord.faults.add(...POSTS, { kind: 'before' });
    discord.faults.add(...POSTS, { kind: 'slow', ms: between(random, 500, 3_000) });
  },
  async 'slack 429'({ world: { slack }, random }) {
    for (const method of WRITES) slack.fail(method, { kind: 'rate_limited', retryAfter: whole(random, 1, 3) });
  },
  async 'slack 5xx'({ world: { slack }, random }) {
    const times = whole(random, 1, 2);
    for (const method of WRITES) slack.fail(method, { kind: 'status', status: whole(random, 500, 503) }, times);
    slack.fail('users.info', { kind: 'status', status: 500 });
  },
  async 'slack answer lost'({ world: { slack } }) {
    for (const method of WRITES) slack.fail(method, { kind: 'lost' });
  },
  async 'slack asks to reconnect'({ world }) {
    world.slack.deliveries.askToReconnect();
  },
  async 'slack sockets cut'({ world }) {
    world.slack.deliveries.cut();
  },
  async 'slack sockets deaf'(around) {
    around.world.slack.deliveries.silence(true);
    await sleep(howLong(around, DEAF_MS));
    around.world.slack.deliveries.silence(false);
  },
  'model fails': model((random) => ({ status: whole(random, 500, 503) })),
  'model takes no more': model(() => ({ status: 429, headers: { 'retry-after': '1' } })),
  'model breaks off': model((random) => ({ sent: whole(random, 0, 3), end: random() < 0.5 ? 'reset' : 'close' })),
  'model hangs': model((random) => ({ sent: whole(random, 0, 3), end: 'hang' })),
};
