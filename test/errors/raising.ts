/** How the codes of test/errors.test.ts are raised: the product's own calls, against far ends that misbehave. */
import { createSlackClients } from '../../src/adapters/slack/api/clients.ts';
import { createBoltLogger } from '../../src/adapters/slack/receive/bolt.ts';
import { createLogger } from '../../src/app/log.ts';
import type { ConversationStore } from '../../src/core/store.ts';
import { createRunningTurns } from '../../src/core/turn-watch.ts';
import { ask, input, testChain } from '../chain/harness.ts';
import { LIMITS, sessionOf } from '../contracts/store/support.ts';
import { makeSqliteFixture } from '../memory/sqlite-fixture.ts';
import { type ApiAnswer, startApi } from '../support/far-ends.ts';
import { type ModelOptions, startModel } from '../support/model.ts';
import { startRedis } from '../support/redis-server.ts';

export const logger = createLogger({ level: 'silent', secrets: [] });
export const observer = { badElement() {}, error() {} };

/** What a call throws, or rejects with. */
export const thrownBy = (call: () => unknown) =>
  Promise.resolve()
    .then(call)
    .then(
      () => undefined,
      (thrown: unknown) => thrown,
    );

/** What is thrown by a call while something is open that is closed behind it. */
export async function during<T extends { close(): Promise<void> }, R>(
  open: Promise<T>,
  call: (opened: T) => Promise<R>,
) {
  const opened = await open;
  try {
    return await call(opened);
  } finally {
    await opened.close();
  }
}

export const withRedis = <R>(args: readonly string[], call: (url: string) => Promise<R>) =>
  during(
    startRedis({ args }).then((redis) => ({ ...redis, url: redis.url, close: redis.stop })),
    ({ url }) => call(url),
  );
export const withSqlite = <R>(call: (store: ConversationStore) => Promise<R>) =>
  during(makeSqliteFixture({ ...LIMITS, observer }), ({ store }) => call(store));

/** What a chain that asks this model throws. */
export const modelThrows = (options: ModelOptions, apiKey?: string, text = 'Hello') =>
  during(startModel(options), async ({ url }) => {
    const chain = await testChain({ baseUrl: url, ...(apiKey === undefined ? {} : { apiKey }) });
    return (await ask(chain, input(text))).thrown;
  });

/** What Slack's client makes of this answer to a post. */
export const slackThrows = (answer: ApiAnswer) =>
  during(startApi(answer), ({ port }) => {
    const clients = createSlackClients({
      botToken: 'xoxb-test',
      apiUrl: `http://127.0.0.1:${port}/api/`,
      logger: createBoltLogger(logger),
      onInvalidToken() {},
    });
    const check = () => {};
    return thrownBy(() => clients.write(check, (client) => client.chat.postMessage({ channel: 'C1', text: 'Hello' })));
  });

/** A watch over a turn that finds it so. */
export async function interrupted(state: 'stopped' | 'lost'): Promise<unknown> {
  const held = { signal: new AbortController().signal, alive: () => true };
  const watched = { check: async () => ({ state, followers: [] }), followers: [], repeat() {} };
  const watch = createRunningTurns('test').watch(
    { sessionId: sessionOf(), turnId: 'm1', token: 'test.1:1' },
    held,
    watched,
  );
  await watch.checkNow();
  watch.end();
  return watch.signal.reason;
}
