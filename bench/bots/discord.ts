/** The least that can answer on Discord: discord.js hears a message, the chain answers, one message is posted. */
import { Client, Events, GatewayIntentBits, Partials, Routes } from 'discord.js';
import { createAnswering } from './answering.ts';
import { readSettings, tellReady } from './settings.ts';

const { MODEL_URL, API_URL = '', TOKEN = '' } = readSettings();
const { answer } = await createAnswering(MODEL_URL);
const { Guilds, GuildMessages, DirectMessages, MessageContent } = GatewayIntentBits;
const client = new Client({
  intents: [Guilds, GuildMessages, DirectMessages, MessageContent],
  partials: [Partials.Channel],
  rest: { api: API_URL },
});

client.on(Events.MessageCreate, async ({ id, author, content, channelId }) => {
  if (author.bot) return;
  const body = {
    content: await answer(content, author.id),
    allowed_mentions: { parse: [] },
    message_reference: { message_id: id, fail_if_not_exists: false },
  };
  await client.rest.post(Routes.channelMessages(channelId), { body });
});
client.once(Events.ClientReady, () => tellReady());
await client.login(TOKEN);
