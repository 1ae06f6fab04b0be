import { describe, expect, it } from 'vitest';
import { createLogger } from '../../src/app/log.ts';
import { createRateLimiter } from '../../src/app/rate-limiter.ts';
import { createCommands } from '../../src/commands/commands.ts';
import { COMMAND_LIMIT } from '../../src/commands/limit.ts';
import { createAnnouncements } from '../../src/core/announcements.ts';
import { createBot } from '../../src/core/bot.ts';
import { createRunningTurns } from '../../src/core/turn-watch.ts';
import type { IncomingMessage } from '../../src/core/types.ts';
import { BotError } from '../../src/errors.ts';
import { createCoreMessages } from '../../src/i18n/messages.ts';
import { createLocalSignals } from '../../src/queue/signals.ts';
import { depsOf } from '../commands/suite/support.ts';
import { messageOf, sessionOf, takeHead, useStore } from '../contracts/store/support.ts';
import { makeSqliteFixture } from '../memory/sqlite-fixture.ts';
import { previewOf } from '../support/context.ts';

const MAX_LENGTH = 20;
const SESSION = sessionOf();

describe('what has to be looked up for a message', () => {
  const harness = useStore(makeSqliteFixture);

  function makeBot() {
    const { store } = harness;
    const logger = createLogger({ level: 'silent', secrets: [] });
    const bot = createBot({
      ...{ store, memory: store, logger, health: () => ({ ok: true }), received() {} },
      seen: previewOf(store),
      enqueue: (message) => store.enqueue(message),
      announcements: createAnnouncements({
        signals: createLocalSignals(),
        running: createRunningTurns('test'),
        logger,
      }),
      process: 'test',
      limiter: createRateLimiter({ messages: 2, perMs: 3_600_000 }),
      editLimiter: createRateLimiter(COMMAND_LIMIT),
      coreMessages: createCoreMessages(),
      commands: createCommands(depsOf(store)),
      maxMessageLength: MAX_LENGTH,
    });
    const looked: string[] = [];
    /** Its text as `given`, and then with what was looked up. */
    const receive = (id: string, given: string, found: Partial<IncomingMessage> | BotError) => {
      const message = messageOf(SESSION, id, { text: given });
      return bot.receive(message, async () => {
        looked.push(id);
        if (found instanceof BotError) throw found;
        return { ...message, ...found };
      });
    };
    return { receive, looked };
  }

  it('is looked up for what is stored, and stored with it', async () => {
    const { receive } = makeBot();
    const quotes = [{ author: 'Grace', text: 'The launch is on Friday' }];
    expect(await receive('m1', 'hi @', { text: 'hi @Grace', quotes })).toMatchObject({ kind: 'queued' });
    expect((await takeHead(harness.store, SESSION)).message).toMatchObject({ text: 'hi @Grace', quotes });
  });

  it('is not looked up for what is too long, nor for whoever has sent too much', async () => {
    const { receive, looked } = makeBot();
    expect(await receive('long', 'x'.repeat(MAX_LENGTH + 1), {})).toMatchObject({ kind: 'too_long' });
    for (const id of ['m1', 'm2', 'm3']) await receive(id, 'hello', {});
    expect(looked).toEqual(['m1', 'm2']);
  });

  it('may make it too long, or be all that there is to it', async () => {
    const { receive } = makeBot();
    expect(await receive('m1', '@', { text: `@${'x'.repeat(MAX_LENGTH)}` })).toMatchObject({ kind: 'too_long' });
    const quotes = [{ author: 'Grace', text: 'shared' }];
    expect(await receive('m2', '', { quotes })).toMatchObject({ kind: 'queued' });
  });

  it('that can’t be had uses up nothing of what its author may send', async () => {
    const { receive } = makeBot();
    const away = new BotError('store_unavailable', 'away', { retryable: true });
    for (let times = 0; times < 3; times += 1) await expect(receive('m1', 'hello', away)).rejects.toBe(away);
    expect(await receive('m1', 'hello', {})).toMatchObject({ kind: 'queued' });
  });
});
