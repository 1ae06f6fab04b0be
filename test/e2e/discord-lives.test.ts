/** What is sent in Discord while something is away: the bot, its store, the gateway. And what comes more than once. */
import { Redis } from 'ioredis';
import { describe, expect, test } from 'vitest';
import { statsResponse } from '../../src/adapters/http/schemas.ts';
import { buttonsOf, type FakeDiscord, type StoredMessage } from '../support/fake-discord/fake-discord.ts';
import { variants } from '../support/tier.ts';
import { PATIENTLY, textsOf, untilAnswered, untilLoggedIn, useDiscord, withDiscord } from './discord-support.ts';
import { EMBEDDED, makeRedisStore, ON_REDIS, useWorkshop, withModel } from './http-support.ts';

const { makeFolder, makeModel, makeRedis, start, startProcess } = useWorkshop();
const { make } = useDiscord();

/** Every message has the one answer that echoes it, and answers have the order of the messages. */
async function untilAllAnswered(discord: FakeDiscord, messages: readonly StoredMessage[], texts: readonly string[]) {
  await expect
    .poll(() => messages.map((message) => textsOf(discord.replies(message))), PATIENTLY)
    .toEqual(texts.map((text) => [`echo: ${text}`]));
  const ids = messages.map((message) => discord.replies(message)[0]?.message.id ?? '');
  expect(ids).toEqual(ids.toSorted());
}

describe.each(variants([EMBEDDED, ON_REDIS]))('on %s', (_, makeStore) => {
  test('messages that were sent while the bot was down are answered when it is back, in order, in every channel that it talked in', async () => {
    // 110 answers are to come through.
    const discord = await make({ windowMs: 100 });
    const guild = discord.guild();
    const channel = discord.channel(guild);
    const thread = discord.thread(channel);
    const model = await makeModel();
    const ada = discord.world.person('Ada');
    const dm = discord.dm(ada);
    const mention = `<@${discord.world.bot.id}>`;
    const folder = await makeFolder();
    // Forgotten in a second: which channels were talked in outlives what was said there.
    const settings = {
      ...(await makeStore()),
      ...withModel(model),
      ...withDiscord(discord),
      DEFAULT_TTL: '1',
      MIN_TTL: '1',
    };
    const first = await start(folder, settings);
    await untilLoggedIn(discord);
    await untilAnswered(discord, discord.say(ada, dm, 'hello'), 'echo: hello');
    await untilAnswered(discord, discord.say(ada, channel, `${mention} hello`), 'echo: hello');
    await untilAnswered(discord, discord.say(ada, thread, `${mention} hello`), 'echo: hello');
    await first.release();

    const many = Array.from({ length: 110 }, (_, index) => `missed ${index}`);
    const inDm = many.map((text) => discord.say(ada, dm, text));
    discord.say(ada, channel, 'not for the bot');
    const inChannel = discord.say(ada, channel, `${mention} for the bot`);
    const inThread = discord.say(ada, thread, 'in the thread');
    const typed = discord.say(ada, dm, '/help');
    await start(folder, settings);
    await untilLoggedIn(discord, 2);
    const live = discord.say(ada, dm, 'live');
    await untilAnswered(discord, inChannel, 'echo: for the bot');
    await untilAnswered(discord, inThread, 'echo: in the thread');
    await expect.poll(() => discord.replies(live).length, { ...PATIENTLY, timeout: 90_000 }).toBe(1);
    await untilAllAnswered(discord, [...inDm, live], [...many, 'live']);
    await expect.poll(() => textsOf(discord.replies(typed)).join(), PATIENTLY).toContain('I am a chatbot');
    expect(discord.said(channel)).toHaveLength(2);
    expect(model.refused()).toEqual([]);
  });

  test('a message that was withdrawn or changed by its author before its answer is not answered, or as it is now; behind it, it leaves the memory', async () => {
    const discord = await make();
    const model = await makeModel({ hangOn: 'slow' });
    const ada = discord.world.person('Ada');
    const dm = discord.dm(ada);
    await start(await makeFolder(), { ...(await makeStore()), ...withModel(model), ...withDiscord(discord) });
    await untilLoggedIn(discord);
    discord.say(ada, dm, 'slow');
    await model.called('slow');
    const [withdrawn, changed, kept] = ['withdrawn', 'with a tipo', 'kept'].map((text) => discord.say(ada, dm, text));
    if (withdrawn === undefined || changed === undefined || kept === undefined) throw new Error('They were said.');
    discord.remove(withdrawn);
    discord.edit(changed, 'without a typo');
    discord.unfurl(kept);
    // Read in its turn, behind what was done to the others, and answered before them.
    const typed = discord.say(ada, dm, '/help');
    await expect.poll(() => textsOf(discord.replies(typed)).join(), PATIENTLY).toContain('I am a chatbot');
    model.release();
    await untilAnswered(discord, changed, 'echo: without a typo');
    await untilAnswered(discord, kept, 'echo: kept');
    expect(model.count('withdrawn')).toBe(0);
    expect(model.count('with a tipo')).toBe(0);
    discord.removeMany([changed]);
    const history = async () => {
      const shown = discord.slash(ada, dm, 'history');
      await expect.poll(() => shown.answer(), PATIENTLY).toBeDefined();
      return shown.answer()?.message.message.content ?? '';
    };
    await expect.poll(history, { ...PATIENTLY, interval: 500 }).not.toContain('typo');
    expect(await history()).toContain('kept');
  });

  test('killed while it writes: the next process goes on in the same reply', async () => {
    const discord = await make();
    const model = await makeModel();
    const ada = discord.world.person('Ada');
    const dm = discord.dm(ada);
    const folder = await makeFolder();
    const settings = { ...(await makeStore()), ...withModel(model), ...withDiscord(discord) };
    const first = await startProcess(folder, settings);
    await untilLoggedIn(discord);
    const text = 'A story that is told twice, and shown once.';
    model.script('a story', { text, pieces: 4, sent: 3, end: 'hang' }, { text });
    const asked = discord.say(ada, dm, 'a story');
    await expect.poll(() => textsOf(discord.replies(asked)).join(), PATIENTLY).toContain('A story');
    await first.end('SIGKILL');
    const behind = discord.say(ada, dm, 'and then');
    await start(folder, settings);
    await untilAnswered(discord, asked, text);
    await untilAnswered(discord, behind, 'echo: and then');
    expect(discord.said(dm)).toHaveLength(2);
  });
});

