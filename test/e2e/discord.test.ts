/** The product in Discord, from outside: the real binary, the strict fake Discord, an OpenAI-compatible fake. */
import { describe, expect, test } from 'vitest';
import { untilAnswered, untilLoggedIn, useDiscord, withDiscord } from './discord-support.ts';
import { useStores, useWorkshop, withModel } from './http-support.ts';

const stores = useStores();
const { makeFolder, makeModel, start } = useWorkshop();
const { make } = useDiscord();

describe.each(stores)('on %s', (_, makeStore) => {
  test('a DM is answered as a reply, and the bot knows what was said before', async () => {
    const discord = await make();
    const model = await makeModel();
    const ada = discord.world.person('Ada');
    const dm = discord.dm(ada);
    await start(await makeFolder(), { ...(await makeStore()), ...withModel(model), ...withDiscord(discord) });
    await untilLoggedIn(discord);
    const hello = discord.say(ada, dm, 'Hello');
    await untilAnswered(discord, hello, 'echo: Hello');
    const again = discord.say(ada, dm, 'Again');
    await untilAnswered(discord, again, 'echo: Again');
    expect(
      model
        .journal()
        .at(-1)
        ?.messages.slice(1)
        .map(({ content }) => content),
    ).toEqual(['Hello', 'echo: Hello', 'Again']);
    expect(discord.typing().map(({ channelId }) => channelId)).toContain(dm.id);
  });
});
