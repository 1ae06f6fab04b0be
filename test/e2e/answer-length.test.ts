/** MAX_ANSWER_LENGTH on the real process: where it ends, who is told, and what is remembered. */
import { expect, test } from 'vitest';
import { chatResponse } from '../../src/adapters/http/schemas.ts';
import { messagesIn } from '../../src/i18n/messages.ts';
import { allEvents, postChat } from '../adapters/http/support.ts';
import { ask, history, say, useWorkshop, withModel } from './http-support.ts';

const workshop = useWorkshop();

test('an answer ends at its maximum: the model is let go, memory holds what was shown, the note is not a part of it', async () => {
  const model = await workshop.makeModel();
  const bot = await workshop.start(await workshop.makeFolder(), { ...withModel(model), MAX_ANSWER_LENGTH: '50' });
  const story = `${'word '.repeat(9)}1234😀 and so on`;
  model.script('story', { text: story, pieces: story.length, sent: 55, end: 'hang' });
  const response = await fetch(
    `${bot.url}/chat`,
    postChat({ user_id: 'a', message: 'A story' }, { 'Accept-Language': 'zh-CN' }),
  );
  const note = messagesIn('zh-CN').cut.maximum;
  // The 50th unit is the first half of the emoji.
  const answer = story.slice(0, 49);
  expect(await response.json()).toMatchObject({ response: answer, cut: 'maximum', note });
  expect(await (await model.called('story')).ended).toBe('abandoned');
  expect((await history(bot, 'a')).messages[1]?.content).toBe(answer);
  await ask(bot, 'a', 'Go on');
  const shown = (await model.called('Go on')).messages.map(({ content }) => content);
  expect(shown[2]).toBe(answer);
});

test('30 million characters at once are an answer of 40,000, also for a caller who reads along', async () => {
  const model = await workshop.makeModel();
  const bot = await workshop.start(await workshop.makeFolder(), withModel(model));
  model.script('huge', { text: 'x'.repeat(30_000_000), pieces: 1 });
  const events = await allEvents(await say(bot, 'a', 'A huge one', { Accept: 'text/event-stream' }));
  const done = chatResponse.parse(events.at(-1)?.data);
  expect(done).toMatchObject({ cut: 'maximum', note: messagesIn('en').cut.maximum });
  expect(done.response).toBe('x'.repeat(40_000));
  expect((await history(bot, 'a')).messages[1]?.content).toHaveLength(40_000);
});
