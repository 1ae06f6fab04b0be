/** Turns a second, round trips and CPU a turn: without a network, and with one of a millisecond each way. */
import { Redis } from 'ioredis';
import { figureOf } from '../figures.ts';
import { printNumber } from '../print.ts';
import { startChild } from './child.ts';
import { ask, type Clients, type RanOnce, type Rounds, runAll, withClients } from './clients.ts';
import { CONTENDERS, type PerContender, perContender, WINDOW } from './contender.ts';
import type { Plan } from './jobs.ts';
import { proxyReply } from './jobs.ts';
import { cpuTable, type Measured, roundTripTable, type Setting, turnsNote, turnsTable } from './turns-tables.ts';
import type { Section, World } from './world.ts';

const DELAY_MS = 1;
/** Turns of a conversation: a new one is begun after them, so that no way reads more than {@link WINDOW} messages. */
const EACH = WINDOW / 2;
const BYTES = 400;

interface Scale {
  readonly near: readonly Setting[];
  readonly far: readonly Setting[];
  readonly rounds: Rounds;
  /** Turns in which the round trips are counted. */
  readonly counted: number;
}

const LONG: Scale = {
  near: [
    { workers: 1, turns: 2_000 },
    { workers: 64, turns: 6_400 },
    { workers: 512, turns: 10_240 },
  ],
  far: [
    { workers: 1, turns: 250 },
    { workers: 64, turns: 3_200 },
    { workers: 512, turns: 10_240 },
  ],
  rounds: { rounds: 5, warmups: 1 },
  counted: 100,
};

const SHORT: Scale = {
  near: [{ workers: 4, turns: 80 }],
  far: [{ workers: 4, turns: 80 }],
  rounds: { rounds: 1, warmups: 0 },
  counted: 20,
};

export async function measureTurns(world: World, clients: Clients): Promise<Section> {
  const { short, progress } = world.context;
  const scale = short ? SHORT : LONG;
  const near: Measured[] = [];
  for (const setting of scale.near) {
    progress(`${setting.workers} conversations at a time`);
    near.push({ ...setting, ran: await runAll(world, clients, planOf(setting), scale.rounds) });
  }
  const far = await measureFar(world, scale);
  return {
    tables: [
      turnsTable(
        'Turns a second',
        `Client and Redis on one machine. ${turnsNote(BYTES, EACH, scale.rounds.rounds)}`,
        near,
      ),
      turnsTable(
        `Turns a second with ${DELAY_MS} ms each way`,
        `The same through a proxy that passes everything on after ${DELAY_MS} ms; a PING through it took ${printNumber(far.pingMs)} ms. The proxy used at most ${printNumber(far.proxyLoad * 100)} % of a core.`,
        far.measured,
      ),
      cpuTable(near),
      roundTripTable(far.roundTrips, scale.counted),
    ],
    bars: [],
  };
}

interface Far {
  readonly measured: readonly Measured[];
  readonly roundTrips: PerContender<number>;
  readonly pingMs: number;
  /** Share of a core that the proxy used in its busiest run. */
  readonly proxyLoad: number;
}

async function measureFar(world: World, scale: Scale): Promise<Far> {
  const proxy = startChild('delay-proxy.ts', [String(world.port), String(DELAY_MS)]);
  const state = async () => proxyReply.parse(await proxy.ask({}));
  try {
    const { port } = await state();
    const pingMs = await pingTime(port);
    return await withClients(`redis://127.0.0.1:${port}`, async (clients) => {
      const roundTrips = await countRoundTrips(world, clients, scale.counted, async () => (await state()).roundTrips);
      let proxyLoad = 0;
      const around = async (run: () => Promise<RanOnce>) => {
        const before = (await state()).cpuSeconds;
        const ran = await run();
        proxyLoad = Math.max(proxyLoad, ((await state()).cpuSeconds - before) / ran.seconds);
        return ran;
      };
      const measured: Measured[] = [];
      for (const setting of scale.far) {
        world.context.progress(`${setting.workers} conversations at a time, ${DELAY_MS} ms each way`);
        measured.push({ ...setting, ran: await runAll(world, clients, planOf(setting), scale.rounds, around) });
      }
      return { measured, roundTrips, pingMs, proxyLoad };
    });
  } finally {
    await proxy.kill();
  }
}

function planOf(setting: Setting): Plan {
  return { ...setting, each: EACH, bytes: BYTES, first: 1 };
}

/** Median milliseconds of a PING. */
async function pingTime(port: number): Promise<number> {
  const redis = new Redis(port, '127.0.0.1');
  const times: number[] = [];
  for (let ping = 0; ping < 50; ping += 1) {
    const from = performance.now();
    await redis.ping();
    times.push(performance.now() - from);
  }
  redis.disconnect();
  return figureOf(times.slice(10)).median;
}

/**
 * One conversation at a time, each contender alone. Counted by the proxy: what is sent after an answer was waited for. A run ends
 * with a PING, which is taken off.
 */
async function countRoundTrips(
  { admin }: World,
  clients: Clients,
  turns: number,
  count: () => Promise<number>,
): Promise<PerContender<number>> {
  const counted = new Map<string, number>();
  for (const contender of CONTENDERS) {
    await admin.flushall();
    await ask(clients[contender], { job: 'prepare', plan: planOf({ workers: 1, turns }) });
    const before = await count();
    await ask(clients[contender], { job: 'run' });
    counted.set(contender, ((await count()) - before - 1) / turns);
  }
  return perContender((contender) => counted.get(contender) ?? Number.NaN);
}
