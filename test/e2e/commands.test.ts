/** The memory commands from a person's side: real processes on a real store, a model, and a platform that writes all down. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import type { Locale } from '../../src/core/types.ts';
import { messagesIn } from '../../src/i18n/messages.ts';
import { builtReplica } from '../crash/built-replica.ts';
import { createWorld, type World } from '../crash/world.ts';
import type { Pushed, RecordingPlatform } from '../support/recording-platform.ts';
import type { PrivateAnswer } from '../support/recording-protocol.ts';
import { variants } from '../support/tier.ts';

type Who = Parameters<RecordingPlatform['command']>[0] & { readonly locale: Locale };

const LOCALES: readonly Locale[] = variants(['en', 'zh-CN']);
const STORES = variants(['redis', 'sqlite']);
/** Only bounds what hangs. */
const PATIENCE_MS = 60_000;

beforeAll(builtReplica, 180_000);

/** One world for all tests of the surrounding describe; each test has channels and people of its own. */
function useWorld(store: 'redis' | 'sqlite', settings: Readonly<Record<string, string>>) {
  let world: World | undefined;
  let count = 0;
  beforeAll(async () => {
    // A delivery that is not acked in time comes again, and its command is answered twice.
    world = await createWorld({ store, seed: 4, settings, ackTimeoutMs: PATIENCE_MS });
    await world.replicas.start();
    // On Redis the process that runs the command may be another than the one that runs the turn.
    if (store === 'redis') await world.replicas.start();
  }, 120_000);
  afterAll(() => world?.close());
  const present = (): World => {
    if (world === undefined) throw new Error('There is a world inside of a test only.');
    return world;
  };
  const answered = async ({ id, acked }: Pushed, user: string): Promise<PrivateAnswer> => {
    expect(await acked).toEqual({ result: 'done' });
    const answers = present()
      .platform.privateAnswers(user)
      .filter(({ trigger }) => trigger === id);
    expect(answers).toHaveLength(1);
    expect(present().platform.visible(id)).toEqual([]);
    return z.custom<PrivateAnswer>((answer) => answer !== undefined).parse(answers[0]);
  };
  return {
    get world() {
      return present();
    },
    /** Somebody new, in a channel of their own. */
    person(locale: Locale, more: Partial<Who> = {}): Who {
      count += 1;
      return { workspace: 'w', channel: `c${count}`, user: `u${count}`, direct: false, locale, ...more };
    },
    /** Says something and waits for the answer. */
    async talk(who: Who, text: string): Promise<void> {
      const { platform } = present();
      const { id } = platform.say({ ...who, text });
      // The model is told who speaks where several do, and its echo has that too.
      const whole = () => platform.outcome(id).text.endsWith(text) && !platform.outcome(id).half;
      await platform.until(whole, PATIENCE_MS);
    },
    /** Chooses a command; gives the private answer. */
    ask: (who: Who, name: string, options: Record<string, string | number | boolean> = {}) =>
      answered(present().platform.command(who, name, options), who.user),
    /** Presses a button of an answer. */
    press: (who: Who, button: { readonly id: string } | undefined) =>
      answered(present().platform.press(who, button?.id ?? ''), who.user),
    /** Sends a command as a message where nobody else reads along. */
    type: (who: Who, text: string) => answered(present().platform.say({ ...who, text }), who.user),
    /** Says something that the model begins to answer, and then hangs. Gives the message's id. */
    async hangIn(who: Who, text: string, answer: string): Promise<string> {
      const { platform, model } = present();
      model.script(text, { text: answer, pieces: 8, sent: 5, end: 'hang', firstMs: 0, betweenMs: 20 });
      const { id } = platform.say({ ...who, text });
      await platform.until(() => platform.outcome(id).text.includes(answer.slice(0, 10)), PATIENCE_MS);
      return id;
    },
  };
}

