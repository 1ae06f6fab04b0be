/** Recall in a whole bot: what is older than the window is shown when it matters, and nothing that was forgotten ever is. */
import { describe, expect, test } from 'vitest';
import { variants } from '../support/tier.ts';
import { ask, EMBEDDED, historyUrl, ON_REDIS, useWorkshop, withModel } from './http-support.ts';
import { ADA, answersIn, until, useSlackWorkshop } from './slack-support.ts';

const workshop = useWorkshop();

/** A window of one turn: everything before the last turn is recalled or not shown. */
const SMALL_WINDOW = { MEMORY_WINDOW: '2' };
const SMALL_TALK = ['It rains today', 'The bus was late', 'Lunch was good'];

describe.each(variants([ON_REDIS, EMBEDDED]))('on %s', (_, makeStore) => {
  test('an older message is recalled with a question about it', async () => {
    const model = await workshop.makeModel();
    const settings = { ...(await makeStore()), ...withModel(model), ...SMALL_WINDOW };
    const bot = await workshop.start(await workshop.makeFolder(), settings);
    for (const text of ['My parrot is called Kiwi', '我的猫叫小花', ...SMALL_TALK]) await ask(bot, 'ada', text);
    await ask(bot, 'ada', 'What is the name of my parrot?');
    const english = model.journal().at(-1)?.messages ?? [];
    expect(english.map(({ role }) => role)).toEqual(['system', 'user', 'assistant', 'user']);
    expect(english.at(-1)?.content).toMatch(
      /^\[Recalled from earlier.*\n> User: My parrot is called Kiwi\n.*\n\nWhat is/s,
    );
    await ask(bot, 'ada', '我的猫叫什么名字？');
    expect(model.journal().at(-1)?.messages.at(-1)?.content).toContain('\n> User: 我的猫叫小花\n');
  });

  test('nothing is recalled with RECALL_TOKENS=0', async () => {
    const model = await workshop.makeModel();
    const settings = { ...(await makeStore()), ...withModel(model), ...SMALL_WINDOW, RECALL_TOKENS: '0' };
    const bot = await workshop.start(await workshop.makeFolder(), settings);
    for (const text of ['My parrot is called Kiwi', ...SMALL_TALK]) await ask(bot, 'ada', text);
    await ask(bot, 'ada', 'What is the name of my parrot?');
    expect(model.journal().at(-1)?.raw).not.toContain('Kiwi');
  });

  test('what was forgotten is in no later request', async () => {
    const model = await workshop.makeModel();
    const settings = { ...(await makeStore()), ...withModel(model), ...SMALL_WINDOW };
    const bot = await workshop.start(await workshop.makeFolder(), settings);
    for (const text of ['My parrot is called Kiwi', ...SMALL_TALK]) await ask(bot, 'ada', text);
    await ask(bot, 'ada', 'What is the name of my parrot?');
    expect(model.journal().at(-1)?.raw).toContain('Kiwi');
    expect((await fetch(historyUrl(bot, 'ada'), { method: 'DELETE' })).ok).toBe(true);
    const before = model.journal().length;
    for (const text of [...SMALL_TALK, 'What is my parrot called?', 'And what is its name?'])
      await ask(bot, 'ada', text);
    const later = model.journal().slice(before);
    expect(later).toHaveLength(5);
    for (const { raw } of later) expect(raw).not.toContain('Kiwi');
  });
});

describe('in Slack', () => {
  const slackWorkshop = useSlackWorkshop();

  test('a deleted message is in no later request, and of an edited one only what it says now', async () => {
    const { slack, model, startBot } = await slackWorkshop.makeWorld('socket');
    await startBot({ ...SMALL_WINDOW, SLACK_DM_SCOPE: 'channel' });
    const dm = slack.workspace.directOf(ADA);
    const say = async (text: string) => {
      model.script(text, { text: 'Noted.' });
      const message = slack.say(text, { user: ADA });
      await answersIn(slack, dm, message.ts);
      return message;
    };
    const secret = await say('My parrot is called Kiwi');
    const corrected = await say('My bank is called Goldmine');
    for (const text of SMALL_TALK) await say(text);
    await say('What are my parrot and my bank called?');
    const shown = model.journal().at(-1)?.raw;
    expect(shown).toContain('Kiwi');
    expect(shown).toContain('Goldmine');

    await slack.deleteMessage(secret.ts, dm).acked;
    await slack.edit(corrected.ts, dm, 'My bank is called Riverside').acked;
    const before = model.journal().length;
    await say('And what are my parrot and my bank called now?');
    await say('Tell me about the parrot and the bank');
    const later = model.journal().slice(before);
    expect(later).toHaveLength(2);
    for (const { raw } of later) {
      expect(raw).not.toContain('Kiwi');
      expect(raw).not.toContain('Goldmine');
    }
    await until(() => expect(later.at(-1)?.raw).toContain('Riverside'));
  });
});
