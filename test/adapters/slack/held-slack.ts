/** Slack without a network: the fake's own methods behind the real client's, each write held until it is let go. */
import { webApi } from '@slack/bolt';
import type { SlackClients } from '../../../src/adapters/slack/clients.ts';
import { toPlatformError } from '../../../src/adapters/slack/platform-error.ts';
import { createSlackReply } from '../../../src/adapters/slack/reply.ts';
import { createLogger } from '../../../src/app/log.ts';
import type { Flags } from '../../../src/core/flags.ts';
import { encodePlace } from '../../../src/core/session.ts';
import type { Gate, Stage } from '../../replies/interleavings.ts';
import { ApiError } from '../../support/fake-slack/block-rules.ts';
import { METHODS } from '../../support/fake-slack/methods.ts';
import { createWorkspace } from '../../support/fake-slack/workspace.ts';
import type { ManualClock } from '../../support/manual-clock.ts';

const ADA = 'U0ADA';
const CHANNEL = 'C0ROOM';
/** What is answered at once: it writes no message. */
const AT_ONCE: ReadonlySet<string> = new Set([
  'assistant.threads.setStatus',
  'agents.sessions.setStatus',
  'conversations.replies',
]);
const RETRY_AFTER_S = 2;

/** The arguments as a form has them, which is how Slack's client sends them. */
function formOf(args: Record<string, unknown>): Record<string, string> {
  const entries = Object.entries(args).filter(([, value]) => value !== undefined);
  return Object.fromEntries(
    entries.map(([name, value]) => [name, typeof value === 'string' ? value : JSON.stringify(value)]),
  );
}

function createNotes(clock: ManualClock): Flags {
  const until = new Map<string, number>();
  const holds = (key: string) => (until.get(key) ?? 0) > clock.now();
  const keyOf = (about: Parameters<Flags['noted']>[0], name: string) =>
    `${typeof about === 'object' && 'platform' in about ? encodePlace(about) : about} ${name}`;
  return {
    async note(place, name, ms) {
      const key = keyOf(place, name);
      const fresh = !holds(key);
      until.set(key, clock.now() + ms);
      return fresh;
    },
    noted: async (place, name) => holds(keyOf(place, name)),
    drop: async (place, name) => void until.delete(keyOf(place, name)),
    async ofPerson() {
      throw new Error('A reply has no use for this.');
    },
  };
}

/** A thread in a channel; `streams`: native streaming is to be had. */
export function createHeldSlack(gate: Gate, clock: ManualClock, streams: boolean): Stage {
  const workspace = createWorkspace();
  workspace.users.set(ADA, { id: ADA, name: 'Ada', locale: 'en-US', tz: 'UTC', isAdmin: false });
  let count = 0;
  workspace.nextTs = () => {
    count += 1;
    return `${Math.floor(clock.now() / 1_000)}.${String(count).padStart(6, '0')}`;
  };
  const root = workspace.add({ channel: CHANNEL, user: ADA, text: 'Question' }).ts;
  const context = {
    ...{ workspace, url: '', uploads: new Map(), openConnection: () => '', wrote() {} },
    streamLifetimeMs: () => Number.POSITIVE_INFINITY,
  };

  class Client extends webApi.WebClient {
    override async apiCall(method: string, args: Record<string, unknown> = {}): Promise<webApi.WebAPICallResult> {
      const run = () => {
        try {
          return { ok: true, ...METHODS[method]?.run(formOf(args), context) };
        } catch (thrown) {
          if (!(thrown instanceof ApiError)) throw thrown;
          throw new webApi.WebAPIPlatformError({ ok: false, error: thrown.code });
        }
      };
      if (AT_ONCE.has(method)) return run();
      return await gate.pass((fate) => {
        if (fate === 'limited') throw new webApi.WebAPIRateLimitedError(RETRY_AFTER_S);
        if (fate === 'cut') throw new webApi.WebAPIRequestError(new TypeError('fetch failed'));
        if (fate === 'dead') for (const message of workspace.messages) message.stream = undefined;
        const answer = run();
        if (fate === 'lost') throw new webApi.WebAPIRequestError(new TypeError('terminated'));
        return answer;
      });
    }
  }
  const client = new Client();
  const call: SlackClients['look'] = (run) =>
    run(client).catch((thrown: unknown) => {
      throw toPlatformError(thrown);
    });
  const clients: SlackClients = {
    ...{ replies: client, lookups: client, answers: client, look: call, answer: call },
    async write(check, run) {
      check();
      return await call(run);
    },
  };
  const capabilities = { streams, markdownBlocks: true, sessions: true };
  const notes = createNotes(clock);
  const logger = createLogger({ level: 'silent', secrets: [] });
  const target = {
    ...{ platform: 'slack' as const, team: workspace.team, channel: CHANNEL, thread: root, trigger: root, user: ADA },
    direct: false,
  };
  const replies = () => workspace.messages.filter(({ bot }) => bot);

  return {
    open: (turn) =>
      createSlackReply(
        {
          ...{ clients, capabilities, notes, clock, timers: clock, logger },
          self: { team: workspace.team, name: 'bot', user: workspace.botUser, bot: workspace.botId },
          unreconciled() {},
        },
        target,
        { ...turn, turnId: root },
      ),
    visible: () => replies().map(({ text }) => text),
    leftovers: () => [
      ...replies().flatMap(({ ts, stream }) => (stream === undefined ? [] : [`${ts} still streams`])),
      ...[...workspace.sessions.values()].filter((status) => status === 'processing'),
      ...workspace.statuses.values(),
    ],
  };
}
