/** People in Slack: in threads of their DM with the bot, and in threads of channels that they called it into. */
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { sessionAt } from '../../src/adapters/slack/ids.ts';
import { REPLY_EVENT } from '../../src/adapters/slack/reply/ownership.ts';
import type { FakeMessage, FakeSlack } from '../support/fake-slack/fake-slack.ts';
import { answerTo, isTrouble } from '../support/visible-text.ts';
import { AGAIN_MS, type CommandName, NOTHING, type Outcome, type Spoken, type Surface, type Talk } from './surface.ts';

const LOOK_MS = 50;
const TRIES = 40;
const ANSWER_WITHIN_MS = 15_000;
const CHANNELS = ['C0ROOM', 'C0HALL', 'C0YARD'];
/** Stands behind a text that still grows (src/adapters/slack/reply.ts). */
const GROWING = / …$/;

const manifestShape = z.object({ oauth_config: z.object({ scopes: z.object({ bot: z.array(z.string()) }) }) });
const markShape = z.object({ event_type: z.literal(REPLY_EVENT), event_payload: z.object({ turn: z.string() }) });

/** The scopes that people who install the app give it: the fake refuses everything else. */
export function slackScopes(): readonly string[] {
  const manifest = JSON.parse(readFileSync(new URL('../../slack/manifest.json', import.meta.url), 'utf8'));
  return manifestShape.parse(manifest).oauth_config.scopes.bot;
}

interface Thread {
  readonly channel: string;
  readonly root: string;
  readonly said: { readonly ts: string; readonly text: string }[];
}

export function createSlackSurface(slack: FakeSlack): Surface {
  const { workspace } = slack;
  const threads: Thread[] = [];
  const owners = new Map<string, Thread>();

  async function command(user: string, name: CommandName) {
    let sure = true;
    for (let tries = 1; tries <= TRIES; tries += 1) {
      const { answers } = slack.command(`/${name}`, name === 'ttl' ? '7d' : '', { user });
      const until = performance.now() + ANSWER_WITHIN_MS;
      while (answers.length === 0 && performance.now() < until) await sleep(LOOK_MS);
      const [answer] = answers;
      if (answer !== undefined && !isTrouble(answer.text)) return { text: answer.text, sure };
      sure = false;
      await sleep(AGAIN_MS);
    }
    throw new Error(`/${name} was never answered to ${user}`);
  }

  /** Whose reply it is: by its mark, which a stream gets with its end, else by what it says, else by where it stands. */
  function ownerOf(message: FakeMessage, { said }: Thread, answered: ReadonlyMap<string, Outcome>): string | undefined {
    const mark = markShape.safeParse(message.metadata);
    if (mark.success) return mark.data.event_payload.turn;
    const begun = said.find(
      ({ text }) => message.text !== '' && answerTo(text).startsWith(message.text.replace(GROWING, '')),
    );
    if (begun !== undefined && message.text.includes('.')) return begun.ts;
    return said.find(({ ts }) => ts < message.ts && !answered.has(ts))?.ts ?? said.at(-1)?.ts;
  }

  function look(): (id: string) => Outcome {
    const outcomes = new Map<string, Outcome>();
    for (const message of workspace.messages) {
      const thread = owners.get(`${message.channel} ${message.thread}`);
      if (thread === undefined || message.user !== workspace.botUser) continue;
      const owner = ownerOf(message, thread, outcomes);
      if (owner === undefined) continue;
      const before = outcomes.get(owner) ?? NOTHING;
      outcomes.set(owner, {
        replies: before.replies + 1,
        text: before.text === '' ? message.text : `${before.text}\n${message.text}`,
        half: before.half || message.stream !== undefined || GROWING.test(message.text),
        position: before.position === '' ? message.ts : before.position,
      });
    }
    return (id) => outcomes.get(id) ?? NOTHING;
  }

  function begin(number: number): Talk {
    const { id: user } = slack.addUser({ id: `U${number}SOAK`, name: `Person ${number}` });
    // Every command finds its conversation: the only thread of the DM.
    const direct = number % 2 === 0;
    const channel = direct ? workspace.directOf(user) : (CHANNELS[number % CHANNELS.length] ?? 'C0ROOM');
    let thread: Thread | undefined;
    let followed = direct;
    return {
      sessionId() {
        if (thread === undefined) throw new Error('Nothing was said yet.');
        const where = { team: workspace.team, channel, root: thread.root, user, direct };
        return sessionAt(where, { scope: 'user', dmScope: 'thread' });
      },
      mayBegin: () => true,
      say(text): Spoken {
        const named = followed ? text : `<@${workspace.botUser}> ${text}`;
        followed = true;
        const { ts, acked } = slack.say(named, {
          user,
          channel,
          ...(thread === undefined ? {} : { thread: thread.root }),
        });
        if (thread === undefined) {
          thread = { channel, root: ts, said: [] };
          threads.push(thread);
          owners.set(`${channel} ${ts}`, thread);
        }
        thread.said.push({ ts, text });
        return { id: ts, taken: acked.then(() => undefined) };
      },
      command(name) {
        // Behind a /forget in a thread the bot no longer follows it: it has to be called again.
        if (name === 'forget') followed = direct;
        return command(user, name);
      },
    };
  }

  return {
    name: 'slack',
    begin,
    look,
    complaints: () =>
      threads.flatMap(({ channel, root }) => {
        const status = workspace.statuses.get(`${channel} ${root}`);
        const button = workspace.sessions.get(`${channel} ${root}`);
        return [
          ...(status === undefined ? [] : [`slack: thread ${root} of ${channel} still shows "${status}"`]),
          ...(button === 'processing' ? [`slack: thread ${root} of ${channel} still has its Stop button`] : []),
        ];
      }),
  };
}
