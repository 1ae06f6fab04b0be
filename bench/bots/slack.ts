/** The least that can answer on Slack: Bolt hears a message by its socket, the chain answers, one message is posted. */
import { App, LogLevel, webApi } from '@slack/bolt';
import { createAnswering } from './answering.ts';
import { readSettings, tellReady } from './settings.ts';

const { MODEL_URL, API_URL, TOKEN, APP_TOKEN } = readSettings();
const { answer } = await createAnswering(MODEL_URL);
// Bolt's own client repeats the token as an argument of each call, which the strict fake refuses.
const client = new webApi.WebClient(TOKEN, { slackApiUrl: API_URL });
const { user_id: botUserId, bot_id: botId } = await client.auth.test();
const app = new App({
  authorize: async () => ({ botToken: TOKEN, botUserId, botId }),
  appToken: APP_TOKEN,
  socketMode: true,
  clientOptions: { slackApiUrl: API_URL },
  logLevel: LogLevel.ERROR,
});

app.event('message', async ({ event }) => {
  if (event.subtype !== undefined || event.bot_id !== undefined) return;
  const { channel, ts, thread_ts: thread = ts, text = '', user } = event;
  await client.chat.postMessage({ channel, thread_ts: thread, text: await answer(text, user) });
});
await app.start();
tellReady();
