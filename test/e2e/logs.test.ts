/** The log as an operator follows it: one turn by its id through everything that befell it, and no word of what was said. */
import { expect, test } from 'vitest';
import { z } from 'zod';
import { PATIENTLY, untilAnswered, untilLoggedIn, useDiscord, withDiscord } from './discord-support.ts';
import { makeRedisStore, useWorkshop, withModel } from './http-support.ts';

const { makeFolder, makeModel, start, startProcess } = useWorkshop();
const { make } = useDiscord();

const logLine = z.looseObject({ msg: z.string(), turn: z.string().optional(), session: z.string().optional() });

/** The lines that are JSON: everything the bot prints while it runs. */
function linesOf(output: string) {
  return output
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => logLine.parse(JSON.parse(line)));
}

test('all lines of a turn carry its id and its conversation, through faults and another process, and none says a word of it', async () => {
  const discord = await make();
  const model = await makeModel();
  const store = await makeRedisStore();
  const settings = { ...store, ...withModel(model), ...withDiscord(discord), LOG_LEVEL: 'debug', SHUTDOWN_GRACE: '1' };
  const ada = discord.world.person('Ada');
  const dm = discord.dm(ada);
  const answer = 'grace '.repeat(40).trim();
  const failing = { status: 500, error: { message: 'chosen to fail' } };
  model.script('hopper', failing, { text: answer, sent: 1, end: 'hang' }, { text: answer });

  const first = await startProcess(await makeFolder(), settings);
  await untilLoggedIn(discord);
  discord.faults.add('POST', /\/messages$/, { kind: 'status', status: 500 });
  const asked = discord.say(ada, dm, 'hopper');
  await expect.poll(() => discord.replies(asked).length, PATIENTLY).toBe(1);
  expect(await first.end('SIGTERM')).toBe(0);
  const second = await start(await makeFolder(), settings);
  await untilAnswered(discord, asked, answer);
  await expect.poll(() => second.output(), PATIENTLY).toContain('turn finished');

  const output = first.output() + second.output();
  const lines = linesOf(output);
  const [received] = lines.filter(({ msg }) => msg === 'message received');
  const { turn, session } = z.object({ turn: z.string(), session: z.string() }).parse(received);
  const story = lines.filter((line) => line.turn === turn).map(({ msg }) => msg);
  const wanted = [
    // Storing a message claims its turn in the same call, where a slot is free.
    'turn claimed',
    'message received',
    'attempt failed, the model is asked again',
    'write to the platform failed',
    'turn left to another worker',
    'turn claimed',
    'turn finished',
  ];
  expect(story.filter((msg) => wanted.includes(msg))).toEqual(wanted);
  // Nobody else said anything: a line that tells of a conversation or a turn tells of this one, by these names.
  for (const line of lines.filter((one) => one.session !== undefined || one.turn !== undefined)) {
    expect(line).toMatchObject({ turn, session });
  }
  expect(output).not.toMatch(/turnId|sessionId|hopper|grace/);
});
