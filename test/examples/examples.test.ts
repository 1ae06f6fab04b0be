/** The examples of docs/extending.md: they run, and the page shows exactly this code. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type App, startApp } from '../../src/app/compose.ts';
import { createLogger } from '../../src/app/log.ts';
import { createCommands } from '../../src/commands/commands.ts';
import { COMMANDS } from '../../src/commands/registry.ts';
import { loadConfig } from '../../src/config/config.ts';
import { contextOf, depsOf, here, talk } from '../commands/suite/support.ts';
import { useStore } from '../contracts/store/support.ts';
import { makeSqliteFixture } from '../memory/sqlite-fixture.ts';
import { freePort } from '../support/free-port.ts';
import { count } from './command/count.ts';
import { type FakeTelegram, startFakeTelegram, TOKEN, USERNAME } from './fake-telegram.ts';
import { createTelegramAdapter } from './telegram/adapter.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const GRACE = 7;

describe('the example of a platform', () => {
  let telegram: FakeTelegram;
  let folder: string;
  let app: App;

  async function start(token = TOKEN): Promise<App> {
    const config = loadConfig(
      { PORT: String(await freePort()), DATA_DIR: folder, LOG_LEVEL: 'silent' },
      { cwd: folder },
    );
    const logger = createLogger(config.log);
    const adapter = createTelegramAdapter({
      ...{ token, apiUrl: telegram.url, scope: 'user', logger, unreconciled: () => {}, malformed: () => {} },
      clock: { now: () => Date.now(), monotonic: () => performance.now() },
    });
    return await startApp({ config, logger, adapters: [adapter] });
  }

  beforeEach(async () => {
    telegram = await startFakeTelegram();
    folder = await mkdtemp(join(tmpdir(), 'recollect-telegram-'));
    app = await start();
  });
  afterEach(async () => {
    await app.stop();
    await telegram.close();
    await rm(folder, { recursive: true });
  });

  const answers = (to: number) =>
    telegram
      .sent()
      .filter(({ replyTo }) => replyTo === to)
      .map(({ text }) => text);
  const answered = (to: number, text: RegExp) => expect.poll(() => answers(to).join('\n')).toMatch(text);

  it('is in the startup banner', () => {
    expect(app.banner.join('\n')).toContain('On: HTTP and Telegram.');
  });

  it('answers, remembers, and lets the person see and erase what it remembers', async () => {
    await answered(telegram.say(GRACE, 'My name is Grace Hopper'), /Grace Hopper/);
    // The end of the answer: by then the turn is in memory.
    await answered(telegram.say(GRACE, 'What is my name?'), /Grace Hopper.*OPENAI_BASE_URL\.$/s);
    await answered(telegram.say(GRACE, '/history'), /My name is Grace Hopper/);
    await answered(telegram.say(GRACE, '/forget'), /^Forgotten: 1 conversation, 4 messages\.$/);
    await answered(telegram.say(GRACE, '/history'), /I remember nothing/);
    await answered(telegram.say(GRACE, '/help'), /Just write to me here/);
  });

  it('answers in a group only when it is mentioned', async () => {
    const ignored = telegram.say(-9, 'What do you think?', 'group');
    await answered(telegram.say(-9, `@${USERNAME} my name is Grace`, 'group'), /Grace/);
    expect(answers(ignored)).toEqual([]);
  });

  it('answers a message once that is delivered twice', async () => {
    const twice = telegram.say(GRACE, 'My name is Grace');
    await answered(twice, /Grace/);
    telegram.repeat(twice);
    await answered(telegram.say(GRACE, 'What is my name?'), /Grace/);
    await expect.poll(() => telegram.unconfirmed()).toBe(0);
    expect(answers(twice)).toHaveLength(1);
  });

  it('goes on after a failed poll, and waits as long as Telegram asks', async () => {
    telegram.fail('getUpdates', { ok: false, error_code: 502, description: 'Bad Gateway' });
    telegram.fail('sendMessage', {
      ...{ ok: false, error_code: 429, description: 'Too Many Requests: retry after 1' },
      parameters: { retry_after: 1 },
    });
    await answered(telegram.say(GRACE, 'My name is Grace'), /Grace/);
  });

  it('aborts the start when Telegram refuses the token', async () => {
    await app.stop();
    await expect(start('1:wrong')).rejects.toMatchObject({ code: 'platform_credentials' });
    app = await start();
  });
});

describe('the example of a command', () => {
  const harness = useStore(makeSqliteFixture);

  it('runs, has its place in /help, and a button', async () => {
    await talk(harness.store, here(), 'm1');
    const commands = createCommands(depsOf(harness.store), [...COMMANDS, count]);
    const run = async (typed: string) => {
      const command = commands.readText(typed);
      if (command === undefined) throw new Error(`No command: ${typed}`);
      return (await commands.run({ command, context: contextOf() })).text;
    };
    expect(await run('/count')).toBe('I remember 2 messages.');
    expect(await run('/total')).toContain('`/count`');
    expect(await run('/help')).toContain('- `/count`: Count the messages I remember here');
    const { id } = await commands.openPrivately({ name: 'count' }, contextOf());
    expect(commands.readAction(id)?.command).toEqual({ name: 'count' });
  });
});

describe('docs/extending.md', () => {
  /** From where a file stands here to where it would stand in the product. */
  const moved: readonly (readonly [file: string, from: string, to: string])[] = [
    ['test/examples/telegram/descriptor.ts', '../../../src/', '../../'],
    ['test/examples/telegram/api.ts', '../../../src/', '../../'],
    ['test/examples/telegram/normalize.ts', '../../../src/', '../../'],
    ['test/examples/telegram/writer.ts', '../../../src/', '../../'],
    ['test/examples/telegram/adapter.ts', '../../../src/', '../../'],
    ['test/examples/command/count.ts', '../../../src/commands/', './'],
    ['test/memory/sqlite.test.ts', '../contracts/', '../contracts/'],
    ['test/commands/sqlite.test.ts', './suite/', './suite/'],
  ];

  it.each(moved)('shows %s as it is', async (file, from, to) => {
    const page = await readFile(join(root, 'docs/extending.md'), 'utf8');
    const code = await readFile(join(root, file), 'utf8');
    expect(page).toContain(`\`\`\`ts\n${code.replaceAll(from, to)}\`\`\`\n`);
  });
});
