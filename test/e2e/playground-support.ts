/** A browser for the tests of the playground, and how a person uses its page. */
import { type Browser, type BrowserContext, chromium, type Locator, type Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect } from 'vitest';
import { CHROMIUM_OPTIONS } from '../support/chromium.ts';

/** What a browser does without being asked to, and a test would not see. */
export interface Visit {
  readonly page: Page;
  readonly context: BrowserContext;
  /** Errors and warnings of the page: faults in scripts, breaches of the policy. */
  readonly complaints: string[];
}

export type VisitOptions = NonNullable<Parameters<Browser['newContext']>[0]>;

/** Only bounds what never comes. */
const WITHIN_MS = 30_000;

export function useBrowser(executablePath: string | undefined) {
  let browser: Browser | undefined;
  const open: BrowserContext[] = [];
  beforeAll(async () => {
    browser = await chromium.launch({
      ...(executablePath === undefined ? {} : { executablePath }),
      args: [...CHROMIUM_OPTIONS],
    });
  });
  afterEach(async () => {
    for (const context of open.splice(0)) await context.close();
  });
  afterAll(() => browser?.close());

  async function tab(context: BrowserContext, url: string): Promise<Visit> {
    const page = await context.newPage();
    page.setDefaultTimeout(WITHIN_MS);
    const complaints: string[] = [];
    page.on('pageerror', (error) => complaints.push(error.message));
    page.on('console', (message) => {
      if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text());
    });
    page.on('dialog', (dialog) => {
      complaints.push(`dialog: ${dialog.message()}`);
      void dialog.dismiss();
    });
    await page.goto(url);
    return { page, context, complaints };
  }
  return {
    /**
     * A person with a browser of their own.
     * @param scripts brought in by the browser itself: the page's policy lets no script in
     */
    async visit(url: string, options: VisitOptions = {}, ...scripts: readonly string[]): Promise<Visit> {
      if (browser === undefined) throw new Error('The browser is there inside of a test only.');
      const context = await browser.newContext({ locale: 'en-US', ...options });
      open.push(context);
      if (scripts.length > 0) await context.addInitScript({ content: scripts.join('\n') });
      return tab(context, url);
    },
    /** One more tab of the same browser. */
    tab,
  };
}

export async function say(page: Page, text: string): Promise<void> {
  await page.locator('#message').fill(text);
  await page.locator('#message').press('Enter');
}

/** Items of the log: `user`, `bot` (`live` while it is written), `private`, `notice`. */
export function items(page: Page, kind: string): Locator {
  return page.locator(`#log .item.${kind}`);
}

/** The texts of the conversation, oldest first, without names and times. */
export function said(page: Page): Promise<string[]> {
  return page.locator('#log .item:is(.user, .bot) .text').allInnerTexts();
}

/** Resolves when the conversation reads so. */
export async function reads(page: Page, expected: readonly string[]): Promise<void> {
  await expect.poll(() => said(page), { timeout: WITHIN_MS }).toEqual(expected);
}

/** Resolves when the element has such a text. */
export async function shows(locator: Locator, text: string | RegExp): Promise<void> {
  await locator.filter({ hasText: text }).first().waitFor();
}

export async function connected(page: Page): Promise<void> {
  await page.locator('#connection.on').waitFor();
}

export async function sit(page: Page, person: string, channel = 'general'): Promise<void> {
  await page.locator('#person').selectOption(person);
  await page.locator('#channel').selectOption(channel);
}
