/** The playground as people have it: the whole bot, a real store, a real browser. */
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import type { Page } from 'playwright-core';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { messagesIn } from '../../src/i18n/messages.ts';
import type { BotSettings, RunningBot } from '../support/bot-process.ts';
import { haveChromium } from '../support/chromium.ts';
import { startRedis } from '../support/redis-server.ts';
import { variants } from '../support/tier.ts';
import { useWorkshop, withModel } from './http-support.ts';
import { connected, items, reads, said, say, shows, sit, useBrowser } from './playground-support.ts';

const executable = await haveChromium();

const violations = z.array(z.object({ id: z.string(), nodes: z.array(z.object({ html: z.string() })) }));

/** What axe finds fault with, by rule and element. */
async function faults(page: Page): Promise<string[]> {
  const found: unknown = await page.evaluate(
    'axe.run().then(({violations}) => JSON.parse(JSON.stringify(violations)))',
  );
  return violations.parse(found).flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html}`));
}

const sentBody = z.object({ attachments: z.array(z.object({ name: z.string(), data: z.string() })).optional() });

/** Draws a picture and copies it, as a person does in another program. */
const COPY_PICTURE = `(async () => {
  const canvas = Object.assign(document.createElement('canvas'), { width: 8, height: 8 });
  canvas.getContext('2d').fillRect(0, 0, 4, 4);
  const picture = await new Promise((resolve) => canvas.toBlob(resolve, 'image/png'));
  await navigator.clipboard.write([new ClipboardItem({ 'image/png': picture })]);
})()`;

const DROP_FILE = `(() => {
  const dataTransfer = new DataTransfer();
  dataTransfer.items.add(new File(['a,b'], 'dropped.csv', { type: 'text/csv' }));
  document.getElementById('log').dispatchEvent(new DragEvent('drop', { dataTransfer, bubbles: true, cancelable: true }));
})()`;

describe.skipIf(executable === undefined)('the playground', () => {
  const { makeFolder, makeModel, start, startProcess } = useWorkshop();
  const { visit, tab } = useBrowser(executable);

  async function startBot(settings: BotSettings = {}): Promise<RunningBot> {
    return start(await makeFolder(), settings);
  }

  async function startWithModel(settings: BotSettings = {}) {
    const model = await makeModel();
    return { model, bot: await startBot({ ...withModel(model), ...settings }) };
  }

  test('a first visit: it says what to try, is connected, and nothing is complained about', async () => {
    const bot = await startBot();
    const { page, complaints } = await visit(bot.url);
    await connected(page);
    await shows(page.locator('#log .empty'), 'My name is Ada');
    await shows(page.locator('#memory'), 'Nothing of this conversation is stored.');
    expect(complaints).toEqual([]);
  });

  test('a talk: the demo model remembers, and the memory beside it shows what is stored', async () => {
    const bot = await startBot();
    const { page, complaints } = await visit(bot.url);
    await say(page, 'My name is Ada Lovelace');
    await shows(items(page, 'bot'), 'Nice to meet you, Ada Lovelace');
    await say(page, 'What is my name?');
    await shows(items(page, 'bot'), 'Your name is Ada Lovelace');
    const memory = page.locator('#memory');
    await shows(memory, '4 messages (2 turns)');
    await shows(memory, '4 of 4 messages');
    await shows(memory, '{web:playground:general}:u-Ada');
    await shows(memory.locator('.left'), /(29 min|30 min)/);
    expect(await memory.locator('.stored li').count()).toBe(4);
    expect(complaints).toEqual([]);
  });

  test('the model sees the newest turns only, and the panel says which', async () => {
    const { bot } = await startWithModel({ MEMORY_WINDOW: '2' });
    const { page } = await visit(bot.url);
    await say(page, 'one');
    await reads(page, ['one', 'echo: one']);
    await say(page, 'two');
    await reads(page, ['one', 'echo: one', 'two', 'echo: two']);
    await shows(page.locator('#memory'), '2 of 4 messages');
    expect(await page.locator('.stored .seen .content').allInnerTexts()).toEqual(['echo: two', 'two']);
    expect(await page.locator('.stored .unseen .content').allInnerTexts()).toEqual(['echo: one', 'one']);
  });

  test('an answer is seen while it is written, with its Markdown and code', async () => {
    const { model, bot } = await startWithModel();
    const text =
      '# Title\n\nSome **bold** text.\n\n```js\nlet a = 1;\n```\n\n| a | b |\n| - | - |\n| 1 | 2 |\n\n[link](https://example.org/)';
    model.script('show', { text, pieces: 4, sent: 2, end: 'hang' });
    const { page } = await visit(bot.url);
    await say(page, 'show me');
    await items(page, 'live').locator('strong').filter({ hasText: 'bold' }).waitFor();
    expect(await items(page, 'live').locator('table').count()).toBe(0);
    model.release();
    const answer = items(page, 'bot');
    await answer.locator('td').filter({ hasText: '2' }).waitFor();
    await expect.poll(() => items(page, 'live').count()).toBe(0);
    expect(await answer.locator('pre code').innerText()).toBe('let a = 1;');
    expect(await answer.getByRole('link', { name: 'link' }).getAttribute('rel')).toContain('noopener');
    await shows(page.locator('#spoken'), 'Answer: # Title');
  });

  test.each(variants(['> ', '1. - ', 'a*_']))(
    'an answer of thousands of %j is shown as text, and the page goes on',
    async (unit) => {
      const { model, bot } = await startWithModel();
      const text = unit.repeat(5_000).trim();
      model.script('show', { text });
      const { page } = await visit(bot.url);
      await say(page, 'show me');
      const shown = items(page, 'bot').locator('.text .plain');
      await shown.waitFor();
      await expect.poll(async () => (await shown.textContent()) === text).toBe(true);
      await say(page, 'still there?');
      await shows(items(page, 'bot').last(), 'still there?');
    },
  );

  test('an answer that was cut off says why, in the language of the page, also after a reload', async () => {
    const { model, bot } = await startWithModel({ MAX_ANSWER_LENGTH: '50' });
    model.script('story', { text: 'word '.repeat(20) });
    const { page } = await visit(bot.url);
    await say(page, 'a story');
    await shows(items(page, 'bot').locator('.hint'), 'the longest answer that is allowed here');
    await page.locator('#locale').selectOption('zh-CN');
    await page.reload();
    await shows(items(page, 'bot').locator('.hint'), '回答不完整');
  });

  test('every person in every channel has a memory of their own', async () => {
    const bot = await startBot();
    const { page } = await visit(bot.url);
    await say(page, 'My name is Ada Lovelace');
    await shows(items(page, 'bot'), 'Nice to meet you');
    await sit(page, 'Grace');
    await shows(page.locator('#log'), 'Nothing has been said here yet');
    await say(page, 'What is my name?');
    await shows(items(page, 'bot'), 'You have not told me your name yet');
    await sit(page, 'Ada', 'random');
    await say(page, 'What is my name?');
    await shows(items(page, 'bot'), 'You have not told me your name yet');
    await sit(page, 'Ada', 'general');
    await shows(items(page, 'bot'), 'Nice to meet you');
  });

  test('with SESSION_SCOPE=channel all in a channel share one, and each is told who said what', async () => {
    const { model, bot } = await startWithModel({ SESSION_SCOPE: 'channel' });
    const ada = await visit(bot.url);
    const grace = await visit(bot.url);
    await sit(grace.page, 'Grace');
    await connected(grace.page);
    await say(ada.page, 'Hello from Ada');
    await shows(items(grace.page, 'user'), 'Hello from Ada');
    await shows(items(grace.page, 'bot'), 'echo:');
    await say(grace.page, 'Hello from Grace');
    await shows(items(ada.page, 'user'), 'Hello from Grace');
    const call = await model.called('Hello from Grace');
    expect(call.messages.map(({ content }) => content).join('\n')).toContain('"Ada" says:\nHello from Ada');
    await expect.poll(() => items(ada.page, 'user').locator('strong').allInnerTexts()).toEqual(['Ada', 'Grace']);
  });

  test('only who asked can stop an answer', async () => {
    const { model, bot } = await startWithModel({ SESSION_SCOPE: 'channel' });
    model.script('long', { text: 'one two three four', pieces: 4, sent: 2, end: 'hang' });
    const ada = await visit(bot.url);
    await say(ada.page, 'a long story');
    await shows(items(ada.page, 'live'), 'one');
    const grace = await visit(bot.url);
    await sit(grace.page, 'Grace');
    const answered = grace.page.waitForResponse((response) => response.url().endsWith('/api/stop'));
    await grace.page.locator('#stop').click();
    expect(await (await answered).json()).toEqual({ stopped: false });
    expect(await items(ada.page, 'live').count()).toBe(1);
    await ada.page.locator('#stop').click();
    await shows(items(ada.page, 'bot'), 'stopped');
    const kept = (await said(ada.page)).at(-1) ?? '';
    expect('one two three four'.startsWith(kept)).toBe(true);
    expect(kept.length).toBeLessThan('one two three four'.length);
    await ada.page.reload();
    await reads(ada.page, ['a long story', kept]);
  });

  test('all commands: completed by keyboard, answered privately, never stored', async () => {
    const { model, bot } = await startWithModel();
    const { page, complaints } = await visit(bot.url);
    await say(page, 'Hello');
    await reads(page, ['Hello', 'echo: Hello']);
    const message = page.locator('#message');
    await message.pressSequentially('/he');
    await shows(page.locator('#completions'), '/help');
    await message.press('Tab');
    await expect.poll(() => message.inputValue()).toBe('/help ');
    await message.press('Enter');
    await shows(items(page, 'private'), 'Just write to me here.');
    await message.pressSequentially('/ttl ');
    await message.press('ArrowDown');
    await message.press('Enter');
    await expect.poll(() => message.inputValue()).toBe('/ttl 2h');
    await message.press('Enter');
    await shows(items(page, 'private'), '2 hours');
    await shows(page.locator('#memory'), '2 hr (chosen)');
    await say(page, '/history');
    await shows(items(page, 'private'), 'echo: Hello');
    await say(page, '/history export');
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      items(page, 'private').getByRole('button', { name: /\.md$/ }).click(),
    ]);
    expect(download.suggestedFilename()).toMatch(/^conversation-.*\.md$/);
    await say(page, '/memstats');
    await shows(items(page, 'private'), 'The service');
    await say(page, '/hisotry');
    await shows(items(page, 'private'), 'Did you mean');
    const order = () => page.locator('#log .private .head code').allInnerTexts();
    const all = ['/help', '/ttl 2h', '/history', '/history export', '/memstats', '/hisotry'];
    expect(await order()).toEqual(all);
    await items(page, 'private').getByRole('button', { name: 'Dismiss' }).nth(1).click();
    await expect.poll(order).toEqual(all.filter((command) => command !== '/ttl 2h'));
    expect(model.journal()).toHaveLength(1);
    expect(complaints).toEqual([]);
  });

  test('forgetting, by command and by the panel, wants a button to be pressed and leaves nothing', async () => {
    const { bot } = await startWithModel();
    const { page } = await visit(bot.url);
    await say(page, 'Hello');
    await reads(page, ['Hello', 'echo: Hello']);
    await say(page, '/forget');
    await items(page, 'private').getByRole('button', { name: 'Forget this conversation' }).click();
    await reads(page, []);
    // The question gives way to what came of it.
    await expect.poll(() => items(page, 'private').count()).toBe(1);
    await shows(items(page, 'private'), 'Forgotten');
    await shows(page.locator('#memory'), 'Nothing of this conversation is stored.');
    await say(page, 'Hello again');
    await reads(page, ['Hello again', 'echo: Hello again']);
    await page.locator('#memory').getByRole('button', { name: 'Forget…' }).click();
    await page.locator('#memory').getByRole('button', { name: 'Forget this conversation' }).click();
    await reads(page, []);
    await page.reload();
    await connected(page);
    await shows(page.locator('#log .empty'), 'Nothing has been said');
  });

  test('a message is deleted with its answer, by keyboard, and nothing of it reaches the model again', async () => {
    const { model, bot } = await startWithModel();
    const { page } = await visit(bot.url);
    await say(page, 'My locker code is 4711');
    await reads(page, ['My locker code is 4711', 'echo: My locker code is 4711']);
    await say(page, 'Hello');
    await reads(page, ['My locker code is 4711', 'echo: My locker code is 4711', 'Hello', 'echo: Hello']);
    const message = items(page, 'user').first();
    await message.getByRole('button', { name: 'Delete…' }).focus();
    await page.keyboard.press('Enter');
    await shows(message, 'Delete this message and the answer to it');
    await page.keyboard.press('Enter');
    await reads(page, ['Hello', 'echo: Hello']);
    await shows(page.locator('#spoken'), 'Deleted.');
    await expect.poll(() => page.evaluate('document.activeElement.id')).toBe('log');
    await say(page, 'And now?');
    expect((await model.called('And now?')).raw).not.toContain('4711');
    await page.reload();
    await reads(page, ['Hello', 'echo: Hello', 'And now?', 'echo: And now?']);
  });

  test('forgetting in mid-answer wins, and whoever waits is told', async () => {
    const { model, bot } = await startWithModel();
    model.script('slow', { text: 'one two', pieces: 2, sent: 1, end: 'hang' });
    const { page } = await visit(bot.url);
    await say(page, 'a slow one');
    await shows(items(page, 'live'), 'one');
    await say(page, '/forget');
    await items(page, 'private').getByRole('button', { name: 'Forget this conversation' }).click();
    await shows(items(page, 'notice'), 'Forgotten.');
    await reads(page, []);
  });

  test('facts: kept by command and by the panel, shown with what the model sees next, and removed', async () => {
    const { model, bot } = await startWithModel();
    const { page, complaints } = await visit(bot.url);
    const memory = page.locator('#memory');
    const facts = memory.locator('.facts .plain');
    await say(page, '/remember I am vegetarian');
    await items(page, 'private').getByRole('button', { name: 'Keep it for this channel' }).click();
    await shows(facts, 'I am vegetarian');
    await page.locator('#fact').fill('I live in Oslo');
    await page.locator('#fact').press('Enter');
    await memory.getByRole('button', { name: 'Keep it for this channel' }).click();
    await expect.poll(() => facts.allInnerTexts()).toEqual(['I am vegetarian', 'I live in Oslo']);
    await memory.locator('.parts tr').filter({ hasText: 'Facts' }).filter({ hasText: '2, shown with' }).waitFor();
    await say(page, 'What shall I cook?');
    const { raw } = await model.called('What shall I cook?');
    for (const fact of ['I am vegetarian', 'I live in Oslo']) expect(raw).toContain(fact);
    await memory.getByRole('button', { name: 'Remove: I am vegetarian' }).click();
    await expect.poll(() => facts.allInnerTexts()).toEqual(['I live in Oslo']);
    await shows(memory.locator('.answer'), 'Removed.');
    await expect.poll(() => page.evaluate('document.activeElement.id')).toBe('facts-title');
    await page.locator('#fact').fill('I have a bike');
    await page.locator('#fact').press('Enter');
    await memory.getByRole('button', { name: 'Keep it for this channel' }).click();
    await memory.getByRole('button', { name: 'Remove all…' }).click();
    await memory.getByRole('button', { name: 'Remove all', exact: true }).click();
    await expect.poll(() => facts.count()).toBe(0);
    await say(page, 'And now?');
    expect((await model.called('And now?')).raw).not.toMatch(/vegetarian|Oslo|bike/);
    expect(complaints).toEqual([]);
  });

  test('an answer says what it was made with, in words and in full, and shows nothing of it that was forgotten since', async () => {
    const bot = await startBot({ MEMORY_WINDOW: '2' });
    const { page, complaints } = await visit(bot.url);
    const answer = items(page, 'bot').filter({ hasText: 'Your name is Ada Lovelace' });
    await say(page, 'My name is Ada Lovelace');
    await shows(items(page, 'bot'), 'Nice to meet you');
    await say(page, 'It rains');
    await shows(items(page, 'bot'), 'You said: "It rains"');
    expect(await page.locator('.used').count()).toBe(0);
    await say(page, '/remember I am vegetarian');
    await items(page, 'private').getByRole('button', { name: 'Keep it for this channel' }).click();
    await shows(page.locator('#memory .facts'), 'I am vegetarian');
    await say(page, 'What is my name?');
    await shows(answer.locator('summary'), 'Used 1 earlier message and 1 fact');
    await answer.locator('summary').press('Enter');
    await expect
      .poll(() => answer.locator('.used li .plain:not(.hint)').allInnerTexts())
      .toEqual(['My name is Ada Lovelace', 'I am vegetarian']);
    await page.locator('#memory').getByRole('button', { name: 'Remove: I am vegetarian' }).click();
    await expect.poll(() => answer.locator('summary').innerText()).toBe('Used 1 earlier message');
    await shows(answer.locator('.used'), 'Forgotten since: 1.');
    const first = items(page, 'user').first();
    await first.getByRole('button', { name: 'Delete…' }).click();
    await first.getByRole('button', { name: 'Delete', exact: true }).click();
    await expect.poll(() => answer.locator('summary').innerText()).toBe('Used 2 that are forgotten since');
    expect(await answer.locator('.used li').count()).toBe(0);
    expect(complaints).toEqual([]);
  });

  test('a fact that is removed elsewhere leaves the panel, and removing it again says so', async () => {
    const bot = await startBot();
    const here = await visit(bot.url);
    const elsewhere = await visit(bot.url);
    await say(here.page, '/remember I am vegetarian');
    await items(here.page, 'private').getByRole('button', { name: 'Keep it for this channel' }).click();
    const remove = (page: Page) => page.locator('#memory').getByRole('button', { name: 'Remove: I am vegetarian' });
    await remove(elsewhere.page).waitFor();
    await here.page.route('**/api/facts/remove', async (route) => {
      await remove(elsewhere.page).click();
      await remove(elsewhere.page).waitFor({ state: 'detached' });
      await route.continue();
    });
    await remove(here.page).click();
    await shows(here.page.locator('#memory .answer'), 'It had been removed already.');
    await remove(here.page).waitFor({ state: 'detached' });
  });

  test('where all share one memory no facts are kept, and the panel says why', async () => {
    const bot = await startBot({ SESSION_SCOPE: 'channel' });
    const { page } = await visit(bot.url);
    await shows(page.locator('#memory'), 'no facts are kept for one person');
    expect(await page.locator('#fact').count()).toBe(0);
  });

  test('a lifetime runs down before the eyes, and then the conversation is gone', async () => {
    const { bot } = await startWithModel({ MIN_TTL: '1' });
    const { page } = await visit(bot.url);
    await say(page, 'Hello');
    await reads(page, ['Hello', 'echo: Hello']);
    await page.locator('#ttl').fill('10s');
    await page.locator('#ttl').press('Enter');
    await shows(page.locator('#memory .answer'), '10 seconds');
    await shows(page.locator('#memory .left'), /^[1-9] sec$/);
    await shows(page.locator('#memory'), 'Nothing of this conversation is stored.');
    await reads(page, []);
  });

  test('a reload restores the history, in mid-answer too', async () => {
    const { model, bot } = await startWithModel();
    model.script('slow', { text: 'one two three', pieces: 3, sent: 2, end: 'hang' });
    const { page } = await visit(bot.url);
    await say(page, 'Hello');
    await reads(page, ['Hello', 'echo: Hello']);
    await say(page, 'a slow one');
    await shows(items(page, 'live'), 'one');
    await page.reload();
    await shows(items(page, 'live'), 'one');
    await shows(items(page, 'user'), 'a slow one');
    model.release();
    await reads(page, ['Hello', 'echo: Hello', 'a slow one', 'one two three']);
    await page.reload();
    await reads(page, ['Hello', 'echo: Hello', 'a slow one', 'one two three']);
    expect(model.journal()).toHaveLength(2);
  });

  test('two tabs show the same conversation, both ways', async () => {
    const { model, bot } = await startWithModel();
    const first = await visit(bot.url);
    await say(first.page, 'from the first');
    const second = await tab(first.context, bot.url);
    await reads(second.page, ['from the first', 'echo: from the first']);
    await say(second.page, 'from the second');
    const all = ['from the first', 'echo: from the first', 'from the second', 'echo: from the second'];
    await reads(first.page, all);
    await reads(second.page, all);
    expect(model.journal()).toHaveLength(2);
  });

  test('a message that is written while the connection is lost is sent once, when it is back', async () => {
    const { model, bot } = await startWithModel();
    const { page, context } = await visit(bot.url);
    await connected(page);
    await context.setOffline(true);
    await say(page, 'into the void');
    await shows(items(page, 'user'), 'Sending…');
    await context.setOffline(false);
    await reads(page, ['into the void', 'echo: into the void']);
    expect(model.count('into the void')).toBe(1);
  });

  test('a message whose answer was lost on the way is sent again, and stored once', async () => {
    const { model, bot } = await startWithModel();
    const { page } = await visit(bot.url);
    let lost = 0;
    // Nor does it hear of it in another way meanwhile.
    await page.route('**/api/events?*', (route) => (lost > 2 ? route.continue() : route.abort()));
    await page.reload();
    await page.route('**/api/messages', async (route) => {
      lost += 1;
      if (lost > 2) return route.continue();
      // The bot gets it; what it says to that is lost.
      await route.fetch();
      await route.abort();
    });
    await say(page, 'once only');
    await reads(page, ['once only', 'echo: once only']);
    expect(lost).toBeGreaterThan(2);
    await page.reload();
    await reads(page, ['once only', 'echo: once only']);
    expect(model.count('once only')).toBe(1);
  });

  test('files are attached by button, drop and paste, removed by keyboard, and sent with a message or alone', async () => {
    const { model, bot } = await startWithModel();
    const { page, context, complaints } = await visit(bot.url);
    await connected(page);
    const lastShown = () => model.journal().at(-1)?.messages.at(-1);
    const sentFiles: string[][] = [];
    page.on('request', (request) => {
      if (request.method() !== 'POST' || !request.url().endsWith('/api/messages')) return;
      const { attachments = [] } = sentBody.parse(request.postDataJSON());
      sentFiles.push(attachments.map(({ name, data }) => `${name} ${Buffer.from(data, 'base64').length}`));
    });
    const [chooser] = await Promise.all([
      page.waitForEvent('filechooser'),
      page.getByRole('button', { name: 'Attach files' }).click(),
    ]);
    await chooser.setFiles([{ name: 'notes.txt', mimeType: 'text/plain', buffer: Buffer.from('Hello') }]);
    await shows(page.locator('.attached .file'), 'notes.txt');
    // A real picture on the real clipboard.
    await context.grantPermissions(['clipboard-read', 'clipboard-write']);
    await page.evaluate(COPY_PICTURE);
    await page.locator('#message').focus();
    await page.keyboard.press('ControlOrMeta+V');
    await page.locator('.attached img').waitFor();
    await page.evaluate(DROP_FILE);
    await shows(page.locator('.attached .file'), 'dropped.csv');
    await page.getByRole('button', { name: 'Remove notes.txt' }).press('Enter');
    await expect.poll(() => page.locator('.attached .name').allInnerTexts()).toEqual(['image.png', 'dropped.csv']);
    // Alone, and with the thumbnail in the conversation.
    await page.getByRole('button', { name: 'Send' }).click();
    await page.locator('#log .item.user img').waitFor();
    await items(page, 'bot').first().waitFor();
    const [first] = lastShown()?.images ?? [];
    expect(first).toMatch(/^data:image\/png;base64,iVBOR/);
    expect(lastShown()?.content).toContain('> a,b');
    // They go along again while the page is open, until they are removed.
    await shows(page.locator('.attached'), 'sent again');
    await page.getByRole('button', { name: 'Remove dropped.csv' }).press('Enter');
    await say(page, 'and now?');
    await shows(items(page, 'bot'), 'and now?');
    expect(lastShown()?.images).toEqual([first]);
    expect(lastShown()?.content).not.toContain('> a,b');
    const picture = expect.stringMatching(/^image\.png \d+$/);
    expect(sentFiles).toEqual([[picture, 'dropped.csv 3'], [picture]]);
    await shows(page.locator('#memory'), 'Files (names only): image.png, dropped.csv');
    // A reload keeps the names only.
    await page.reload();
    await shows(page.locator('#log .item.user .file'), 'dropped.csv');
    expect(await page.locator('.file img').count()).toBe(0);
    expect(await page.locator('.attached').count()).toBe(0);
    expect(await page.evaluate('JSON.stringify({...localStorage, ...sessionStorage})')).not.toContain('iVBOR');
    expect(complaints).toEqual([]);
  });

  test('files are dropped when their message is deleted or forgotten, and a reload before they are sent says that they are lost', async () => {
    const { bot } = await startWithModel();
    const { page, context } = await visit(bot.url);
    await connected(page);
    const sendFile = async (text: string) => {
      await page.evaluate(DROP_FILE);
      await page.locator('.attached .file:not(.earlier)').waitFor();
      await say(page, text);
    };
    await sendFile('one');
    await shows(items(page, 'bot'), 'one');
    await page.locator('.attached .earlier').waitFor();
    await page.getByRole('button', { name: 'Delete…' }).click();
    await page.getByRole('button', { name: 'Delete', exact: true }).click();
    await expect.poll(() => page.locator('.attached').count()).toBe(0);
    await sendFile('two');
    await shows(items(page, 'bot'), 'two');
    // A command takes no files.
    await page.evaluate(DROP_FILE);
    await page.locator('.attached .file:not(.earlier)').waitFor();
    await say(page, '/forget');
    await items(page, 'private').getByRole('button', { name: 'Forget' }).first().click();
    await expect.poll(() => page.locator('.attached .file.earlier').count()).toBe(0);
    expect(await page.locator('.attached .file').count()).toBe(1);
    await context.setOffline(true);
    await say(page, 'three');
    await shows(items(page, 'user'), 'Sending…');
    await page.route('**/api/messages', (route) => route.abort());
    await context.setOffline(false);
    await page.reload();
    await shows(items(page, 'user'), 'Not sent: the page was reloaded');
    expect(await page.getByRole('button', { name: 'Send again' }).count()).toBe(0);
  });

  test('a server killed in mid-answer and started again goes on with the answer', async () => {
    const folder = await makeFolder();
    const model = await makeModel();
    model.script('slow', { text: 'one two three', pieces: 3, sent: 2, end: 'hang' });
    const bot = await startProcess(folder, withModel(model));
    const { page } = await visit(bot.url);
    await say(page, 'a slow one');
    await shows(items(page, 'live'), 'one');
    await bot.end('SIGKILL');
    await page.locator('#connection.off').waitFor();
    await say(page, 'and another');
    await start(folder, { ...withModel(model), PORT: String(bot.port) });
    await reads(page, ['a slow one', 'echo: a slow one', 'and another', 'echo: and another']);
    await page.reload();
    await reads(page, ['a slow one', 'echo: a slow one', 'and another', 'echo: and another']);
  });

  test('on Redis, another replica shows the same conversation', async () => {
    const redis = await startRedis();
    try {
      const model = await makeModel();
      const settings = { ...withModel(model), REDIS_URL: redis.url };
      const [one, other] = [await startBot(settings), await startBot(settings)];
      const first = await visit(one.url);
      const second = await visit(other.url);
      await say(first.page, 'Hello');
      await reads(second.page, ['Hello', 'echo: Hello']);
      await say(second.page, 'Hello back');
      await reads(first.page, ['Hello', 'echo: Hello', 'Hello back', 'echo: Hello back']);
      await first.page.getByRole('button', { name: 'Overview' }).click();
      await shows(first.page.locator('#charts'), 'Redis memory');
      await first.page
        .locator('figure')
        .filter({ hasText: 'Redis clients' })
        .filter({ hasText: /now \d/ })
        .waitFor();
    } finally {
      await redis.stop();
    }
  });

  test('a turn that failed says why, and can be sent again', async () => {
    const { model, bot } = await startWithModel();
    model.script('odd', { status: 400, error: { message: 'no' } });
    const { page } = await visit(bot.url);
    await say(page, 'an odd one');
    await shows(items(page, 'user').locator('.fault'), messagesIn('en').failed.model_refused_request);
    await page.getByRole('button', { name: 'Send again' }).click();
    await reads(page, ['an odd one', 'echo: an odd one']);
  });

  test('what is refused says why: too many messages', async () => {
    const { bot } = await startWithModel({ RATE_LIMIT: '1/min' });
    const { page } = await visit(bot.url);
    await say(page, 'one');
    await reads(page, ['one', 'echo: one']);
    await say(page, 'two');
    await shows(items(page, 'user').locator('.fault'), 'too fast');
  });

  test('the overview has charts of the last hour, with their figures in words', async () => {
    const bot = await startBot();
    const { page, complaints } = await visit(bot.url);
    await say(page, 'Hello');
    await shows(items(page, 'bot'), 'You said');
    await page.getByRole('button', { name: 'Overview' }).click();
    await page.getByRole('img', { name: /Stored messages: now 2, at most 2/ }).waitFor();
    await page.getByRole('img', { name: /Time per turn: p50 now .+; p99 now/ }).waitFor();
    expect(await page.locator('figure canvas').count()).toBe(7);
    expect(complaints).toEqual([]);
  });

  test('with API_KEY set the page asks for it, says when it is wrong, and opens with the right one', async () => {
    const bot = await startBot({ API_KEY: 'open sesame'.replace(' ', '-') });
    const { page } = await visit(bot.url);
    const key = page.locator('#key');
    await key.waitFor();
    // A browser closes a dialog for whoever insists; nothing works without the key.
    for (let press = 0; press < 3; press += 1) await page.keyboard.press('Escape');
    await key.fill('wrong');
    await key.press('Enter');
    await page.locator('#key-wrong').waitFor();
    await key.fill('open-sesame');
    await key.press('Enter');
    await say(page, 'Hello');
    await shows(items(page, 'bot'), 'You said');
    await page.reload();
    await shows(items(page, 'bot'), 'You said');
    expect((await fetch(`${bot.url}/playground/api/memory?user=Ada&channel=general`)).status).toBe(401);
  });

  test('what a browser has kept for another page at this address, or another version, does no harm', async () => {
    const bot = await startBot();
    const { page, context, complaints } = await visit(bot.url);
    await say(page, 'My name is Ada Lovelace');
    await shows(items(page, 'bot'), 'Nice to meet you');
    const kept = {
      outbox: '{"a":1}',
      seat: '"Ada"',
      people: '[1]',
      channels: '{}',
      locale: '"fr"',
      theme: '7',
      tab: '[]',
    };
    const lines = Object.entries(kept).map(([name, value]) => `s.setItem('recollect.${name}', '${value}');`);
    await context.addInitScript({ content: `for (const s of [localStorage, sessionStorage]) {${lines.join('')}}` });
    await page.reload();
    await connected(page);
    await say(page, 'What is my name?');
    await shows(items(page, 'bot'), 'Your name is Ada Lovelace');
    expect(complaints).toEqual([]);
  });

  test('script in any field stays text', async () => {
    const evil = '<img src=x onerror=alert(1)><script>alert(2)</script>';
    const { model, bot } = await startWithModel();
    const { page, complaints } = await visit(bot.url);
    await page.getByRole('button', { name: 'Add…' }).click();
    await page.locator('#new-person').fill('<b onclick=alert(3)>Eve</b>');
    await page.locator('#new-channel').fill('"><script>alert(4)</script>');
    await page.getByRole('button', { name: 'Add', exact: true }).click();
    const links = '[a](javascript:alert(5)) <a href="javascript:alert(6)">b</a> ![c](https://example.org/c.png) `<i>`';
    model.script('img', {
      text: `${evil}\n\n${links}\n\n\`\`\`<b>\n${evil}\n\`\`\`\n\n| ${evil} |\n| - |\n| <u>x</u> |`,
    });
    await say(page, evil);
    await shows(items(page, 'bot'), 'alert(2)');
    await shows(page.locator('#memory .stored'), 'onerror=alert(1)');
    await shows(page.locator('#memory'), '<b onclick=alert(3)>Eve</b> in #"><script>alert(4)</script>');
    expect((await said(page))[0]).toBe(evil);
    await say(page, `/history ${evil}`);
    await shows(items(page, 'private'), 'onerror');
    await say(page, '/history');
    await page.locator('#ttl').fill(evil);
    await page.locator('#ttl').press('Enter');
    await shows(page.locator('#memory .answer'), /\w/);
    expect(await page.locator('#log :is(img, script, i, u, b), #memory :is(img, script, b)').count()).toBe(0);
    expect(await page.locator('a[href^="javascript:" i]').count()).toBe(0);
    expect(complaints).toEqual([]);
  });

  test('the policy lets nothing in from elsewhere and nothing inline', async () => {
    const bot = await startBot();
    const response = await fetch(bot.url);
    const policy = response.headers.get('content-security-policy') ?? '';
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("require-trusted-types-for 'script'");
    expect(policy).not.toMatch(/unsafe|https?:|\*/);
    const html = await response.text();
    expect(html).not.toMatch(/<script(?![^>]*\bsrc=)|\bon\w+=|\bstyle=|https?:\/\//);
    const { page, complaints } = await visit(bot.url);
    await connected(page);
    await page
      .evaluate("(() => { const s = document.createElement('script'); s.textContent = ''; })()")
      .catch(() => {});
    const blocked = await page
      .evaluate("document.body.innerHTML = '<p>x</p>'")
      .then(() => false)
      .catch(() => true);
    expect(blocked).toBe(true);
    complaints.length = 0;
  });

  test('by keyboard alone one can talk, and Tab leaves nothing out', async () => {
    const bot = await startBot();
    const { page } = await visit(bot.url);
    await connected(page);
    // The page puts the focus where one writes.
    await page.keyboard.type('Hello');
    await page.keyboard.press('Enter');
    await shows(items(page, 'bot'), 'You said');
    const reached = new Set<unknown>();
    for (let step = 0; step < 60; step += 1) {
      await page.keyboard.press('Tab');
      reached.add(
        await page.evaluate('document.activeElement.id || document.activeElement.textContent.trim().slice(0, 20)'),
      );
    }
    for (const stop of [
      'person',
      'channel',
      'add',
      'log',
      'message',
      'attach',
      'fact',
      'ttl',
      'locale',
      'theme',
      'Overview',
      'Forget…',
    ]) {
      expect(reached).toContain(stop);
    }
  });

  test('on a phone it fits the width, and the memory is a view of its own', async () => {
    const bot = await startBot();
    const { page } = await visit(bot.url, { viewport: { width: 360, height: 720 }, hasTouch: true, isMobile: true });
    await page
      .locator('#files')
      .setInputFiles({ name: `${'long'.repeat(30)}.txt`, mimeType: 'text/plain', buffer: Buffer.from('a') });
    await page.locator('.attached .file').waitFor();
    await say(page, 'A word that is long: '.concat('x'.repeat(200)));
    await shows(items(page, 'bot'), 'You said');
    const fits = () => page.evaluate('document.documentElement.scrollWidth <= innerWidth');
    expect(await fits()).toBe(true);
    expect(await page.locator('.memory').isVisible()).toBe(false);
    await page.getByRole('button', { name: 'Memory' }).click();
    await shows(page.locator('#memory'), '2 messages (1 turn)');
    expect(await page.locator('.chat').isVisible()).toBe(false);
    expect(await fits()).toBe(true);
    await page.getByRole('button', { name: 'Overview' }).click();
    await page.locator('figure canvas').first().waitFor();
    expect(await fits()).toBe(true);
  });

  test('it is dark where the system is, and light or dark as chosen', async () => {
    const bot = await startBot();
    const { page } = await visit(bot.url, { colorScheme: 'dark' });
    const background = () => page.evaluate('getComputedStyle(document.body).backgroundColor');
    const dark = await background();
    await page.locator('#theme').selectOption('light');
    const light = await background();
    expect(light).not.toBe(dark);
    await page.reload();
    expect(await background()).toBe(light);
    await page.locator('#theme').selectOption('auto');
    expect(await background()).toBe(dark);
  });

  test('in Chinese where the browser is, and as chosen: the page and the bot', async () => {
    const bot = await startBot();
    const { page } = await visit(bot.url, { locale: 'zh-CN' });
    await shows(page.locator('#memory-title'), '这个对话的记忆');
    expect(await page.locator('html').getAttribute('lang')).toBe('zh-CN');
    await say(page, '我叫张三');
    await shows(items(page, 'bot'), '很高兴认识你，张三');
    await say(page, '/help');
    await shows(items(page, 'private'), '命令');
    await page.locator('#locale').selectOption('en');
    await shows(page.locator('#memory-title'), 'Memory of this conversation');
    await say(page, '/ttl');
    await shows(items(page, 'private'), 'minutes');
  });

  test.each(variants(['light', 'dark']))('axe finds no fault with any view, %s', async (colorScheme) => {
    const { model, bot } = await startWithModel();
    model.script('show', { text: '# Title\n\n- [x] done\n\n`code` and [link](https://example.org)\n\n```js\n1\n```' });
    const axe = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
    const { page } = await visit(bot.url, { colorScheme }, axe);
    await say(page, 'show me');
    await shows(items(page, 'bot'), 'Title');
    await say(page, '/remember I am vegetarian');
    await items(page, 'private').getByRole('button', { name: 'Keep it for this channel' }).click();
    await shows(page.locator('#memory .facts'), 'I am vegetarian');
    await page.evaluate(DROP_FILE);
    await say(page, 'with a file');
    await shows(items(page, 'bot'), 'with a file');
    await page.evaluate(DROP_FILE);
    await say(page, '/forget');
    await shows(items(page, 'private'), 'Forget ');
    await page.locator('#message').pressSequentially('/');
    await page.locator('#completions').waitFor();
    expect(await faults(page)).toEqual([]);
    await page.locator('#message').press('Escape');
    await page.getByRole('button', { name: 'Add…' }).click();
    expect(await faults(page)).toEqual([]);
    await page.getByRole('button', { name: 'Cancel' }).click();
    await page.getByRole('button', { name: 'Overview' }).click();
    await page.locator('figure canvas').first().waitFor();
    expect(await faults(page)).toEqual([]);
    await page.setViewportSize({ width: 360, height: 720 });
    await page.getByRole('button', { name: 'Memory' }).click();
    expect(await faults(page)).toEqual([]);
  });
});
