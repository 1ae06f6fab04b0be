/** What README and docs show is run here, so that it stays true. */
import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { chatResponse } from '../src/adapters/http/schemas.ts';
import { SETTINGS } from '../src/config/config.ts';
import { DEFAULT_PREFIX, keyspace } from '../src/memory/redis/keys.ts';
import { postChat } from './adapters/http/support.ts';
import { sessionOf } from './contracts/store/support.ts';
import { launchBot } from './support/bot-process.ts';
import { builtBot } from './support/built-bot.ts';

const run = promisify(execFile);
const root = fileURLToPath(new URL('..', import.meta.url));
const read = (path: string) => readFile(join(root, path), 'utf8');

/** The fenced blocks of one language. */
function blocks(markdown: string, language: string): string[] {
  return [...markdown.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, 'gms'))].map(([, code = '']) => code);
}

let build: Awaited<ReturnType<typeof builtBot>>;
let folder: string;
beforeAll(async () => {
  build = await builtBot();
  folder = await mkdtemp(join(tmpdir(), 'recollect-readme-'));
}, 120_000);
afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

describe('the README', () => {
  test('shows the two commands on its first screen', async () => {
    const firstScreen = (await read('README.md')).split('\n').slice(0, 25).join('\n');
    expect(blocks(firstScreen, 'sh').slice(0, 2)).toEqual(['npm ci && npm start\n', 'npm ci && npm test\n']);
  });

  test('begins with a conversation that goes as it says', async () => {
    const [shown = ''] = blocks(await read('README.md'), 'text');
    const steps = shown.trim().split('\n\n');
    expect(steps.filter((step) => step.startsWith('> ')).length).toBeGreaterThan(3);
    const bot = await launchBot(build, await mkdtemp(join(folder, 'conversation-')), {});
    await expect
      .poll(
        () =>
          fetch(`${bot.url}/health`).then(
            (it) => it.ok,
            () => false,
          ),
        { timeout: 30_000 },
      )
      .toBe(true);
    const say = async (message: string): Promise<string> => {
      const response = await fetch(`${bot.url}/chat`, postChat({ user_id: 'me', message }));
      return chatResponse.parse(await response.json()).response;
    };
    // The day until which a fact is kept is another one each time.
    const undated = (text: string) => text.replace(/until .+ \(UTC\)/, 'until …');
    for (const step of steps) {
      if (!step.startsWith('> ')) {
        expect(step).toBe('(ten more messages about something else)');
        for (let count = 1; count <= 10; count += 1) await say(`Something else, number ${count}`);
        continue;
      }
      const [said = '', ...answer] = step.split('\n');
      // Below its answer the demo model says what it is; the bot quotes what it keeps.
      const [first = ''] = (await say(said.slice(2))).split(/\n\n|\n> /);
      expect(undated(first)).toBe(undated(answer.join('\n')));
    }
    await bot.release();
  }, 120_000);

  test('shows calls that do what it says, also across a kill -9', async () => {
    const calls = blocks(await read('README.md'), 'sh').flatMap((block) =>
      block.split('\n').filter((line) => /^curl/.test(line)),
    );
    expect(calls).toHaveLength(4);
    let bot = await launchBot(build, folder, {});
    const answers: string[] = [];
    for (const [index, call] of calls.entries()) {
      if (index === 1) {
        await bot.end('SIGKILL');
        bot = await launchBot(build, folder, {});
      }
      await expect
        .poll(
          () =>
            fetch(`${bot.url}/health`).then(
              (it) => it.ok,
              () => false,
            ),
          { timeout: 30_000 },
        )
        .toBe(true);
      const { stdout } = await run('sh', ['-c', call.replaceAll('http://127.0.0.1:8000', bot.url)]);
      answers.push(stdout);
    }
    expect(answers[1]).toContain('Grace Hopper');
    expect(JSON.parse(answers[2] ?? '')).toMatchObject({ total_messages: 4 });
    expect(JSON.parse(answers[3] ?? '')).toMatchObject({ message: 'History cleared' });
    await bot.release();
  }, 120_000);

  test('names only settings that exist', async () => {
    // The last is Ollama's own.
    const names = new Set<string>([...SETTINGS.map(({ name }) => name), 'OLLAMA_CONTEXT_LENGTH']);
    const named = [...(await read('README.md')).matchAll(/`([A-Z][A-Z0-9]*_[A-Z0-9_]+)/g)].map(([, name = '']) => name);
    expect(named.filter((name) => !names.has(name))).toEqual([]);
    expect(named.length).toBeGreaterThan(10);
  });

  test('links only to files that exist', async () => {
    const docs = (await readdir(join(root, 'docs'))).filter((name) => name.endsWith('.md'));
    for (const page of ['README.md', ...docs.map((name) => join('docs', name))]) {
      const links = [...(await read(page)).matchAll(/\]\(([^)#]+)\)/g)].map(([, link = '']) => link);
      for (const link of links.filter((it) => !it.startsWith('http'))) await read(join(page, '..', link));
    }
  });
});

describe('docs/keys.md', () => {
  test('names every key of the store', async () => {
    const page = await read('docs/keys.md');
    const keys = keyspace(DEFAULT_PREFIX);
    const session = keys.session(sessionOf());
    const tail = (key: string) => key.slice(key.lastIndexOf(':'));
    for (const companion of [session.meta, session.ttl, session.inbox, session.people]) {
      expect(page).toContain(`…${tail(companion)}`);
    }
    for (const key of [keys.live, keys.pending]) expect(page).toContain(key);
    for (const key of [keys.lengths, keys.total, keys.ready]) expect(page).toContain(tail(key));
    for (const prefix of [keys.limits, keys.signals]) expect(page).toContain(`\`${prefix}:*\``);
  });
});

describe('docs/extending.md', () => {
  test('has code that runs', async () => {
    const shown = blocks(await read('docs/extending.md'), 'ts');
    const code = shown.find((block) => block.includes('RedisChatMessageHistory')) ?? '';
    const file = join(root, 'docs', `.shown-${process.pid}.mts`);
    await writeFile(file, `${code}\nprocess.stdout.write(JSON.stringify(remembered));`);
    try {
      const { stdout } = await run('node_modules/.bin/tsx', [file], {
        cwd: root,
        env: { PATH: process.env.PATH, REDIS_URL: inject('redisUrl') },
      });
      expect(JSON.parse(stdout).slice(-2)).toEqual(['My name is Grace.', 'Nice to meet you.']);
    } finally {
      await rm(file);
    }
  }, 120_000);
});