describe('with Redis', () => {
  test('the store away: what is sent meanwhile is answered when it is back, before what comes then', async () => {
    const discord = await make();
    const guild = discord.guild();
    const channel = discord.channel(guild);
    const redis = await makeRedis();
    const model = await makeModel();
    const ada = discord.world.person('Ada');
    const [dm, mention] = [discord.dm(ada), `<@${discord.world.bot.id}>`];
    const folder = await makeFolder();
    const settings = { REDIS_URL: redis.url, ...withModel(model), ...withDiscord(discord) };
    await start(folder, settings);
    await untilLoggedIn(discord);
    await untilAnswered(discord, discord.say(ada, dm, 'hello'), 'echo: hello');
    await redis.kill9();
    const texts = ['one', 'two', 'three'];
    const messages = texts.map((text) => discord.say(ada, dm, text));
    // The bot was never talked to there, so nothing but its own memory knows of it.
    const first = discord.say(ada, channel, `${mention} first word here`);
    const removed = discord.say(ada, dm, 'thought better of it');
    discord.remove(removed);
    discord.edit(messages[1] ?? removed, 'two, changed');
    // Acked without the store, and behind all of that: the bot has seen it.
    const help = discord.slash(ada, dm, 'help');
    await expect.poll(() => help.acked, PATIENTLY).toBe('private');
    await redis.restart();
    const live = discord.say(ada, dm, 'live');
    await untilAllAnswered(discord, [...messages, live], ['one', 'two, changed', 'three', 'live']);
    await untilAnswered(discord, first, 'echo: first word here');
    expect(model.count('thought better of it')).toBe(0);
  });

  test('the store full: people are told so once, can read what is there, and are answered when there is room', async () => {
    const discord = await make();
    const channel = discord.channel(discord.guild());
    const redis = await makeRedis();
    const model = await makeModel();
    const ada = discord.world.person('Ada');
    const [dm, mention] = [discord.dm(ada), `<@${discord.world.bot.id}>`];
    await start(await makeFolder(), { REDIS_URL: redis.url, ...withModel(model), ...withDiscord(discord) });
    await untilLoggedIn(discord);
    await untilAnswered(discord, discord.say(ada, dm, 'hello'), 'echo: hello');
    const admin = new Redis(redis.url);
    await admin.config('SET', 'maxmemory', '1mb');
    const full =
      'My memory is full. I can read it, but I can’t remember anything new until the bot’s administrator frees up space.';
    const one = discord.say(ada, dm, 'one');
    const first = discord.say(ada, channel, `${mention} first word here`);
    await untilAnswered(discord, one, full);
    await untilAnswered(discord, first, full);
    const two = discord.say(ada, dm, 'two');
    const history = discord.slash(ada, dm, 'history');
    await expect.poll(() => history.answer()?.message.message.content ?? '', PATIENTLY).toContain('echo: hello');
    await admin.config('SET', 'maxmemory', '0');
    admin.disconnect();
    await expect.poll(() => textsOf(discord.replies(one)), PATIENTLY).toEqual([full, 'echo: one']);
    await expect.poll(() => textsOf(discord.replies(first)), PATIENTLY).toEqual([full, 'echo: first word here']);
    await untilAnswered(discord, two, 'echo: two');
  });

  test('the store away at the start of a session: nothing goes on before the registry was read', async () => {
    const discord = await make();
    const redis = await makeRedis();
    const model = await makeModel();
    const ada = discord.world.person('Ada');
    const dm = discord.dm(ada);
    await start(await makeFolder(), { REDIS_URL: redis.url, ...withModel(model), ...withDiscord(discord) });
    await untilLoggedIn(discord);
    await untilAnswered(discord, discord.say(ada, dm, 'hello'), 'echo: hello');
    await redis.kill9();
    discord.gateway.cut({ forget: true });
    const missed = discord.say(ada, dm, 'missed');
    await untilLoggedIn(discord, 2);
    const live = discord.say(ada, dm, 'live');
    await redis.restart();
    await untilAllAnswered(discord, [missed, live], ['missed', 'live']);
  });

  test('the gateway away, its session forgotten: what was sent meanwhile is answered', async () => {
    const discord = await make();
    const model = await makeModel();
    const ada = discord.world.person('Ada');
    const dm = discord.dm(ada);
    const settings = { ...(await makeRedisStore()), ...withModel(model), ...withDiscord(discord) };
    await start(await makeFolder(), settings);
    await untilLoggedIn(discord);
    await untilAnswered(discord, discord.say(ada, dm, 'hello'), 'echo: hello');
    discord.gateway.cut({ forget: true });
    await discord.gateway.shut();
    const missed = ['one', 'two'].map((text) => discord.say(ada, dm, text));
    await discord.gateway.open();
    await untilLoggedIn(discord, 2);
    const live = discord.say(ada, dm, 'live');
    await untilAllAnswered(discord, [...missed, live], ['one', 'two', 'live']);
  });

  test('op 7, op 9, broken connections, resumed with a replay, events twice: every message is answered once', async () => {
    const discord = await make();
    const guild = discord.guild();
    const thread = discord.thread(discord.channel(guild));
    const model = await makeModel();
    const ada = discord.world.person('Ada');
    const settings = { ...(await makeRedisStore()), ...withModel(model), ...withDiscord(discord) };
    await start(await makeFolder(), settings);
    await untilLoggedIn(discord);
    const first = discord.say(ada, thread, `<@${discord.world.bot.id}> zero`);
    await untilAnswered(discord, first, 'echo: zero');
    const said: StoredMessage[] = [first];
    const texts = ['zero'];
    const resumed = async (times: number) =>
      await expect.poll(() => discord.gateway.counts().resumed, PATIENTLY).toBeGreaterThanOrEqual(times);
    const say = (text: string) => {
      texts.push(text);
      const message = discord.say(ada, thread, text);
      said.push(message);
      return message;
    };
    discord.gateway.mute();
    say('while the line was dead');
    discord.gateway.cut();
    await resumed(1);
    expect(discord.gateway.counts().replayed).toBeGreaterThan(0);
    say('behind a cut');
    discord.gateway.askToReconnect();
    say('in a reconnect');
    await resumed(2);
    discord.gateway.invalidate(true);
    await resumed(3);
    discord.repeat(say('sent twice'));
    for (const message of said) discord.repeat(message);
    const before = discord.gateway.counts().identified;
    discord.gateway.invalidate(false);
    say('in a session that is no more');
    await untilLoggedIn(discord, before + 1);
    say('in a new session');
    await untilAllAnswered(discord, said, texts);
    for (const text of texts) expect(model.count(text)).toBe(1);
  });

  test('two replicas with one token: every message, command and button is answered once', async () => {
    const discord = await make();
    const guild = discord.guild();
    const channel = discord.channel(guild);
    const model = await makeModel();
    const settings = { ...(await makeRedisStore()), ...withModel(model), ...withDiscord(discord) };
    const folder = await makeFolder();
    const [one] = await Promise.all([startProcess(folder, settings), start(folder, settings)]);
    await untilLoggedIn(discord, 2);
    const people = Array.from({ length: 6 }, (_, index) => discord.world.person(`Person ${index}`));
    const mention = `<@${discord.world.bot.id}>`;
    const asked = people.map((person, index) => discord.say(person, channel, `${mention} question ${index}`));
    for (const [index, message] of asked.entries()) await untilAnswered(discord, message, `echo: question ${index}`);
    const [ada, bob] = people;
    if (ada === undefined || bob === undefined) throw new Error('They are there.');
    const typed = discord.say(ada, channel, `${mention} /history`);
    const near = discord.say(bob, discord.dm(bob), '/histroy');
    const commands = people.map((person) => discord.slash(person, channel, 'history'));
    const chat = discord.slash(ada, channel, 'chat', { options: { message: 'by command' } });
    await expect.poll(() => chat.answer()?.message.message.content, PATIENTLY).toBe('echo: by command');
    for (const command of commands) await expect.poll(() => command.answer(), PATIENTLY).toBeDefined();
    await expect.poll(() => discord.replies(typed).length, PATIENTLY).toBe(1);
    await expect.poll(() => discord.replies(near).length, PATIENTLY).toBe(1);
    const notice = discord.replies(typed)[0];
    if (notice === undefined) throw new Error('There is a notice.');
    const pressed = discord.press(ada, notice, buttonsOf(notice.message)[0]?.label ?? '');
    await expect.poll(() => pressed.answer()?.message.message.content, PATIENTLY).toContain('question 0');

    // The one that remains goes on with what the other had begun.
    const text = 'It goes on where it was broken off.';
    model.script('long story', { text, pieces: 3, sent: 2, end: 'hang' }, { text, pieces: 3, sent: 2, end: 'hang' });
    const story = discord.say(ada, channel, `${mention} long story`);
    await expect.poll(() => discord.replies(story).length, PATIENTLY).toBe(1);
    await one.end('SIGKILL');
    await expect.poll(() => discord.gateway.connected(), PATIENTLY).toBe(1);
    model.release();
    await untilAnswered(discord, story, text);
    for (let index = 0; index < people.length; index += 1) expect(model.count(`question ${index}`)).toBe(1);
    expect(discord.replies(typed)).toHaveLength(1);
    expect(discord.replies(near)).toHaveLength(1);
  });

  test('a Discord that says "too many", fails, or loses its answers: one reply, whole', async () => {
    const discord = await make();
    const model = await makeModel();
    const ada = discord.world.person('Ada');
    const dm = discord.dm(ada);
    const settings = { ...(await makeRedisStore()), ...withModel(model), ...withDiscord(discord) };
    await start(await makeFolder(), settings);
    await untilLoggedIn(discord);
    const posts = new RegExp(`/channels/${dm.id}/messages$`);
    const edits = new RegExp(`/channels/${dm.id}/messages/`);
    const lines = Array.from({ length: 260 }, (_, index) => `line ${index} of a long answer`);
    const text = lines.join('\n');
    model.script('tell me', { text, pieces: 20, betweenMs: 50 });
    discord.faults.add('POST', posts, { kind: 'lost' });
    discord.faults.add('POST', posts, { kind: 'status', status: 502 });
    discord.faults.add('POST', posts, { kind: 'rate_limited', retryAfterS: 0.3 });
    discord.faults.add('POST', posts, { kind: 'lost' });
    discord.faults.add('PATCH', edits, { kind: 'before' });
    discord.faults.add('PATCH', edits, { kind: 'rate_limited', retryAfterS: 4 });
    discord.faults.add('PATCH', edits, { kind: 'lost' });
    discord.faults.add('POST', /\/typing$/, { kind: 'status', status: 500 });
    const asked = discord.say(ada, dm, 'tell me');
    await expect.poll(() => textsOf(discord.said(dm)).at(-1), PATIENTLY).toContain(lines.at(-1));
    await expect.poll(() => discord.said(dm).flatMap(({ message }) => message.components), PATIENTLY).toEqual([]);
    expect(
      textsOf(discord.said(dm))
        .join('\n')
        .split('\n')
        .filter((line) => line !== ''),
    ).toEqual(lines);
    expect(discord.replies(asked)).toHaveLength(1);
    expect(discord.faults.left()).toBe(0);
  });

  test('more than may wait in a conversation is waited for when it is caught up on, not refused', async () => {
    const discord = await make();
    const model = await makeModel();
    const ada = discord.world.person('Ada');
    const dm = discord.dm(ada);
    const settings = { ...(await makeRedisStore()), ...withModel(model), ...withDiscord(discord), MAX_WAITING: '2' };
    const folder = await makeFolder();
    const first = await startProcess(folder, settings);
    await untilLoggedIn(discord);
    await untilAnswered(discord, discord.say(ada, dm, 'hello'), 'echo: hello');
    await first.end('SIGKILL');
    const texts = Array.from({ length: 6 }, (_, index) => `missed ${index}`);
    const messages = texts.map((text) => discord.say(ada, dm, text));
    await start(folder, settings);
    await untilAllAnswered(discord, messages, texts);
    expect(discord.said(dm)).toHaveLength(7);
  });

  test('whoever sends too much is told once, when to go on', async () => {
    const discord = await make();
    const model = await makeModel();
    const ada = discord.world.person('Ada');
    const dm = discord.dm(ada);
    const settings = { ...(await makeRedisStore()), ...withModel(model), ...withDiscord(discord), RATE_LIMIT: '2/min' };
    await start(await makeFolder(), settings);
    await untilLoggedIn(discord);
    const [one, two, three, four] = ['one', 'two', 'three', 'four'].map((text) => discord.say(ada, dm, text));
    if (one === undefined || two === undefined || three === undefined || four === undefined) throw new Error('Said.');
    await untilAnswered(discord, one, 'echo: one');
    await untilAnswered(discord, two, 'echo: two');
    await expect.poll(() => textsOf(discord.replies(three)).join(), PATIENTLY).toContain('Try again in');
    const other = discord.world.person('Bob');
    await untilAnswered(discord, discord.say(other, discord.dm(other), 'mine'), 'echo: mine');
    expect(discord.replies(four)).toEqual([]);
  });

  test('taken out of a server, it forgets what was said there, and nothing else', async () => {
    const discord = await make();
    const [guild, other] = [discord.guild(), discord.guild()];
    const [channel, elsewhere] = [discord.channel(guild), discord.channel(other)];
    const model = await makeModel();
    const ada = discord.world.person('Ada');
    const settings = { ...(await makeRedisStore()), ...withModel(model), ...withDiscord(discord) };
    const bot = await start(await makeFolder(), settings);
    await untilLoggedIn(discord);
    for (const place of [channel, elsewhere]) {
      await untilAnswered(discord, discord.say(ada, place, `<@${discord.world.bot.id}> hello`), 'echo: hello');
    }
    const live = async () => {
      const answered = await fetch(`${bot.url}/stats`);
      const { total_users: conversations } = statsResponse.parse(await answered.json());
      return conversations;
    };
    expect(await live()).toBe(2);
    discord.outage(other);
    discord.leave(guild);
    await expect.poll(live, PATIENTLY).toBe(1);
    const shown = discord.slash(ada, elsewhere, 'history');
    await expect.poll(() => shown.answer()?.message.message.content, PATIENTLY).toContain('hello');
  });
});
