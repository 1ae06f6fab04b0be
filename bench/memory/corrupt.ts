/** A stored element that cannot be read: what becomes of the conversation. */
import type { Redis } from 'ioredis';
import { keyspace } from '../../src/memory/redis/keys.ts';
import { KEEPERS, type Keeper, TITLES } from './contender.ts';
import { langchainKey } from './langchain.ts';
import { openClient } from './open.ts';
import { openStore, sessionOf } from './recollect.ts';
import { tutorialKey } from './tutorial.ts';
import type { Section, World } from './world.ts';

const TRUNCATED = '{"role":"user","content":"cut o';
const TURN = { conversation: 1, turn: 1, question: 'a question', answer: 'an answer' };

export async function tryCorrupt({ url, admin }: World): Promise<Section> {
  const outcomes = new Map<Keeper, string>();
  for (const contender of KEEPERS) outcomes.set(contender, await readWithTruncated(admin, url, contender));
  const counted = await countedBad(admin, url);
  const goesOn = outcomes.get('recollect') === 'goes on' && outcomes.get('recollect-whole') === 'goes on';
  return {
    tables: [
      {
        title: 'A truncated element in a conversation',
        note: 'A conversation with one more element that is no whole JSON; then another turn.',
        columns: ['', 'next turn', 'counted for the metrics'],
        rows: KEEPERS.map((it) => [TITLES[it], outcomes.get(it) ?? '', it.startsWith('recollect') ? counted : '–']),
      },
    ],
    bars: [
      {
        name: 'a corrupt element',
        wanted: 'the conversation goes on; counted',
        measured: `${outcomes.get('recollect')}; ${counted} counted`,
        holds: goesOn && counted === 1,
      },
    ],
  };
}

async function readWithTruncated(admin: Redis, url: string, contender: Keeper): Promise<string> {
  await admin.flushall();
  const client = await openClient(contender, url);
  try {
    const next = { ...TURN, turn: 2 };
    await client.fill(TURN);
    await admin.rpush(keyOf(contender), TRUNCATED);
    await client.prepare([[next]]);
    await client.open(next);
    await client.commit(next);
    return 'goes on';
  } catch (error) {
    return `fails: ${error instanceof Error ? error.name : String(error)}`;
  } finally {
    await client.close();
  }
}

async function countedBad(admin: Redis, url: string): Promise<number> {
  await admin.flushall();
  const { store, observed } = await openStore(url);
  await admin.rpush(keyOf('recollect'), TRUNCATED);
  await store.open(sessionOf(TURN.conversation), 20);
  await store.close();
  return observed.badElements;
}

function keyOf(contender: Keeper): string {
  switch (contender) {
    case 'recollect':
    case 'recollect-whole':
      return keyspace('conversation').session(sessionOf(TURN.conversation)).list;
    case 'tutorial':
      return tutorialKey(TURN.conversation);
    case 'langchain':
      return langchainKey(TURN.conversation);
  }
}
