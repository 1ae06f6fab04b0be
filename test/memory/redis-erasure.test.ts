/** Erasing on Redis where a process dies at any step, and where somebody tells something at that very moment. */
import { Redis } from 'ioredis';
import { expect, inject, onTestFinished, test } from 'vitest';
import { newFactId } from '../../src/core/facts.ts';
import { encodeSession, personOf } from '../../src/core/session.ts';
import type { StoreOptions } from '../../src/core/store.ts';
import { connect } from '../../src/memory/redis/client.ts';
import { openStore, type RedisStore } from '../../src/memory/redis/store.ts';
import { createRedisConnections } from '../../src/redis/connection.ts';
import { serverAt } from '../../src/redis/target.ts';
import { LIMITS, messageOf, runTurn, sessionOf } from '../contracts/store/support.ts';
import { makeRedisFixture, type RedisFixture } from './redis-fixture.ts';

const options: StoreOptions = { ...LIMITS, observer: { badElement() {}, error() {} } };
const own = sessionOf();
const direct = encodeSession({ place: { platform: 'slack', workspace: 'T1', channel: 'D1' } });
const ada = personOf(own, 'ada');
const telling = (text: string) => ({ id: newFactId(), text, saidAt: Date.now() });

async function openFixture(): Promise<RedisFixture> {
  const fixture = await makeRedisFixture(inject('redisUrl'))(options);
  onTestFinished(() => fixture.close());
  return fixture;
}

/** A store of another process on the same data, with its connection. */
async function another(
  { prefix }: RedisFixture,
  oneServer = true,
): Promise<{ readonly store: RedisStore; readonly redis: Redis }> {
  const connections = createRedisConnections(serverAt(inject('redisUrl')), () => {});
  const redis = connect(connections);
  if (!(redis instanceof Redis)) throw new Error('The server of the tests is no Cluster.');
  const store = await openStore(connections, { ...options, prefix, oneServer }, redis);
  onTestFinished(async () => {
    connections.close();
    await store.close();
  });
  return { store, redis };
}

/** A process that dies after it has sent `commands` more commands. */
async function dying(fixture: RedisFixture, commands: number): Promise<RedisStore> {
  const { store, redis } = await another(fixture);
  const send = redis.sendCommand.bind(redis);
  let left = commands;
  redis.sendCommand = (command, stream) => {
    left -= 1;
    if (left >= 0) return send(command, stream);
    redis.disconnect();
    command.reject(new Error('Connection is closed.'));
    return command.promise;
  };
  return store;
}

/** Runs `act` in processes that die after 0, 1, 2… commands, until one gets to its end. `check` runs behind each of them. */
async function dieAtEachStep(
  fixture: RedisFixture,
  act: (store: RedisStore) => Promise<unknown>,
  check: (survived: boolean) => Promise<void>,
): Promise<number> {
  for (let commands = 0; ; commands += 1) {
    const store = await dying(fixture, commands);
    const survived = await act(store).then(
      () => true,
      () => false,
    );
    await check(survived);
    if (survived) return commands;
  }
}

/** Whatever the process before left is found by whoever erases next. */
async function expectErasable({ store, dumpText }: RedisFixture): Promise<void> {
  await store.erase(ada);
  expect(await dumpText()).not.toContain('secret');
}

test('an erasure that breaks off anywhere is completed by the next one', async () => {
  const fixture = await openFixture();
  const { store } = fixture;
  const fill = async () => {
    for (const id of [own, direct]) {
      await store.facts.keep(id, ada, telling('secret fact'));
      await store.facts.propose(id, ada, telling('secret proposal'));
      await runTurn(store, messageOf(id, newFactId(), { text: 'secret said' }));
      await store.setTtl(id, 600);
    }
  };
  await fill();
  const steps = await dieAtEachStep(
    fixture,
    (other) => other.erase(ada),
    async () => {
      await expectErasable(fixture);
      await fill();
    },
  );
  expect(steps).toBeGreaterThan(10);
});

test.each([
  ['kept', (store: RedisStore) => store.facts.keep(own, ada, telling('secret'))],
  ['proposed', (store: RedisStore) => store.facts.propose(own, ada, telling('secret'))],
  ['kept in a direct conversation', (store: RedisStore) => store.facts.keep(direct, ada, telling('secret'))],
])('a fact that is being %s when the process dies is found', async (_, tell) => {
  const fixture = await openFixture();
  const steps = await dieAtEachStep(fixture, tell, () => expectErasable(fixture));
  expect(steps).toBeGreaterThan(2);
});

/**
 * The one that tells has written the indexes; the other reads them, erases, and takes out what it read only when all is told.
 * @param tells the command before which the erasure begins
 * @param erases the command of the erasure behind which it waits
 */
test.each([
  {
    what: 'a fact',
    oneServer: true,
    tells: 'markPeople',
    erases: 'removeFacts',
    tell: (store: RedisStore) => store.facts.keep(own, ada, telling('secret meanwhile')),
  },
  {
    what: 'a message on a Cluster',
    oneServer: false,
    tells: 'enqueueTurn',
    erases: 'forgetConversation',
    tell: (store: RedisStore) => store.enqueue(messageOf(own, 'm1', { text: 'secret meanwhile' })),
  },
] as const)(
  '$what is found that was told while an erasure was about to take its index entries back',
  async ({ oneServer, tells, erases, tell }) => {
    const fixture = await openFixture();
    await fixture.store.facts.keep(own, ada, telling('secret before'));
    await fixture.store.forget(own);
    const [erasing, teller] = [await another(fixture), await another(fixture, oneServer)];
    let goOn = () => {};
    const told = new Promise<void>((resolve) => {
      goOn = resolve;
    });
    let erased: Promise<unknown> | undefined;
    const original = teller.redis[tells].bind(teller.redis);
    teller.redis[tells] = async (...args: Parameters<typeof original>) => {
      await new Promise<void>((resolve) => {
        const erase = erasing.redis[erases].bind(erasing.redis);
        erasing.redis[erases] = async (...others: Parameters<typeof erase>) => {
          const reply = await erase(...others);
          resolve();
          await told;
          return reply;
        };
        erased ??= erasing.store.erase(ada);
      });
      return original(...args);
    };
    await tell(teller.store);
    expect(erased).toBeDefined();
    goOn();
    await erased;
    await teller.store.close();
    expect(await fixture.dumpText()).toContain('secret meanwhile');
    await expectErasable(fixture);
  },
);
