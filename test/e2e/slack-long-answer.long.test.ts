/** The longest answer in Slack, on the real process: /health answers while it is rendered and streamed. */
import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { ADA, answersIn, until, useSlackWorkshop } from './slack-support.ts';

const workshop = useSlackWorkshop();

/** MAX_ANSWER_LENGTH's default, in UTF-16 units. */
const LENGTH = 40_000;
/** Kubernetes waits this long for a readiness probe by default (kubernetes.io, "Configure Probes": timeoutSeconds). */
const PROBE_TIMEOUT_S = 1;
/** Probes leave the processors to the bot. */
const PROBE_INTERVAL_MS = 50;

/** Messages of at most 9,000 bytes. */
const PARTS = 5;
/** Only bounds what hangs. */
const HANGS_MS = 240_000;

const SECTION = [
  'Some **bold** and _slanted_ words, and `code`, in a sentence of usual length.\n\n',
  '- one thing, **stressed**\n  - another, with a_name_in_it\n\n',
  '```python\ndef __init__(self, *args, **kwargs):\n    self._names = [x for x in args if x]\n```\n\n',
  '| Name | Value |\n| --- | --- |\n| **a** | 1 |\n\n',
].join('');
const ANSWER = SECTION.repeat(Math.ceil(LENGTH / SECTION.length)).slice(0, LENGTH);

/** Over a connection of its own: one that is kept alive may be closed while the bot is busy. */
async function get(url: string): Promise<string> {
  const [response]: IncomingMessage[] = await once(request(url, { agent: false }).end(), 'response');
  return response === undefined ? '' : await text(response);
}

/**
 * Probes /health until `work` ends. Gives the seconds that the bot computed from the probe to its answer: its CPU time, which does
 * not depend on what else the machine does. What it computes between two probes delays none.
 */
async function computedBetweenProbes(url: string, work: Promise<unknown>): Promise<readonly number[]> {
  const seconds: number[] = [];
  let over = false;
  const end = () => {
    over = true;
  };
  work.then(end, end);
  const cpuSeconds = async () => {
    return Number(/^process_cpu_seconds_total (\S+)/m.exec(await get(`${url}/metrics`))?.[1]);
  };
  while (!over) {
    const before = await cpuSeconds();
    await get(`${url}/health`);
    seconds.push((await cpuSeconds()) - before);
    await sleep(PROBE_INTERVAL_MS);
  }
  return seconds;
}

/** Letters alone: Slack's markup has other signs. A code fence that continues in the next message is opened again. */
const letters = (markdown: string) => markdown.replace(/[^a-z]|python/g, '');

const WAYS: readonly { readonly way: string; readonly refusals: Readonly<Record<string, string>> }[] = [
  { way: 'streamed', refusals: {} },
  {
    way: 'posted and edited in Slack’s markup',
    refusals: { 'chat.startStream': 'unknown_method', 'chat.postMessage': 'invalid_blocks' },
  },
];

test.each(WAYS)(
  '/health answers while an answer of 40,000 characters is $way',
  { timeout: 2 * HANGS_MS },
  async ({ refusals }) => {
    const { slack, model, startProcess } = await workshop.makeWorld('socket');
    const bot = await startProcess();
    for (const [method, error] of Object.entries(refusals)) slack.fail(method, { kind: 'error', error });
    model.script('long', { text: ANSWER, pieces: LENGTH / 5, betweenMs: 1 });
    const { ts } = slack.say('A long answer, please', { user: ADA });
    const answered = (async () => {
      await (await model.called('long')).ended;
      const dm = slack.workspace.directOf(ADA);
      await until(() => expect(slack.replies(dm, ts).length).toBeGreaterThanOrEqual(PARTS), HANGS_MS);
      return await answersIn(slack, dm, ts, PARTS);
    })();
    const computed = await computedBetweenProbes(bot.url, answered);
    expect(letters((await answered).map((message) => message.text).join(''))).toBe(letters(ANSWER));
    expect(Math.max(...computed)).toBeLessThan(PROBE_TIMEOUT_S);
  },
);
