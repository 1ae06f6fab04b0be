/** How long Redis is held by taking one turn out of a conversation that is as large as it may be. */
import type { TurnSelector } from '../../src/core/store.ts';
import { figureOf } from '../figures.ts';
import { printFigure } from '../print.ts';
import type { Figure } from '../report.ts';
import type { BenchTurn } from './contender.ts';
import { answerOf, messageOf, openStore, sharedSessionOf } from './recollect.ts';
import { logCommands, longestCommand } from './slowlog.ts';
import type { Section, World } from './world.ts';

const MESSAGES = 2_000;
/** Characters of a message with which so many are 512 KB as they are stored. */
const LENGTH = 70;
const CALLS = 25;
/** Whoever says this is removed by their id. */
const GUEST = 7;

export async function measureRemoving({ context: { short, progress }, admin, url }: World): Promise<Section> {
  const turns = (short ? 200 : MESSAGES) / 2;
  const calls = short ? 3 : CALLS;
  progress(`removing from a conversation of ${2 * turns} messages`);
  const session = sharedSessionOf(1);
  const { store } = await openStore(url);
  const turn = (number: number, person: number): BenchTurn => ({
    ...{ conversation: 1, turn: number, person },
    ...{ question: 'q'.repeat(LENGTH), answer: 'a'.repeat(LENGTH) },
  });
  await logCommands(admin);
  let said = 0;
  const speak = async (person: number) => {
    said += 1;
    const next = turn(said, person);
    await store.append(messageOf(next, session), answerOf(next));
    return messageOf(next, session);
  };
  for (let number = 0; number < turns; number += 1) await speak(1);
  const removing = async (selector: () => Promise<TurnSelector>): Promise<Figure> => {
    const times: number[] = [];
    for (let call = 0; call < calls; call += 1) {
      const chosen = await selector();
      times.push(await longestCommand(admin, () => store.removeTurns(session, chosen)));
    }
    return figureOf(times);
  };
  const bySource = await removing(async () => {
    // One in the middle, in place of which another is said.
    const middle = messageOf(turn(said - turns / 2, 1), session).id;
    await speak(1);
    return { source: middle };
  });
  const byAuthor = await removing(async () => ({ authorId: (await speak(GUEST)).author.id }));
  const unknown = await removing(async () => ({ source: 'unknown' }));
  await store.close();
  await admin.flushall();
  return {
    tables: [
      {
        title: 'Taking one turn out of a full conversation',
        note: `Milliseconds that Redis does nothing else, by its own log: ${2 * turns} messages, some 512 KB as they are stored. ${calls} removals.`,
        columns: ['', 'Redis blocked'],
        rows: [
          ['by its message', bySource],
          ['by its author', byAuthor],
          ['a message that is not there', unknown],
        ],
      },
    ],
    bars: [
      {
        name: `removing one turn of ${2 * turns} messages`,
        wanted: 'Redis blocked <= 5 ms',
        measured: printFigure(bySource, ' ms'),
        holds: short ? 'not judged' : bySource.median <= 5,
      },
    ],
  };
}
