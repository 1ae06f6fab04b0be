// `npm run screenshots`: the playground as it is, for the README: docs/images/*.png. Builds the bot, starts it on an empty
// store with the demo model, and plays a short talk in Chromium.
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Browser, chromium, type Page } from 'playwright-core';
import { buildBot, startBot } from '../test/support/bot-process.ts';
import { CHROMIUM_OPTIONS, haveChromium } from '../test/support/chromium.ts';

const IMAGES = fileURLToPath(new URL('../docs/images/', import.meta.url));
const DESKTOP = { width: 1200, height: 760 };
const PHONE = { width: 390, height: 760 };
/** Rounds of talk that the overview shows; each is a sample's time. */
const ROUNDS = 12;
const ROUND_MS = 10_000;

async function say(page: Page, text: string, answer: string): Promise<void> {
  await page.locator('#message').fill(text);
  await page.locator('#message').press('Enter');
  await page.locator('#log .item').filter({ hasText: answer }).last().waitFor();
  await page.locator('#log .live').waitFor({ state: 'detached' });
}

async function talk(page: Page): Promise<void> {
  await say(page, 'Hello! My name is Ada Lovelace.', 'Nice to meet you');
  await say(page, 'What is my name?', 'Your name is Ada Lovelace');
  await say(page, '/ttl 2h', '2 hours');
}

/** Somebody says something. */
async function post(url: string, round: number, person: number): Promise<void> {
  const id = `round-${round}-person-${person}`.padEnd(20, '_');
  await fetch(`${url}/playground/api/messages`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ user: `person ${person}`, channel: `channel ${round % 5}`, id, text: `Round ${round}` }),
  });
}

async function shoot(page: Page, name: string): Promise<void> {
  await page.screenshot({ path: join(IMAGES, `${name}.png`) });
  process.stdout.write(`docs/images/${name}.png\n`);
}

async function takeAll(browser: Browser, url: string): Promise<void> {
  const desktop = await browser.newPage({ viewport: DESKTOP, colorScheme: 'light', locale: 'en-US' });
  await desktop.goto(url);
  await talk(desktop);
  await shoot(desktop, 'playground');
  await desktop.getByRole('button', { name: 'Overview' }).click();
  for (let round = 1; round <= ROUNDS; round += 1) {
    await Promise.all(Array.from({ length: 4 + ((round * 5) % 7) }, (_, person) => post(url, round, person)));
    await desktop.waitForTimeout(ROUND_MS);
  }
  await shoot(desktop, 'overview');

  const phone = await browser.newPage({ viewport: PHONE, colorScheme: 'dark', locale: 'zh-CN' });
  await phone.goto(url);
  await phone.locator('#person').selectOption('小明');
  await say(phone, '我叫小明', '很高兴认识你');
  await say(phone, '我叫什么名字？', '你叫小明');
  await shoot(phone, 'playground-phone');
}

const executablePath = await haveChromium();
if (executablePath === undefined) process.exit(1);
await mkdir(IMAGES, { recursive: true });
const folder = await mkdtemp(join(tmpdir(), 'recollect-screenshots-'));
const build = await buildBot();
const bot = await startBot(build, folder, {});
const browser = await chromium.launch({ executablePath, args: [...CHROMIUM_OPTIONS] });
try {
  await takeAll(browser, bot.url);
} finally {
  await browser.close();
  await bot.release();
  await build.remove();
  await rm(folder, { recursive: true, force: true });
}
