import { describe, expect, it } from 'vitest';
import { createLogger } from '../../src/app/log.ts';
import { createRateLimiter } from '../../src/app/rate-limiter.ts';
import { createCommands } from '../../src/commands/commands.ts';
import { COMMAND_LIMIT } from '../../src/commands/limit.ts';
import { createAnnouncements } from '../../src/core/announcements.ts';
import { createBot } from '../../src/core/bot.ts';
import { parseSessionId } from '../../src/core/session.ts';
import { createRunningTurns } from '../../src/core/turn-watch.ts';
import { createCoreMessages } from '../../src/i18n/messages.ts';
import { createLocalSignals } from '../../src/queue/signals.ts';
import { depsOf } from '../commands/suite/support.ts';
import {
  answerOf,
  contents,
  messageOf,
  offerNew,
  runTurn,
  sessionOf,
  takeHead,
  tryClaim,
  useStore,
} from '../contracts/store/support.ts';
import { makeSqliteFixture } from '../memory/sqlite-fixture.ts';
import { previewOf } from '../support/context.ts';

const MAX_LENGTH = 100;
const SESSION = sessionOf();
const { place } = parseSessionId(SESSION);

describe('an edited message', () => {
  const harness = useStore(makeSqliteFixture);

  function makeBot() {
    const { store } = harness;
    const calls: string[] = [];
    const logger = createLogger({ level: 'silent', secrets: [] });
    const bot = createBot({
      store: {
        ...store,
        async find(where, source) {
          calls.push('find');
          return store.find(where, source);
        },
        async amend(sessionId, source, text, editedAt) {
          calls.push('amend');
          return store.amend(sessionId, source, text, editedAt);
        },
      },
      memory: {
        ...store,
        async conversationsAt(where) {
          calls.push('conversationsAt');
          return store.conversationsAt(where);
        },
        async removeTurns(sessionId, selector) {
          calls.push('removeTurns');
          return store.removeTurns(sessionId, selector);
        },
      },
      seen: previewOf(store),
      enqueue: (message) => store.enqueue(message),
      announcements: createAnnouncements({
        signals: createLocalSignals(),
        running: createRunningTurns('test'),
        logger,
      }),
      process: 'test',
      limiter: createRateLimiter({ messages: 1_000, perMs: 60_000 }),
      editLimiter: createRateLimiter(COMMAND_LIMIT),
      coreMessages: createCoreMessages(),
      commands: createCommands(depsOf(store)),
      maxMessageLength: MAX_LENGTH,
      received() {},
      health: () => ({ ok: true }),
      logger,
    });
    return { bot, calls };
  }

  it('is stored no longer than what is refused, so that its turn can say that it is too long', async () => {
    const { bot } = makeBot();
    await offerNew(harness.store, messageOf(SESSION, 'm1'));
    await bot.amended(place, 'm1', 'x'.repeat(40_000));
    expect((await takeHead(harness.store, SESSION)).message.text).toHaveLength(MAX_LENGTH + 1);
  });

  it('counts as it reads last', async () => {
    const { bot } = makeBot();
    await offerNew(harness.store, messageOf(SESSION, 'm1'));
    await bot.amended(place, 'm1', 'x'.repeat(40_000));
    await bot.amended(place, 'm1', 'short after all');
    expect((await takeHead(harness.store, SESSION)).message.text).toBe('short after all');
  });

  it('of a message that was answered is remembered no longer than any message', async () => {
    const { bot } = makeBot();
    await runTurn(harness.store, messageOf(SESSION, 'm1'));
    await bot.amended(place, 'm1', 'x'.repeat(40_000));
    expect((await contents(harness.store, SESSION))[0]).toBe('x'.repeat(MAX_LENGTH));
  });

  it('whose new text the platform withholds is answered as it was, and remembered without its text', async () => {
    const { bot } = makeBot();
    await offerNew(harness.store, messageOf(SESSION, 'm1'));
    await bot.amended(place, 'm1', undefined);
    const { lease, message } = await takeHead(harness.store, SESSION);
    expect(message.text).toBe('text of m1');
    await harness.store.commit(lease, message, answerOf('one'));
    expect(await contents(harness.store, SESSION)).toEqual(['text of m1', 'one']);
    await bot.amended(place, 'm1', undefined);
    expect(await contents(harness.store, SESSION)).toEqual(['', 'one']);
  });

  it.each([
    ['an edit', 'edited'],
    ['a deletion', null],
  ])(
    'that the bot was never given costs one look-up (%s), however many conversations its place has',
    async (_, text) => {
      const { bot, calls } = makeBot();
      for (let n = 0; n < 20; n += 1) await runTurn(harness.store, messageOf(sessionOf({ user: `u${n}` }), `m${n}`));
      await bot.amended(place, 'never seen', text, { sentAt: 1_000 });
      expect(calls).toEqual(['find']);
      await bot.amended(place, 'never seen', text);
      expect(calls).toEqual(['find', 'find']);
      // Lately sent, it would be known by its idempotency key.
      await bot.amended(place, 'never seen', text, { sentAt: Date.now() - 60_000 });
      expect(calls).toEqual(['find', 'find']);
    },
  );

  it('counts a number of times in a minute; its deletion always does', async () => {
    const { bot, calls } = makeBot();
    await offerNew(harness.store, messageOf(SESSION, 'm1'));
    for (let n = 1; n <= 200; n += 1) await bot.amended(place, 'm1', `edit ${n}`);
    expect(calls).toHaveLength(COMMAND_LIMIT.messages);
    await bot.amended(place, 'm1', null);
    expect(calls).toHaveLength(COMMAND_LIMIT.messages + 1);
    expect((await tryClaim(harness.store, SESSION))?.record.state ?? 'forgotten').toBe('forgotten');
  });
});