describe.each(STORES)('every command on %s', (store) => {
  const it = useWorld(store, { MIN_TTL: '2' });
  const { person, talk, ask, press, type, hangIn } = it;

  describe.each(LOCALES)('in %s', (locale) => {
    const texts = messagesIn(locale);
    const { commands } = texts;

    test('before the first message', async () => {
      const ada = person(locale);
      expect(await ask(ada, 'history')).toMatchObject({ kind: 'done', text: commands.nothingHere, actions: [] });
      expect(await ask(ada, 'history', { export: true })).toMatchObject({ text: commands.nothingHere, files: [] });
      expect(await ask(ada, 'forget')).toMatchObject({ kind: 'done', text: commands.nothingHere });
      const stats = await ask(ada, 'memstats');
      expect(stats.text).toMatch(new RegExp(`^${commands.nothingHere}\n`));
      expect(stats.text).toContain(commands.memstats.service);
      expect(stats.text).not.toContain(commands.memstats.server);
      expect((await ask(ada, 'help')).text).toContain(commands.help.intro);
      const ttl = await ask(ada, 'ttl');
      expect(ttl.text).toContain(commands.nothingHere);
      expect(ttl.text).toContain(commands.ttl.setting(1800, false));
      // A choice made before there is anything to forget holds for what comes.
      expect((await ask(ada, 'ttl', { value: '10m' })).text).toContain(commands.ttl.set(600));
      await talk(ada, 'hello');
      expect((await ask(ada, 'ttl')).text).toContain(commands.ttl.setting(600, true));
    });

    test('in a conversation', async () => {
      const ada = person(locale);
      await talk(ada, 'the first question');
      await talk(ada, 'the second question');

      const page = await ask(ada, 'history', { limit: 2 });
      expect(page.text).toMatch(/> the second question[\s\S]*> echo: the second question/);
      expect(page.text).not.toContain('first');
      expect(page.actions).toMatchObject([{ label: texts.buttons.older }]);
      const older = await press(ada, page.actions[0]);
      expect(older.text).toMatch(/> the first question[\s\S]*> echo: the first question/);
      expect(older.actions).toMatchObject([{ label: texts.buttons.newer }]);

      const exported = await ask(ada, 'history', { export: true });
      expect(exported.text).toContain(commands.history.exported(4));
      expect(exported.files.map(({ mediaType }) => mediaType)).toEqual(['application/json', 'text/markdown']);
      const [json, markdown] = exported.files;
      expect(JSON.parse(json?.content ?? '')).toMatchObject({
        messages: [
          { role: 'user', content: 'the first question' },
          { role: 'assistant', content: 'echo: the first question' },
          { content: 'the second question' },
          { content: 'echo: the second question' },
        ],
      });
      expect(markdown?.content).toContain('> echo: the second question');

      expect((await ask(ada, 'memstats')).text).toContain(commands.memstats.messages(4, 2));
      const refused = await ask(ada, 'ttl', { value: '1' });
      expect(refused).toMatchObject({ kind: 'refused', text: commands.ttl.bounds(2, 2_592_000) });
      expect(await ask(ada, 'ttl', { value: 'soon' })).toMatchObject({ kind: 'refused' });
      expect((await ask(ada, 'forgit')).text).toContain(commands.hint.unknown('forgit'));

      const done = commands.forget.done({ conversations: 1, messages: 4, waiting: 0, facts: 0 });
      expect(await ask(ada, 'forget')).toMatchObject({ kind: 'done', text: done });
      expect((await ask(ada, 'history')).text).toBe(commands.nothingHere);
    });

    test('in the middle of a turn: answered at once, and /forget leaves no text anywhere', async () => {
      const ada = person(locale);
      const secrets = ['zanzibar', 'madagascar', 'mauritius', 'comoros'].map((name) => `${name} ${ada.user}`);
      const [before = '', question = '', answer = '', waiting = ''] = secrets;
      await talk(ada, before);
      const running = await hangIn(ada, question, `${answer} and so on and so forth`);
      const next = it.world.platform.say({ ...ada, text: waiting });
      await next.acked;

      expect((await ask(ada, 'history')).text).toContain(before);
      expect((await ask(ada, 'memstats')).text).toContain(commands.memstats.messages(2, 1));
      expect((await ask(ada, 'ttl', { value: '1h' })).text).toContain(commands.ttl.set(3600));
      expect((await ask(ada, 'help')).kind).toBe('done');
      for (const secret of [before, question, waiting]) expect(await it.world.dump()).toContain(secret);

      const done = commands.forget.done({ conversations: 1, messages: 2, waiting: 2, facts: 0 });
      expect((await ask(ada, 'forget')).text).toBe(done);
      const { platform, model } = it.world;
      await platform.until(() => platform.outcome(running).text === texts.forgotten, PATIENCE_MS);
      expect(platform.outcome(running)).toEqual({ replies: 1, text: texts.forgotten, half: false });
      for (const secret of secrets) await expect.poll(it.world.dump, { timeout: PATIENCE_MS }).not.toContain(secret);

      await talk(ada, `a new beginning of ${ada.user}`);
      const asked = JSON.stringify(model.journal().at(-1)?.messages);
      for (const secret of secrets) {
        expect(asked).not.toContain(secret);
        expect(await it.world.dump()).not.toContain(secret);
      }
      expect(model.count(waiting)).toBe(0);
      expect(platform.outcome(next.id).replies).toBe(0);
      expect((await ask(ada, 'ttl')).text).toContain(commands.ttl.setting(3600, true));
      expect(platform.violations).toEqual([]);
    });

    test('after the conversation has expired: the choice of the TTL is still there', async () => {
      const ada = person(locale);
      await ask(ada, 'ttl', { value: '2s' });
      await talk(ada, 'soon forgotten');
      const history = async () => (await ask(ada, 'history')).text;
      await expect.poll(history, { timeout: PATIENCE_MS }).toBe(commands.nothingHere);
      expect(await ask(ada, 'history', { export: true })).toMatchObject({ text: commands.nothingHere, files: [] });
      expect((await ask(ada, 'forget')).text).toBe(commands.nothingHere);
      expect((await ask(ada, 'memstats')).text).toMatch(new RegExp(`^${commands.nothingHere}\n`));
      expect((await ask(ada, 'help')).text).toContain(commands.help.kept(2, 20, 2_000));
      const ttl = (await ask(ada, 'ttl')).text;
      expect(ttl).toContain(commands.ttl.setting(2, true));
      expect(ttl).toContain(commands.nothingHere);
      expect((await ask(ada, 'ttl', { value: 'default' })).text).toBe(commands.ttl.back(1800));
    });

    test('/forget everywhere, after a confirmation that only its owner can give', async () => {
      const ada = person(locale);
      const elsewhere = { ...ada, channel: `${ada.channel}-2` };
      const direct = { ...ada, channel: `${ada.channel}-dm`, direct: true };
      const bob = { ...ada, user: `${ada.user}-bob` };
      for (const who of [ada, elsewhere, direct, bob]) await talk(who, 'hello');

      const asked = await ask(ada, 'forget', { scope: 'everywhere' });
      expect(asked).toMatchObject({ kind: 'confirm', text: commands.forget.confirmEverywhere });
      expect(await press(bob, asked.actions[0])).toMatchObject({ kind: 'refused', text: texts.buttonNotYours });
      for (const who of [ada, elsewhere, direct]) expect((await ask(who, 'history')).text).toContain('> hello');

      const done = commands.forget.done({ conversations: 3, messages: 6, waiting: 0, facts: 0 });
      expect(await press(ada, asked.actions[0])).toMatchObject({ kind: 'done', text: done });
      for (const who of [ada, elsewhere, direct]) expect((await ask(who, 'history')).text).toBe(commands.nothingHere);
      expect((await ask(bob, 'history')).text).toContain('> hello');
    });

    test('by somebody else: they reach their own conversation only', async () => {
      const ada = person(locale);
      const bob = { ...ada, user: `${ada.user}-bob`, canManage: true };
      await talk(ada, 'what only Ada knows');
      for (const name of ['history', 'forget']) expect((await ask(bob, name)).text).toBe(commands.nothingHere);
      expect((await ask(bob, 'memstats')).text).toMatch(new RegExp(`^${commands.nothingHere}\n`));
      await ask(bob, 'ttl', { value: '5m' });
      expect((await ask(ada, 'ttl')).text).toContain(commands.ttl.setting(1800, false));
      const page = await ask(ada, 'history', { limit: 1 });
      expect(await press(bob, page.actions[0])).toMatchObject({ kind: 'refused', text: texts.buttonNotYours });
      expect((await ask(ada, 'history')).text).toContain('what only Ada knows');
    });

    test('typed: in a DM answered there, in a channel by a button that works for its owner', async () => {
      const direct = person(locale, { direct: true });
      await talk(direct, 'hello');
      expect((await type(direct, '/history')).text).toContain('> hello');
      const asked = await type(direct, '!forget');
      expect(asked).toMatchObject({ kind: 'confirm', text: commands.forget.confirmHere });
      expect(await press(direct, asked.actions[0])).toMatchObject({ kind: 'done' });
      await talk(direct, 'forget');
      expect((await type(direct, '/memstats')).text).toContain(commands.memstats.messages(2, 1));

      const ada = person(locale);
      await talk(ada, 'hello');
      const { platform } = it.world;
      const typed = platform.say({ ...ada, text: '/forget' });
      expect(await typed.acked).toEqual({ result: 'done' });
      const [notice] = platform.notices(typed.id);
      expect(notice).toMatchObject({ text: texts.answersPrivately });
      expect(notice?.actions).toMatchObject([{ label: texts.buttons.openPrivately('forget') }]);
      expect(platform.privateAnswers(ada.user)).toEqual([]);
      const bob = { ...ada, user: `${ada.user}-bob` };
      expect(await press(bob, notice?.actions[0])).toMatchObject({ kind: 'refused', text: texts.buttonNotYours });
      const confirm = await press(ada, notice?.actions[0]);
      expect(confirm).toMatchObject({ kind: 'confirm' });
      expect(await press(ada, confirm.actions[0])).toMatchObject({ kind: 'done' });
      expect((await ask(ada, 'history')).text).toBe(commands.nothingHere);
    });
  });
});

