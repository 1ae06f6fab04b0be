/** Slack: events, commands, buttons and frames that are not what Slack documents, over HTTP (signed, so that they get in) and sockets. */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import type { JsonValue } from '../../../src/core/types.ts';
import { until } from '../../e2e/slack-support.ts';
import { slackScopes } from '../../soak/on-slack.ts';
import { signatureOf } from '../../support/fake-slack/deliveries.ts';
import { type FakeSlack, startFakeSlack } from '../../support/fake-slack/fake-slack.ts';
import { freePort } from '../../support/free-port.ts';
import { createTally, type FuzzEdge, type FuzzRun, type Tally, withEach } from '../edge.ts';
import { withFuzzedBot } from '../fuzzed-bot.ts';
import { inputsOf, mutated, mutatedBody } from '../inputs.ts';

type Kind = 'events_api' | 'slash_commands' | 'interactive';

interface Sample {
  readonly kind: Kind;
  readonly payload: { readonly [field: string]: JsonValue };
}

const USER = 'U0ADA';
const CHANNEL = 'C0ROOM';
const TEAM = 'T0FAKE';
const DM = 'D0ADA';

const MESSAGE = { type: 'message', ts: '1700000001.000100', event_ts: '1700000001.000100', user: USER, text: 'hello' };
const INNER: readonly { readonly [field: string]: JsonValue }[] = [
  { ...MESSAGE, channel: DM, channel_type: 'im', client_msg_id: 'c1' },
  {
    ...MESSAGE,
    channel: CHANNEL,
    channel_type: 'channel',
    text: '<@U0BOT> hello &amp; <http://a.example|a>',
    thread_ts: '1700000000.000100',
  },
  { ...MESSAGE, type: 'app_mention', channel: CHANNEL, text: '<@U0BOT> hello' },
  {
    ...MESSAGE,
    channel: DM,
    channel_type: 'im',
    subtype: 'file_share',
    files: [{ id: 'F1', name: 'a.txt', mimetype: 'text/plain' }],
  },
  {
    ...MESSAGE,
    channel: DM,
    channel_type: 'im',
    blocks: [{ type: 'rich_text', elements: [{ type: 'rich_text_section', elements: [] }] }],
  },
  {
    type: 'message',
    subtype: 'message_changed',
    hidden: true,
    channel: DM,
    channel_type: 'im',
    ts: '1.2',
    message: { ...MESSAGE, edited: { user: USER, ts: '1.2' } },
    previous_message: MESSAGE,
  },
  {
    type: 'message',
    subtype: 'message_deleted',
    hidden: true,
    channel: DM,
    channel_type: 'im',
    ts: '1.2',
    deleted_ts: MESSAGE.ts,
    previous_message: MESSAGE,
  },
  {
    type: 'assistant_thread_started',
    assistant_thread: { user_id: USER, channel_id: DM, thread_ts: '1.2', context: {} },
    event_ts: '1.2',
  },
  { type: 'app_home_opened', user: USER, channel: DM, tab: 'messages', event_ts: '1.2' },
  { type: 'agent_session_stopped', user: USER, channel: DM, thread_ts: '1.2', message_ts: '1.3', event_ts: '1.2' },
  { type: 'app_uninstalled' },
];

function samplesOf(slack: FakeSlack): readonly Sample[] {
  const about = { team_id: TEAM, api_app_id: slack.workspace.appId, token: 'verification' };
  const responseUrl = `${slack.url}/response/none`;
  const events = INNER.map(
    (event): Sample => ({
      kind: 'events_api',
      payload: {
        ...{ ...about, type: 'event_callback', event_id: 'Ev1', event_time: 1_700_000_000, event },
        authorizations: [{ team_id: TEAM, user_id: slack.workspace.botUser, is_bot: true, enterprise_id: null }],
      },
    }),
  );
  const command = (name: string, text: string): Sample => ({
    kind: 'slash_commands',
    payload: {
      ...about,
      command: name,
      text,
      user_id: USER,
      channel_id: DM,
      channel_name: 'directmessage',
      response_url: responseUrl,
      trigger_id: '1',
    },
  });
  const interactive = {
    ...about,
    team: { id: TEAM },
    user: { id: USER, team_id: TEAM },
    channel: { id: DM, name: 'x' },
    response_url: responseUrl,
    trigger_id: '1',
  };
  return [
    ...events,
    ...[
      command('/history', '10'),
      command('/ttl', '600'),
      command('/memory', 'forget everywhere'),
      command('/help', ''),
    ],
    {
      kind: 'interactive',
      payload: {
        ...{
          ...interactive,
          type: 'block_actions',
          container: { type: 'message', message_ts: '1.2', channel_id: DM, is_ephemeral: true },
        },
        actions: [{ type: 'button', action_id: 'memory_0', block_id: 'b', value: 'x', action_ts: '1.2', text: {} }],
      },
    },
    {
      kind: 'interactive',
      payload: {
        ...interactive,
        type: 'message_action',
        callback_id: 'memory_history',
        message_ts: '1.2',
        message: { ...MESSAGE, channel: DM },
      },
    },
    {
      kind: 'interactive',
      payload: {
        ...interactive,
        type: 'message_action',
        callback_id: 'memory_remember',
        message_ts: '1.2',
        message: { ...MESSAGE, channel: DM },
      },
    },
    command('/remember', 'I am vegetarian'),
  ];
}

const WIDTH = 8;

