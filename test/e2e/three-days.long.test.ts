/**
 * A conversation as a person would have it over three days, in the playground, with a model that answers from what it is shown: told
 * twelve things, asked about them out of order; two are corrected, one fact is removed and one message deleted.
 */
import type { Page } from 'playwright-core';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { haveChromium } from '../support/chromium.ts';
import { useWorkshop, withModel } from './http-support.ts';
import { connected, items, say, shows, useBrowser } from './playground-support.ts';
import { answerFromShown, NOTED, type Topic, UNKNOWN } from './shown-memory.ts';

const executable = await haveChromium();

const HOUR = 3_600_000;

const TOPICS: readonly Topic[] = [
  { asked: /what is my name/i, told: /my name is ([\w ]+)/i },
  { asked: /where does my sister/i, told: /my sister Grace (?:lives in|has moved to) (\p{L}+)/iu },
  { asked: /name of my cat/i, told: /my cat is called (\w+)/i },
  { asked: /where do I work/i, told: /I work as a nurse at (the [\w ]+)/i },
  { asked: /when does my flight/i, told: /flight to Lisbon leaves on (\w+ at [\d:]+)/i },
  { asked: /favourite colour/i, told: /favourite colour is (\w+)/i },
  { asked: /allergic/i, told: /I am allergic to (\w+)/i },
  { asked: /locker code/i, told: /locker code is (\d+)/i },
  { asked: /where is my bike/i, told: /bike is locked (behind the \w+)/i },
  { asked: /who is my doctor/i, told: /my doctor is (Dr\. \w+)/i },
  { asked: /landlord/i, told: /landlord's number is ([-\d]+)/i },
  { asked: /when is my dentist/i, told: /dentist appointment is on (\d+ \w+)/i },
];

const DAY_ONE = [
  'My name is Ada Lovelace.',
  'My sister Grace lives in Bergen.',
  'My cat is called Pixel.',
  'I work as a nurse at the harbour clinic.',
  'My flight to Lisbon leaves on Friday at 7:40.',
  'My favourite colour is teal.',
];
const KEPT = ['I am allergic to peanuts.', 'My locker code is 4711.'];
const DAY_TWO = [
  'My bike is locked behind the library.',
  'My doctor is Dr. Okafor.',
  "My landlord's number is 555-0134.",
  'The dentist appointment is on 12 December.',
];
const CORRECTIONS = [
  'My flight to Lisbon leaves on Saturday at 9:15, not on Friday.',
  'My sister Grace has moved to Bodø.',
];
const SMALL_TALK = [
  'It rains again today.',
  'Lunch was soup and bread.',
  'The tram was late this morning.',
  'Somebody plays the trumpet upstairs.',
  'The kitchen light flickers.',
  'A good book kept me up until two.',
];

const DAY_TWO_QUESTIONS: readonly (readonly [asked: string, answered: string])[] = [
  ['What is the name of my cat?', 'Pixel'],
  ['When does my flight leave?', 'Friday at 7:40'],
  ['What is my locker code?', '4711'],
];
const DAY_THREE_QUESTIONS: readonly (readonly [asked: string, answered: string])[] = [
  ['When is my dentist appointment?', '12 December'],
  ['What is my name?', 'Ada Lovelace'],
  ['When does my flight to Lisbon leave?', 'Saturday at 9:15'],
  ['Where is my bike?', 'behind the library'],
  ['What am I allergic to?', 'peanuts'],
  ['What is my locker code?', UNKNOWN],
  ['Where does my sister Grace live now?', 'Bodø'],
  ["What is my landlord's number?", UNKNOWN],
  ['What is my favourite colour?', 'teal'],
  ['Who is my doctor?', 'Dr. Okafor'],
  ['What is the name of my cat?', 'Pixel'],
  ['Where do I work?', 'the harbour clinic'],
];

/** Says it, and gives the answer. */
async function ask(page: Page, text: string): Promise<string> {
  const answers = page.locator('#log .item.bot:not(.live) .text');
  const before = await answers.count();
  await say(page, text);
  await expect.poll(() => answers.count(), { timeout: 30_000 }).toBe(before + 1);
  return answers.last().innerText();
}

describe.skipIf(executable === undefined)('three days in the playground', () => {
  const { makeFolder, makeModel, start } = useWorkshop();
  const { visit } = useBrowser(executable);

  test('what was told is known, what was corrected is corrected, what was forgotten is gone', async () => {
    let passed = 0;
    const now = Date.now.bind(Date);
    const clock = vi.spyOn(Date, 'now').mockImplementation(() => now() + passed);
    onTestFinished(() => clock.mockRestore());
    const model = await makeModel({ respond: (messages) => answerFromShown(messages, TOPICS) });
    const bot = await start(await makeFolder(), { ...withModel(model), MEMORY_WINDOW: '6', DEFAULT_TTL: '604800' });
    const { page, complaints } = await visit(bot.url);
    await connected(page);
    const memory = page.locator('#memory');
    const talk = async (text: string) => {
      const answered = await ask(page, text);
      passed += 5 * 60_000;
      return answered;
    };

    for (const told of DAY_ONE) expect(await talk(told)).toBe(NOTED);
    for (const fact of KEPT) {
      await say(page, `/remember ${fact}`);
      await items(page, 'private').getByRole('button', { name: 'Keep it for this channel' }).click();
      await memory.locator('.facts li').filter({ hasText: fact }).waitFor();
    }
    for (const idle of SMALL_TALK.slice(0, 3)) await talk(idle);

    passed += 22 * HOUR;
    for (const [asked, answered] of DAY_TWO_QUESTIONS) expect([asked, await talk(asked)]).toEqual([asked, answered]);
    for (const told of [...DAY_TWO, ...CORRECTIONS]) expect(await talk(told)).toBe(NOTED);
    // What an answer repeats is a message of its own: the question about the code goes, too.
    for (const gone of ['What is my locker code?', "My landlord's number"]) {
      const message = items(page, 'user').filter({ hasText: gone });
      await message.getByRole('button', { name: 'Delete…' }).click();
      await message.getByRole('button', { name: 'Delete', exact: true }).click();
      await message.waitFor({ state: 'detached' });
    }
    await memory.getByRole('button', { name: 'Remove: My locker code' }).click();
    await memory.locator('.facts li').filter({ hasText: '4711' }).waitFor({ state: 'detached' });
    const forgottenAt = model.journal().length;
    for (const idle of SMALL_TALK.slice(3)) await talk(idle);

    passed += 22 * HOUR;
    await page.reload();
    await connected(page);
    await shows(items(page, 'bot'), NOTED);
    const answers: (readonly [asked: string, answered: string])[] = [];
    for (const [asked] of DAY_THREE_QUESTIONS) answers.push([asked, await talk(asked)]);
    expect(answers).toEqual(DAY_THREE_QUESTIONS);

    const later = model.journal().slice(forgottenAt);
    expect(later.length).toBe(3 + DAY_THREE_QUESTIONS.length);
    for (const gone of ['4711', '555-0134']) expect(later.filter(({ raw }) => raw.includes(gone))).toEqual([]);
    // They were there to be forgotten.
    expect(model.journal().filter(({ raw }) => raw.includes('555-0134'))).not.toEqual([]);
    expect(model.refused()).toEqual([]);
    expect(complaints).toEqual([]);
  });
});