describe.each(STORES)('a conversation that a channel shares, on %s', (store) => {
  const it = useWorld(store, { SESSION_SCOPE: 'channel' });
  const { person, talk, ask, press, hangIn } = it;

  describe.each(LOCALES)('in %s', (locale) => {
    const texts = messagesIn(locale);
    const { commands } = texts;
    const people = () => {
      const ada = person(locale);
      return { ada, bob: { ...ada, user: `${ada.user}-bob` }, boss: { ...ada, user: 'boss', canManage: true } };
    };

    test('a member sees all of it, and removes their own turns only', async () => {
      const { ada, bob } = people();
      await talk(ada, 'a question of Ada');
      await talk(bob, 'a question of Bob');
      for (const who of [ada, bob]) {
        const { text } = await ask(who, 'history');
        expect(text).toMatch(/> a question of Ada[\s\S]*> a question of Bob/);
      }
      const refusal = { kind: 'refused', text: commands.managersOnly };
      expect(await ask(bob, 'forget', { scope: 'whole' })).toMatchObject(refusal);
      expect(await ask(bob, 'ttl', { value: '5m' })).toMatchObject(refusal);
      const { removedMine, othersMayRepeat } = commands.forget;
      const removed = `${removedMine({ conversations: 1, messages: 2, waiting: 0, facts: 0 })}\n${othersMayRepeat}`;
      expect(await ask(bob, 'forget')).toMatchObject({ kind: 'done', text: removed, actions: [] });
      const { text } = await ask(bob, 'history');
      expect(text).toContain('> a question of Ada');
      expect(text).not.toContain('a question of Bob');
      expect((await ask(bob, 'memstats')).text).toContain(commands.memstats.messages(2, 1));
      expect((await ask(bob, 'help')).text).toContain(commands.help.shared);
    });

    test('in the middle of another’s turn a member’s /forget lets it go on; in the middle of their own it ends it', async () => {
      const { ada, bob } = people();
      await talk(bob, `tasmania ${bob.user}`);
      const { platform, model } = it.world;
      const slow = 'an answer that goes on for a while';
      const goOn = new AbortController();
      model.script(`slow question ${ada.user}`, { text: slow, pieces: 30, sent: 15, end: 'hang', goOn: goOn.signal });
      const other = platform.say({ ...ada, text: `slow question ${ada.user}` });
      await platform.until(() => platform.outcome(other.id).text.includes('an answer'), PATIENCE_MS);
      await ask(bob, 'forget');
      expect(platform.outcome(other.id)).toMatchObject({ half: true });
      goOn.abort();
      await platform.until(() => !platform.outcome(other.id).half, PATIENCE_MS);
      expect(platform.outcome(other.id)).toEqual({ replies: 1, text: slow, half: false });

      const running = await hangIn(ada, `question ${ada.user}`, 'another answer, which is never finished');
      await ask(ada, 'forget');
      await platform.until(() => platform.outcome(running).text === texts.forgotten, PATIENCE_MS);
      for (const secret of [`tasmania ${bob.user}`, `question ${ada.user}`]) {
        await expect.poll(it.world.dump, { timeout: PATIENCE_MS }).not.toContain(secret);
      }
    });

    test('whoever may manage messages may wipe it, with a button that works for nobody else', async () => {
      const { ada, bob, boss } = people();
      await talk(ada, 'a question of Ada');
      await talk(bob, 'a question of Bob');
      expect((await ask(boss, 'ttl', { value: '5m' })).text).toContain(commands.ttl.set(300));
      const asked = await ask(boss, 'forget', { scope: 'whole' });
      expect(asked).toMatchObject({ kind: 'confirm', text: commands.forget.confirmWhole });
      expect(await press(bob, asked.actions[0])).toMatchObject({ kind: 'refused', text: texts.buttonNotYours });
      // The right is looked at again when it is used.
      const demoted = { ...boss, canManage: false };
      expect(await press(demoted, asked.actions[0])).toMatchObject({ kind: 'refused', text: commands.managersOnly });
      expect((await ask(ada, 'history')).text).toContain('> a question of Bob');
      const done = commands.forget.done({ conversations: 1, messages: 4, waiting: 0, facts: 0 });
      expect(await press(boss, asked.actions[0])).toMatchObject({ kind: 'done', text: done });
      for (const who of [ada, bob]) expect((await ask(who, 'history')).text).toBe(commands.nothingHere);
      expect((await ask(ada, 'ttl')).text).toContain(commands.ttl.setting(300, true));
    });
  });
});