/** Half of the inputs over HTTP, half over the socket, each with the real process. */
export const fuzzSlack: FuzzEdge = async (run) => {
  const tally = createTally();
  const half = Math.ceil(run.runs / 2);
  await overHttp({ ...run, runs: half }, tally);
  await overSocket({ ...run, runs: half, seed: run.seed + 1 }, tally);
  return tally;
};

async function withSlack(use: (slack: FakeSlack) => Promise<void>): Promise<void> {
  const slack = await startFakeSlack({ scopes: slackScopes(), team: TEAM, rateLimits: false, ackWithinMs: 1_000 });
  try {
    slack.addUser({ id: USER, name: 'Ada' });
    slack.addUser({ id: 'U0GRACE', name: 'Grace' });
    await use(slack);
  } finally {
    await slack.close();
  }
}

/** What a person says after all that is answered. */
async function lookAfter(slack: FakeSlack): Promise<void> {
  const { ts } = slack.say('hello after all', { user: 'U0GRACE' });
  const channel = slack.workspace.directOf('U0GRACE');
  await until(() => {
    if (!slack.replies(channel, ts).some(({ text }) => text.includes('echo: hello after all')))
      throw new Error('not answered');
  }, 60_000);
}

async function overHttp(run: FuzzRun, tally: Tally): Promise<void> {
  await withSlack(async (slack) => {
    const port = await freePort();
    const settings = {
      SLACK_BOT_TOKEN: slack.botToken,
      SLACK_API_URL: slack.apiUrl,
      SLACK_SIGNING_SECRET: slack.signingSecret,
      SLACK_PORT: String(port),
    };
    const url = `http://127.0.0.1:${port}/slack/events`;
    slack.setTransport({ kind: 'http', urls: () => [url] });
    const input = fc
      .constantFrom(...samplesOf(slack))
      .chain(({ kind, payload }) => fc.tuple(fc.constant(kind), mutatedBody(payload)));
    await withFuzzedBot(run, tally, settings, async () => {
      await withEach(inputsOf(input, run.runs, run.seed), WIDTH, async ([kind, json]) => {
        const { body, type } = requestOf(kind, json);
        const headers = { ...signatureOf(slack.signingSecret, body), 'content-type': type };
        const response = await fetch(url, { method: 'POST', headers, body }).catch((error: unknown) => error);
        const status = response instanceof Response ? response.status : 0;
        tally.count(`HTTP, ${kind}: ${status}`);
        if (status === 0 || status >= 500) tally.complain(`status ${status}`, body);
      });
      await lookAfter(slack);
    });
  });
}

function requestOf(kind: Kind, json: Buffer): { readonly body: string; readonly type: string } {
  const text = json.toString('utf8');
  if (kind === 'events_api') return { body: text, type: 'application/json' };
  const form = 'application/x-www-form-urlencoded';
  if (kind === 'interactive') return { body: new URLSearchParams({ payload: text }).toString(), type: form };
  try {
    const fields: [string, string][] = Object.entries(JSON.parse(text)).map(([key, value]) => [key, String(value)]);
    return { body: new URLSearchParams(fields).toString(), type: form };
  } catch {
    return { body: text, type: form };
  }
}

async function overSocket(run: FuzzRun, tally: Tally): Promise<void> {
  await withSlack(async (slack) => {
    const settings = { SLACK_BOT_TOKEN: slack.botToken, SLACK_API_URL: slack.apiUrl, SLACK_APP_TOKEN: slack.appToken };
    const payload = fc
      .constantFrom(...samplesOf(slack))
      .chain((sample) => mutated(sample.payload).map((value) => ({ type: sample.kind, payload: value })));
    const frame = fc
      .constantFrom(...samplesOf(slack))
      .chain(({ kind, payload: whole }) =>
        mutatedBody({ envelope_id: 'e1', type: kind, payload: whole, accepts_response_payload: true }),
      );
    await withFuzzedBot(run, tally, settings, async () => {
      await until(() => {
        if (slack.deliveries.connections() === 0) throw new Error('not connected');
      }, 60_000);
      const sent = new Map<string, unknown>();
      const allAcked = () => [...sent.keys()].every((id) => slack.deliveries.acks.has(id));
      const frames = Math.ceil(run.runs / 5);
      for (const one of inputsOf(payload, run.runs - frames, run.seed)) {
        const id = randomUUID();
        sent.set(id, one);
        slack.deliveries.sendRaw(JSON.stringify({ envelope_id: id, ...one, accepts_response_payload: true }));
        await paced(sent.size, allAcked);
      }
      // Before the frames, which may end the socket with the acks on it; and before anybody talks: one event erases the team's
      // conversations.
      await settledWithin(60_000, allAcked);
      for (const bytes of inputsOf(frame, frames, run.seed)) slack.deliveries.sendRaw(bytes.toString('utf8'));
      await lookAfter(slack);
      for (const [id, one] of sent) {
        const acked = slack.deliveries.acks.has(id);
        tally.count(acked ? 'socket: acked' : 'socket: not acked');
        if (!acked) tally.complain('an envelope was not acked', one);
      }
      tally.count(`socket: ${slack.deliveries.connected()} connections`);
    });
  });
}

/** Every hundred, waits for what is under way: thousands of turns at once are another test. */
async function paced(count: number, settled: () => boolean): Promise<void> {
  if (count % 100 === 0) await settledWithin(5_000, settled);
}

/** What never settles is complained of by who asked. */
async function settledWithin(ms: number, settled: () => boolean): Promise<void> {
  const deadline = performance.now() + ms;
  while (!settled() && performance.now() < deadline) await sleep(20);
}
