/** What people get to see of the errors of test/errors.test.ts: in a reply, and over HTTP. */
import { expect } from 'vitest';
import { errorResponse } from '../../src/adapters/http/schemas.ts';
import { createMetrics } from '../../src/app/metrics.ts';
import { TURN_BUDGET_MS } from '../../src/core/limits.ts';
import type { Chain, Reply } from '../../src/core/ports.ts';
import { runTurn, type TurnEnd } from '../../src/core/run-turn.ts';
import type { ConversationStore } from '../../src/core/store.ts';
import { createRunningTurns } from '../../src/core/turn-watch.ts';
import type { Locale, ReplyEnd } from '../../src/core/types.ts';
import type { BotError, ErrorCode } from '../../src/errors.ts';
import { createCoreMessages, messagesIn } from '../../src/i18n/messages.ts';
import { createTestApp, postChat } from '../adapters/http/support.ts';
import { testChain } from '../chain/harness.ts';
import { messageOf, offerNew, sessionOf, takeHead } from '../contracts/store/support.ts';
import { logger, withSqlite } from './raising.ts';

const LOCALES: readonly Locale[] = ['en', 'zh-CN'];

/** A chain whose every answer ends with this. */
export const failing = (thrown: unknown): Chain => ({
  // biome-ignore lint/correctness/useYield: it fails before its first word
  async *stream() {
    throw thrown;
  },
});

export interface Ran {
  readonly result: TurnEnd['kind'];
  /** What the reply was brought to; absent when nothing reached the platform. */
  readonly end: ReplyEnd | undefined;
  readonly remembered: number;
  /** Of the turn's record. */
  readonly code: ErrorCode | undefined;
}

export interface Run {
  readonly chain: Chain;
  readonly locale?: Locale;
  /** Done between the offer of the message and the run. */
  readonly before?: (store: ConversationStore) => Promise<unknown>;
  /** What the platform answers to the last write. */
  readonly refusal?: unknown;
}

/** One turn by the product's turn engine on a real store, so late that nothing is tried a second time. */
export const run = ({ chain, locale = 'en', before, refusal }: Run): Promise<Ran> =>
  withSqlite(async (store) => {
    const session = sessionOf();
    await offerNew(store, messageOf(session, 'm1', { locale }));
    await before?.(store);
    let end: ReplyEnd | undefined;
    const reply: Reply = {
      showTyping() {},
      update() {},
      shown: () => '',
      async end(last) {
        if (refusal !== undefined) throw refusal;
        end = last;
      },
      async detach() {},
    };
    const lease = { signal: new AbortController().signal, alive: () => true };
    const result = await runTurn(await takeHead(store, session), lease, {
      ...{ store, chain, logger },
      files: { read: async () => ({ contents: new Map(), release() {} }) },
      replies: { openReply: async () => reply },
      coreMessages: createCoreMessages(),
      metrics: createMetrics().turns,
      running: createRunningTurns('test'),
      clock: { now: () => Date.now() + TURN_BUDGET_MS, monotonic: () => performance.now() },
      bounds: {
        firstTokenMs: 60_000,
        betweenTokensMs: 60_000,
        answerMs: TURN_BUDGET_MS,
        maxMessageLength: 8_000,
        maxLength: 40_000,
      },
      window: 20,
      hold: () => undefined,
    });
    const remembered = (await store.history(session))?.messages.length ?? 0;
    return { result: result.kind, end, remembered, code: (await store.record(session, 'm1'))?.code };
  });

/** A turn that ends with this code says so: in its reply on a platform, and to whoever waits for it over HTTP. */
export async function expectTold(code: ErrorCode, how: Omit<Run, 'locale'>, status: number): Promise<void> {
  for (const locale of LOCALES) {
    const text = messagesIn(locale).failed[code];
    const told = { result: 'finished', end: { kind: 'failed', text }, remembered: 0, code };
    expect(await run({ ...how, locale })).toEqual(told);

    const { app, bot } = createTestApp();
    const asked = app.request('/chat', postChat({ user_id: 'a', message: 'b' }, { 'Accept-Language': locale }));
    await expect.poll(() => bot.taken.length, { timeout: 15_000 }).toBe(1);
    bot.fail(bot.taken[0]?.turnId ?? '', code);
    const response = await asked;
    expect([response.status, await response.json()]).toEqual([status, { detail: text }]);
  }
}

/** An error of the model ends the turn, is told, and remembers nothing. */
export const toldByTheTurn = (status: number) => (thrown: BotError) =>
  expectTold(thrown.code, { chain: failing(thrown) }, status);

/** Told to HTTP callers, in the API's one language. */
export const toldByHttp = (status: number, detail: RegExp, request: () => Parameters<typeof fetch>) => async () => {
  const { app } = createTestApp();
  const [path, init] = request();
  const response = await app.request(String(path), init);
  expect(response.status).toBe(status);
  expect(errorResponse.strict().parse(await response.json()).detail).toMatch(detail);
};

/** The message was not taken in: HTTP callers are told; other platforms bring it again. */
export const notTaken = (status: number, detail: RegExp) => async (thrown: BotError) => {
  const { app, bot } = createTestApp();
  bot.next(thrown);
  const response = await app.request('/chat', postChat({ user_id: 'a', message: 'b' }));
  expect(response.status).toBe(status);
  expect(errorResponse.strict().parse(await response.json()).detail).toMatch(detail);
  expect(bot.taken).toEqual([]);
};

/** What the platform refuses now is brought to it later; what it refuses for good is still remembered. */
export const undelivered = async (refusal: BotError) => {
  const chain = await testChain();
  expect(await run({ chain, refusal })).toEqual({
    result: refusal.retryable ? 'later' : 'finished',
    end: undefined,
    remembered: 2,
    code: undefined,
  });
  for (const locale of LOCALES) expect(messagesIn(locale).failed[refusal.code]).toContain('/history');
};

/** Workers take the turn and are never heard of again. */
export async function sixDeaths(store: ConversationStore): Promise<void> {
  for (let death = 1; death <= 6; death += 1) await takeHead(store, sessionOf());
}
