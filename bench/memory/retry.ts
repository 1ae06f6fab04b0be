/** A write whose answer was lost, made again, as everybody must who wants it stored: what is stored then. */
import { setTimeout as sleep } from 'node:timers/promises';
import { keyspace } from '../../src/memory/redis/keys.ts';
import { type CutProxy, startCutProxy } from '../../test/support/cut-proxy.ts';
import { finish, tryClaim } from '../claiming.ts';
import { TITLES } from './contender.ts';
import { langchainKey } from './langchain.ts';
import { openClient } from './open.ts';
import { answerOf, messageOf, openStore, sessionOf } from './recollect.ts';
import { tutorialKey } from './tutorial.ts';
import type { Section, World } from './world.ts';

export async function retryUnknown(world: World): Promise<Section> {
  const { short, progress } = world.context;
  const tries = short ? 2 : 20;
  progress('answers that are lost');
  const proxy = await startCutProxy(world.port);
  const others = ['tutorial', 'langchain'] as const;
  try {
    const own = await retryRecollect(world, proxy, tries);
    const rows: [string, number, number][] = [[TITLES['recollect-whole'], own, 2 * tries]];
    for (const it of others) rows.push([TITLES[it], await retryOther(world, proxy, it, tries), 2 * tries]);
    return {
      tables: [
        {
          title: 'Made again after a lost answer',
          note: `${tries} turns. recollect: the answers to offer, to commit and to finish are lost in each, Redis has run them, and each is called again. The others: the answer to the first write of a turn is lost, and the turn is written again where the client library does not do that by itself.`,
          columns: ['', 'messages stored', 'of'],
          rows,
        },
      ],
      bars: [
        {
          name: 'retry after an unknown outcome',
          wanted: 'stores nothing twice',
          measured: `${own} messages of ${2 * tries}`,
          holds: own === 2 * tries,
        },
      ],
    };
  } finally {
    await proxy.close();
  }
}

async function retryRecollect({ admin }: World, proxy: CutProxy, tries: number): Promise<number> {
  await admin.flushall();
  const { store } = await openStore(`redis://127.0.0.1:${proxy.port}`);
  let stored = 0;
  for (let conversation = 1; conversation <= tries; conversation += 1) {
    const turn = { conversation, turn: 1, question: 'a question', answer: 'an answer' };
    const message = messageOf(turn);
    /** Nothing else may be under way whose answer could be cut in its place. */
    const cut = async <T>(write: () => Promise<T>) => {
      await untilDone(() => store.ping());
      return await cutOnce(proxy, write);
    };
    await cut(() => store.enqueue(message));
    const taken = await untilDone(() => tryClaim(store, message.sessionId));
    if (taken === undefined) throw new Error('The offered turn is not there.');
    await cut(() => store.commit(taken.lease, message, answerOf(turn)));
    await cut(() => finish(store, taken.lease));
    if ((await untilDone(() => tryClaim(store, message.sessionId))) !== undefined)
      throw new Error('It was offered twice.');
    stored += await admin.llen(keyspace('conversation').session(sessionOf(conversation)).list);
  }
  await store.close();
  return stored;
}

async function retryOther(
  { admin }: World,
  proxy: CutProxy,
  contender: 'tutorial' | 'langchain',
  tries: number,
): Promise<number> {
  await admin.flushall();
  const client = await openClient(contender, `redis://127.0.0.1:${proxy.port}`);
  let stored = 0;
  for (let conversation = 1; conversation <= tries; conversation += 1) {
    const turn = { conversation, turn: 1, question: 'a question', answer: 'an answer' };
    await untilDone(() => client.flushed());
    await cutOnce(proxy, () => client.fill(turn));
    stored += await admin.llen(contender === 'tutorial' ? tutorialKey(conversation) : langchainKey(conversation));
  }
  await client.close();
  return stored;
}

/** Makes the write and loses its answer; it is made again until it gives one. */
async function cutOnce<T>(proxy: CutProxy, write: () => Promise<T>): Promise<T> {
  const lost = proxy.cutNextAnswer();
  const [answer] = await Promise.all([untilDone(write), lost]);
  return answer;
}

/** Tries again, in a while, for as long as it fails: the connection is being made again. */
async function untilDone<T>(write: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await write();
    } catch (error) {
      if (tries === 200) throw error;
      await sleep(10);
    }
  }
}
