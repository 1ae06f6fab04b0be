/** The whole bot against the least that can answer: turns a second, what a turn takes besides the model, CPU and memory. */
import { figureOf, interleave, ratioOf } from './figures.ts';
import type { Bar, BenchContext, BenchPart, Cell, Table } from './report.ts';
import { discordSurface } from './turns/discord.ts';
import { httpSurfaces } from './turns/http.ts';
import { buildPrograms, type Programs } from './turns/programs.ts';
import { measureRoundTrips } from './turns/round-trips.ts';
import { slackSurface } from './turns/slack.ts';
import { measure, type Round, type Subject, type Surface } from './turns/subject.ts';
import { targetBars } from './turns/targets.ts';

interface Size {
  readonly conversations: readonly number[];
  readonly rounds: number;
  readonly warmups: number;
  /** Milliseconds of one round of one bot. */
  readonly roundMs: number;
}

const LONG: Size = { conversations: [1, 32], rounds: 5, warmups: 2, roundMs: 1_500 };
const SHORT: Size = { conversations: [2], rounds: 1, warmups: 0, roundMs: 200 };

const COLUMNS = [
  ...['at once', 'bot', 'turns/s', 'of bare', 'p50 ms', 'p99 ms', 'CPU ms/turn', 'RSS MB'],
  ...['Redis CPU ms/turn', 'Redis commands/turn', 'PUBLISH/turn'],
];

export const runTurns: BenchPart = async ({ short, progress }) => {
  const size = short ? SHORT : LONG;
  progress('building');
  const programs = await buildPrograms();
  try {
    const model = await programs.startBare('model', {});
    try {
      const tables: Table[] = [];
      const bars: Bar[] = [];
      for (const surface of [...httpSurfaces, discordSurface, slackSurface]) {
        const ran = await runSurface(surface, size, programs, `${model.url}/v1`, progress);
        tables.push(ran.table);
        bars.push(...ran.bars);
      }
      progress('round trips');
      const trips = await measureRoundTrips(programs, `${model.url}/v1`, { turns: short ? 5 : 200, judged: !short });
      return { part: 'turns', tables: [...tables, trips.table], bars: [...bars, trips.bar] };
    } finally {
      await model.stop();
    }
  } finally {
    await programs.remove();
  }
};

async function runSurface(
  surface: Surface,
  { conversations, rounds, warmups, roundMs }: Size,
  programs: Programs,
  modelUrl: string,
  progress: BenchContext['progress'],
): Promise<{ readonly table: Table; readonly bars: readonly Bar[] }> {
  const subjects = await surface.start(programs, modelUrl);
  try {
    const rows: (readonly Cell[])[] = [];
    const bars: Bar[] = [];
    for (const atOnce of conversations) {
      progress(`${surface.title}, ${atOnce} at once`);
      const candidates = subjects.map((subject) => () => measure(subject, atOnce, roundMs));
      const results = await interleave(candidates, { rounds, warmups });
      rows.push(...rowsOf(atOnce, subjects, results));
      const [own = [], bare = []] = [results[0], results.at(-1)];
      const ratio = ratioOf(speedsOf(own), speedsOf(bare));
      if (surface.targets) bars.push(...targetBars(surface.title, surface.targets, { atOnce, ratio, rounds: own }));
    }
    const note = `${surface.note} ${rounds} rounds of ${roundMs / 1_000} s each, in turn; the model takes no time, so all time is added time.`;
    return { table: { title: surface.title, note, columns: COLUMNS, rows }, bars };
  } finally {
    for (const { stop } of subjects) await stop();
  }
}

const speedsOf = (rounds: readonly Round[]) => rounds.map(({ turnsPerSecond }) => turnsPerSecond);

function rowsOf(
  atOnce: number,
  subjects: readonly Subject[],
  results: readonly (readonly Round[])[],
): readonly Cell[][] {
  const bare = speedsOf(results.at(-1) ?? []);
  return subjects.map(({ name }, index) => {
    const rounds = results[index] ?? [];
    const of = (pick: (round: Round) => number) => figureOf(rounds.map(pick));
    const redis = rounds.flatMap((round) => round.redis ?? []);
    const ofRedis = (pick: (use: NonNullable<Round['redis']>) => number) =>
      redis.length === 0 ? '–' : figureOf(redis.map(pick));
    return [
      ...[atOnce, name, figureOf(speedsOf(rounds)), ratioOf(speedsOf(rounds), bare)],
      ...[of(({ p50Ms }) => p50Ms), of(({ p99Ms }) => p99Ms), of(({ cpuMsPerTurn }) => cpuMsPerTurn)],
      ...[of(({ rssBytes }) => rssBytes / 2 ** 20), ofRedis(({ cpuMs }) => cpuMs)],
      ...[ofRedis(({ commands }) => commands), ofRedis(({ publishes }) => publishes)],
    ];
  });
}
