/** The whole bot against the least that can answer: turns a second, what a turn takes besides the model, CPU and memory. */
import { figureOf, interleave, ratioOf } from './figures.ts';
import type { BenchContext, BenchPart, Cell, Table } from './report.ts';
import { discordSurface } from './turns/discord.ts';
import { httpSurfaces } from './turns/http.ts';
import { buildPrograms, type Programs } from './turns/programs.ts';
import { slackSurface } from './turns/slack.ts';
import { measure, type Round, type Subject, type Surface } from './turns/subject.ts';

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
  ...['at once', 'bot', 'turns/s', 'of bare', 'p50 ms', 'p99 ms', 'CPU ms/turn', 'Redis CPU ms/turn', 'RSS MB'],
];

export const runTurns: BenchPart = async ({ short, progress }) => {
  const size = short ? SHORT : LONG;
  progress('building');
  const programs = await buildPrograms();
  try {
    const model = await programs.startBare('model', {});
    try {
      const tables: Table[] = [];
      for (const surface of [...httpSurfaces, discordSurface, slackSurface]) {
        tables.push(await runSurface(surface, size, programs, `${model.url}/v1`, progress));
      }
      return { part: 'turns', tables, bars: [] };
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
): Promise<Table> {
  const subjects = await surface.start(programs, modelUrl);
  try {
    const rows: (readonly Cell[])[] = [];
    for (const atOnce of conversations) {
      progress(`${surface.title}, ${atOnce} at once`);
      const candidates = subjects.map((subject) => () => measure(subject, atOnce, roundMs));
      rows.push(...rowsOf(atOnce, subjects, await interleave(candidates, { rounds, warmups })));
    }
    const note = `${surface.note} ${rounds} rounds of ${roundMs / 1_000} s each, in turn; the model takes no time, so all time is added time.`;
    return { title: surface.title, note, columns: COLUMNS, rows };
  } finally {
    for (const { stop } of subjects) await stop();
  }
}

function rowsOf(
  atOnce: number,
  subjects: readonly Subject[],
  results: readonly (readonly Round[])[],
): readonly Cell[][] {
  const speeds = (rounds: readonly Round[]) => rounds.map(({ turnsPerSecond }) => turnsPerSecond);
  const bare = speeds(results.at(-1) ?? []);
  return subjects.map(({ name }, index) => {
    const rounds = results[index] ?? [];
    const of = (pick: (round: Round) => number) => figureOf(rounds.map(pick));
    const redis = rounds.flatMap(({ redisCpuMsPerTurn }) => redisCpuMsPerTurn ?? []);
    return [
      ...[atOnce, name, figureOf(speeds(rounds)), ratioOf(speeds(rounds), bare)],
      ...[of(({ p50Ms }) => p50Ms), of(({ p99Ms }) => p99Ms), of(({ cpuMsPerTurn }) => cpuMsPerTurn)],
      ...[redis.length === 0 ? '–' : figureOf(redis), of(({ rssBytes }) => rssBytes / 2 ** 20)],
    ];
  });
}
