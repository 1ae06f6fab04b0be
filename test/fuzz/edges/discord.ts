/** Discord: dispatches and frames of the gateway that are not what Discord documents. */
import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { z } from 'zod';
import { type FakeDiscord, startFakeDiscord } from '../../support/fake-discord/fake-discord.ts';
import { createTally, type FuzzEdge, type Tally } from '../edge.ts';
import { withFuzzedBot } from '../fuzzed-bot.ts';
import { inputsOf, mutated, mutatedBody, nastyText } from '../inputs.ts';

/** Only bounds what hangs. */
const WITHIN_MS = 60_000;
const EVENTS = [
  'CHANNEL_UPDATE',
  'CHANNEL_DELETE',
  'THREAD_CREATE',
  'THREAD_UPDATE',
  'GUILD_UPDATE',
  'USER_UPDATE',
  'TYPING_START',
  'NOBODY_KNOWS',
];

const dispatch = z.object({ op: z.literal(0), t: z.string(), d: z.json().optional() });
const READY = ['READY', 'RESUMED'];
/** Without 9 and 10, invalid session and hello, which with READY are the session's own: discord.js reads them, and relies on them. */
const OPCODES = [0, 1, 2, 3, 4, 5, 6, 7, 8, 11, 12, 13, 14, 15];

export const fuzzDiscord: FuzzEdge = async (run) => {
  const tally = createTally();
  const discord = await startFakeDiscord({ windowMs: 20 });
  try {
    const settings = { DISCORD_TOKEN: discord.token, DISCORD_API_URL: discord.url };
    await withFuzzedBot(run, tally, settings, async () => {
      await until(
        () => discord.gateway.counts().identified > 0 && discord.commands.registered.length > 0,
        'not logged in',
      );
      const samples = samplesOf(discord);
      const any = fc.constantFrom(...samples);
      const event = any.chain(({ t, d }) =>
        fc.tuple(
          fc.oneof({ weight: 9, arbitrary: fc.constant(t) }, { weight: 1, arbitrary: fc.constantFrom(...EVENTS) }),
          mutated(d),
        ),
      );
      const frame = fc.oneof(
        fc.tuple(fc.constantFrom(...OPCODES), any).chain(([op, { t, d }]) => mutatedBody({ op, s: 1, t, d })),
        nastyText.map((text) => Buffer.from(text)),
      );
      let sequence = 1_000;
      const frames = Math.ceil(run.runs / 20);
      for (const [t, d] of inputsOf(event, run.runs - frames, run.seed)) {
        sequence += 1;
        discord.gateway.sendRaw(JSON.stringify({ op: 0, s: sequence, t, d }));
        tally.count(`dispatch ${t}`);
        if (sequence % 50 === 0) await sleep(20);
      }
      await lookAfter(discord, 'behind the dispatches', tally);
      for (const bytes of inputsOf(frame, frames, run.seed)) {
        // Nobody sends to a connection that is not there.
        await until(() => discord.gateway.connected() > 0, 'not connected any more');
        discord.gateway.sendRaw(bytes.toString('utf8'));
        tally.count('frame');
        await sleep(5);
      }
      await lookAfter(discord, 'behind the frames', tally);
    });
    for (const violation of discord.violations().slice(0, 10))
      tally.complain('against the rules of Discord', violation);
  } finally {
    await discord.stop();
  }
  return tally;
};

interface Sample {
  readonly t: string;
  readonly d: z.infer<ReturnType<typeof z.json>>;
}

/** Real events, as the fake sends them when things happen. */
function samplesOf(discord: FakeDiscord): readonly Sample[] {
  const guild = discord.guild();
  const channel = discord.channel(guild);
  const thread = discord.thread(channel);
  const ada = discord.world.person('Ada');
  const dm = discord.dm(ada);
  const said = discord.say(ada, dm, 'hello');
  discord.say(ada, channel, `<@${discord.world.bot.id}> hello`, { attachments: ['a.txt'] });
  discord.say(ada, thread, 'hello', { replyTo: said });
  discord.edit(said, 'hello there');
  discord.remove(said);
  discord.slash(ada, dm, 'history');
  discord.slash(ada, channel, 'remember', { options: { text: 'I am vegetarian' } });
  discord.chooseOn(ada, said, 'Remember this');
  discord.slash(ada, channel, 'chat', { options: { message: 'hello' } });
  discord.outage(discord.guild());
  discord.leave(discord.guild());
  const samples = discord.gateway.sent().flatMap((text): Sample[] => {
    const parsed = dispatch.safeParse(JSON.parse(text));
    if (!parsed.success || READY.includes(parsed.data.t)) return [];
    return [{ t: parsed.data.t, d: parsed.data.d ?? null }];
  });
  return samples;
}

/** Somebody whom nothing was sent about talks to the bot, and is answered. */
async function lookAfter(discord: FakeDiscord, when: string, tally: Tally): Promise<void> {
  await until(() => discord.gateway.connected() > 0, `not connected ${when}`);
  const grace = discord.world.person('Grace');
  const said = discord.say(grace, discord.dm(grace), `hello ${when}`);
  try {
    await until(
      () => discord.replies(said).some(({ message }) => message.content === `echo: hello ${when}`),
      'not answered',
    );
  } catch {
    tally.complain(`nobody is answered ${when}`);
  }
}

/** @throws when it never holds, saying what */
async function until(holds: () => boolean, otherwise: string): Promise<void> {
  const deadline = performance.now() + WITHIN_MS;
  while (!holds()) {
    if (performance.now() > deadline) throw new Error(otherwise);
    await sleep(20);
  }
}
