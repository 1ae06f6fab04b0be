/** On Discord: through the strict fake of the tests, one for each bot. */
import { setTimeout as delay } from 'node:timers/promises';
import { type FakeDiscord, startFakeDiscord } from '../../test/support/fake-discord/fake-discord.ts';
import { startRedis } from '../../test/support/redis-server.ts';
import { ANSWER } from '../bots/answer.ts';
import { type Answers, createAnswers } from './answers.ts';
import type { Talk } from './closed-loop.ts';
import { productSettings } from './product.ts';
import type { Surface } from './subject.ts';

export const discordSurface: Surface = {
  title: 'Turns on Discord',
  note:
    'Each conversation is a DM. Bare: a messageCreate handler of discord.js that posts what the chain says, once. Between ' +
    'the two lies what does so over HTTP, a second request to Discord ("is typing"), which is waited for before the answer ' +
    'is posted, and what is saved before and behind the post. The limits of the fake are too short to matter, and ' +
    "discord.js's own 50 requests a second, which both would meet, are lifted for both.",
  targets: { ofBare: { 32: 0.6 }, commands: 65 },
  async start(programs, modelUrl) {
    const redis = await startRedis();
    const [ours, theirs] = [await startWorld(), await startWorld()];
    const product = await programs.startProduct({
      ...productSettings(modelUrl),
      REDIS_URL: redis.url,
      DISCORD_TOKEN: ours.discord.token,
      DISCORD_API_URL: ours.discord.url,
      NODE_OPTIONS: programs.liftLimits,
    });
    const bare = await programs.startBare('discord', {
      MODEL_URL: modelUrl,
      API_URL: theirs.discord.url,
      TOKEN: theirs.discord.token,
      NODE_OPTIONS: programs.liftLimits,
    });
    await loggedIn(ours.discord);
    return [
      {
        ...{ name: 'recollect on Redis', pid: product.pid, redis },
        ...{ talk: ours.talk, output: product.output },
        async stop() {
          await product.stop();
          await ours.discord.stop();
          await redis.stop();
        },
      },
      {
        ...{ name: 'bare', pid: bare.pid, talk: theirs.talk, output: bare.output },
        async stop() {
          await bare.stop();
          await theirs.discord.stop();
        },
      },
    ];
  },
};

async function startWorld(): Promise<{ readonly discord: FakeDiscord; readonly talk: Talk }> {
  const answers = createAnswers();
  const discord = await startFakeDiscord({
    windowMs: 1,
    onChange({ message: { author, content, channel_id: channel } }) {
      if (author.bot === true && content === ANSWER) answers.stands(channel);
    },
  });
  return { discord, talk: talkIn(discord, answers) };
}

function talkIn(discord: FakeDiscord, answers: Answers): Talk {
  const people = new Map<number, () => Promise<void>>();
  return async (conversation) => {
    let say = people.get(conversation);
    if (say === undefined) {
      const person = discord.world.person(`Person ${conversation}`);
      const dm = discord.dm(person);
      say = async () => {
        const answered = answers.in(dm.id);
        discord.say(person, dm, 'What did we talk about?');
        await answered;
      };
      people.set(conversation, say);
    }
    await say();
  };
}

/** The product is healthy before its session has begun. */
async function loggedIn(discord: FakeDiscord): Promise<void> {
  while (discord.gateway.connected() === 0 || discord.commands.writes === 0) await delay(10);
}
