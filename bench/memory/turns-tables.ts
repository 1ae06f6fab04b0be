/** What was measured of turns, as tables and bars. */
import { figureOf, ratioOf } from '../figures.ts';
import { printFigure } from '../print.ts';
import type { Figure, Table } from '../report.ts';
import type { Ran } from './clients.ts';
import { CONTENDERS, type Contender, type PerContender, perContender, TITLES } from './contender.ts';
import type { Plan } from './jobs.ts';

/** `workers`: conversations at a time. */
export type Setting = Pick<Plan, 'workers' | 'turns'>;

export interface Measured extends Setting {
  readonly ran: PerContender<readonly Ran[]>;
}

export function turnsNote(bytes: number, each: number, rounds: number): string {
  return (
    `Questions and answers of ${bytes} bytes, ${each} turns a conversation, one connection, a model that takes no time. ` +
    'open: what the model is shown was read. commit: both halves are remembered, with the figures sent behind. ' +
    'The store also has to enqueue, claim and complete a turn, which the others have nothing like: that is a row of its own. ' +
    'The last row is one reading and one writing without expiry, index or any promise. ' +
    `Median of ${rounds} interleaved rounds (lowest to highest); the ratio is taken round by round.`
  );
}

export function turnsTable(title: string, note: string, measured: readonly Measured[]): Table {
  return {
    title,
    note,
    columns: ['', ...measured.flatMap(({ workers }) => [conversations(workers), 'against the tutorial way'])],
    rows: CONTENDERS.map((contender) => [
      TITLES[contender],
      ...measured.flatMap(({ ran }) => [
        figureOf(ran[contender].map((it) => it.turnsPerSecond)),
        printFigure(speed(ran, contender), 'x'),
      ]),
    ]),
  };
}

export function cpuTable(measured: readonly Measured[]): Table {
  return {
    title: 'CPU of a turn',
    note: "Microseconds a turn, no network: of the client's process and of Redis with all its threads, in the same runs.",
    columns: [
      '',
      ...measured.flatMap(({ workers }) => [`client, ${conversations(workers)}`, `Redis, ${conversations(workers)}`]),
    ],
    rows: CONTENDERS.map((contender) => [
      TITLES[contender],
      ...measured.flatMap(({ ran }) => [
        figureOf(ran[contender].map((it) => it.clientCpu)),
        figureOf(ran[contender].map((it) => it.redisCpu)),
      ]),
    ]),
  };
}

export function roundTripTable(roundTrips: PerContender<number>, turns: number): Table {
  return {
    title: 'Round trips of a turn',
    note: `Times the client sent something after it had waited for an answer, counted by the proxy over ${turns} turns of one conversation at a time.`,
    columns: ['', 'round trips'],
    rows: CONTENDERS.map((contender) => [TITLES[contender], roundTrips[contender]]),
  };
}

function speed(ran: PerContender<readonly Ran[]>, contender: Contender): Figure {
  const turns = perContender((it) => ran[it].map(({ turnsPerSecond }) => turnsPerSecond));
  return ratioOf(turns[contender], turns.tutorial);
}

function conversations(workers: number): string {
  return workers === 1 ? '1 conversation' : `${workers} conversations`;
}
