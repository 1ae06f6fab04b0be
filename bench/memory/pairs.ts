/** Four people at once in one conversation: questions and answers that stand beside each other, and those that don't. */
import { keyspace } from '../../src/memory/redis/keys.ts';
import { finish, tryClaim } from '../claiming.ts';
import { type BenchTurn, type Contender, TITLES } from './contender.ts';
import { langchainKey } from './langchain.ts';
import { openClient } from './open.ts';
import { messageOf, openStore, sharedSessionOf } from './recollect.ts';
import { halvesOf } from './stored.ts';
import { tutorialKey } from './tutorial.ts';
import type { Section, World } from './world.ts';

const PEOPLE = 4;

export async function talkAtOnce(world: World): Promise<Section> {
  const { short, progress } = world.context;
  const turns = short ? 200 : 4_000;
  // The others read all of a conversation each time, so that thousands of turns in one would take minutes.
  const conversations = turns / (short ? 100 : 200);
  progress(`${PEOPLE} people in one conversation`);
  const own = await talkToRecollect(world, turns);
  const others: (readonly [Contender, number])[] = [];
  for (const contender of ['tutorial', 'langchain'] as const) {
    others.push([contender, await talkTo(world, contender, conversations, turns / conversations)]);
  }
  return {
    tables: [
      {
        title: `${turns} turns by ${PEOPLE} people in one conversation`,
        note: `Messages whose other half does not stand beside them. recollect: ${turns} turns in one conversation, offered by ${PEOPLE} people at once and answered by one drain. The others: ${conversations} conversations of ${turns / conversations} turns.`,
        columns: ['', 'broken halves', 'of messages'],
        rows: [
          [TITLES['recollect-whole'], own, 2 * turns],
          ...others.map(([it, broken]) => [TITLES[it], broken, 2 * turns]),
        ],
      },
    ],
    bars: [
      {
        name: `broken user/assistant pairs in ${turns} turns by ${PEOPLE} people in one conversation`,
        wanted: '0',
        measured: String(own),
        holds: own === 0,
      },
    ],
  };
}

async function talkToRecollect({ admin, url }: World, turns: number): Promise<number> {
  await admin.flushall();
  const { store } = await openStore(url);
  const sessionId = sharedSessionOf(1);
  const waiting = new Map<string, () => void>();

  const person = async (number: number) => {
    for (let turn = number; turn <= turns; turn += PEOPLE) {
      const message = messageOf(turnOf(1, turn, number), sessionId);
      const answered = new Promise<void>((resolve) => waiting.set(message.turnId, resolve));
      await store.enqueue(message);
      await answered;
    }
  };
  const drain = async () => {
    for (let answered = 0; answered < turns; ) {
      const taken = await tryClaim(store, sessionId);
      if (taken === undefined) continue;
      const { lease, message } = taken;
      await store.open(sessionId, 20);
      await store.commit(lease, message, {
        text: message.text.replace('question', 'answer'),
        timestamp: Date.now(),
        stopped: false,
        tokens: 8,
      });
      await finish(store, lease);
      waiting.get(lease.turnId)?.();
      answered += 1;
    }
  };
  await Promise.all([drain(), ...people().map(person)]);
  await store.close();
  const elements = await admin.lrange(keyspace('conversation').session(sessionId).list, 0, -1);
  return halvesOf(elements) + Math.abs(2 * turns - elements.length);
}

async function talkTo(
  { admin, url }: World,
  contender: 'tutorial' | 'langchain',
  conversations: number,
  turns: number,
): Promise<number> {
  await admin.flushall();
  const client = await openClient(contender, url);
  let broken = 0;
  for (let conversation = 1; conversation <= conversations; conversation += 1) {
    const person = async (number: number) => {
      for (let turn = number; turn <= turns; turn += PEOPLE) {
        const it = turnOf(conversation, turn, number);
        await client.open(it);
        await client.commit(it);
      }
    };
    await Promise.all(people().map(person));
    const key = contender === 'tutorial' ? tutorialKey(conversation) : langchainKey(conversation);
    broken += halvesOf(await admin.lrange(key, 0, -1));
  }
  await client.close();
  return broken;
}

function people(): number[] {
  return Array.from({ length: PEOPLE }, (_, index) => index + 1);
}

function turnOf(conversation: number, turn: number, person: number): BenchTurn {
  return { conversation, turn, person, question: `question ${turn}`, answer: `answer ${turn}` };
}
