/** Slack's Web API without a network: the fake's methods behind the real client's requests. Each write is held until it is released. */
import { createSlackClients, type SlackClients } from '../../../src/adapters/slack/api/clients.ts';
import { createBoltLogger } from '../../../src/adapters/slack/receive/bolt.ts';
import { createSlackReply } from '../../../src/adapters/slack/reply/reply.ts';
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
/** Methods that write no message, and are answered at once. */
const AT_ONCE: ReadonlySet<string> = new Set([
  'assistant.threads.setStatus',
  'agents.sessions.setStatus',
  'conversations.replies',
]);
const RETRY_AFTER_S = 2;
const logger = createLogger({ level: 'silent', secrets: [] });

function createFlags(clock: ManualClock): Flags {
  const until = new Map<string, number>();
  const holds = (key: string) => (until.get(key) ?? 0) > clock.now();
  const keyOf = (about: Parameters<Flags['has']>[0], name: string) =>
    `${typeof about === 'object' && 'platform' in about ? encodePlace(about) : about} ${name}`;
  return {
    async set(place, name, ms) {
      const key = keyOf(place, name);
      const fresh = !holds(key);
      until.set(key, clock.now() + ms);
      return fresh;
    },
    has: async (place, name) => holds(keyOf(place, name)),
    drop: async (place, name) => void until.delete(keyOf(place, name)),
    async ofPerson() {
      throw new Error('A reply does not use this.');
    },
  };
}

type Answer = (method: string, body: string) => Promise<Response>;

/** Makes stages one after the other: each has a thread in a channel. `streams`: the workspace supports native streaming. */
export function createHeldSlack(streams: boolean): (gate: Gate, clock: ManualClock) => Stage {
  let answer: Answer = async () => new Response(null, { status: 404 });
  // One set of clients: a client costs more to make than a script takes.
  const clients = createSlackClients({
    ...{ botToken: 'xoxb-held', apiUrl: undefined, logger: createBoltLogger(logger) },
    fetch: (url, init) => answer(new URL(String(url)).pathname.split('/').at(-1) ?? '', String(init?.body ?? '')),
    onInvalidToken() {},
  });
  return (gate, clock) => {
    const stage = createStage(clients, gate, clock, streams);
    answer = stage.answer;
    return stage;
  };
}

function createStage(
  clients: SlackClients,
  gate: Gate,
  clock: ManualClock,
  streams: boolean,
): Stage & { readonly answer: Answer } {
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

  function run(method: string, body: string): Response {
    try {
      const result = METHODS[method]?.run(Object.fromEntries(new URLSearchParams(body)), context);
      return Response.json({ ok: true, ...result });
    } catch (thrown) {
      if (!(thrown instanceof ApiError)) throw thrown;
      return Response.json({ ok: false, error: thrown.code });
    }
  }

  /** Fails as Node's fetch does: with a TypeError both when nothing was sent and when the answer was lost. */
  const answer: Answer = async (method, body) => {
    if (AT_ONCE.has(method)) return run(method, body);
    return await gate.pass((fate) => {
      if (fate === 'limited') {
        return new Response(null, { status: 429, headers: { 'retry-after': String(RETRY_AFTER_S) } });
      }
      if (fate === 'cut') throw new TypeError('fetch failed');
      if (fate === 'dead') for (const message of workspace.messages) message.stream = undefined;
      const result = run(method, body);
      if (fate === 'lost') throw new TypeError('terminated');
      return result;
    });
  };

  const capabilities = { streams, sessions: true };
  const flags = createFlags(clock);
  const target = {
    ...{ platform: 'slack' as const, team: workspace.team, channel: CHANNEL, thread: root, trigger: root, user: ADA },
    direct: false,
  };
  const replies = () => workspace.messages.filter(({ bot }) => bot);

  return {
    answer,
    open: (turn) =>
      createSlackReply(
        {
          ...{ clients, capabilities, flags, clock, timers: clock, logger },
          self: { team: workspace.team, name: 'bot', user: workspace.botUser, bot: workspace.botId },
          unreconciled() {},
        },
        target,
        { ...turn, turnId: root },
      ),
    visible: () => replies().map(({ text }) => text),
    leftovers: () => [
      ...replies().flatMap(({ ts, stream }) => (stream === undefined ? [] : [`${ts} is still streaming`])),
      ...[...workspace.sessions.values()].filter((status) => status === 'processing'),
      ...workspace.statuses.values(),
    ],
  };
}
