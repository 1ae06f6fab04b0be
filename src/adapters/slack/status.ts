/** What a thread shows while an answer is being prepared: "is thinking…", and Slack's own Stop button. */
import { BotError } from '../../errors.ts';
import type { SlackClients } from './clients.ts';
import { refusalOf, toPlatformError } from './platform-error.ts';
import type { Abilities } from './reply-transport.ts';
import type { SlackTarget } from './target.ts';

/** Slack takes the status away after two minutes (docs.slack.dev, assistant.threads.setStatus). Milliseconds. */
export const STATUS_REFRESH_MS = 90_000;

export interface SlackStatus {
  /** @throws BotError `platform_*` */
  show(): Promise<void>;
  /** @throws BotError `platform_*` */
  clear(): Promise<void>;
}

export interface SlackStatusDeps {
  readonly clients: SlackClients;
  readonly abilities: Abilities;
  /** In the person's language. */
  readonly text: string;
}

type Place = Pick<SlackTarget, 'channel' | 'thread'>;

export function createSlackStatus(
  { clients, abilities, text }: SlackStatusDeps,
  { channel, thread }: Place,
): SlackStatus {
  const where = { channel_id: channel, thread_ts: thread };

  /** The session's status is what shows the Stop button. Only apps that are agents have sessions. */
  async function session(status: 'processing' | 'active'): Promise<void> {
    if (!abilities.sessions) return;
    try {
      await clients.write(
        () => {},
        (client) => client.agents.sessions.setStatus({ ...where, status }),
      );
    } catch (thrown) {
      const refusal = refusalOf(thrown);
      if (refusal !== undefined && NO_SESSIONS.has(refusal)) abilities.sessions = false;
      throw thrown;
    }
  }

  const line = (status: string) =>
    clients.write(
      () => {},
      (client) => client.assistant.threads.setStatus({ ...where, status }),
    );

  return {
    async show() {
      await both(line(text), session('processing'));
    },
    async clear() {
      await both(line(''), session('active'));
    },
  };
}

/** Slack's names for "this app has no agent sessions". */
const NO_SESSIONS: ReadonlySet<string> = new Set([
  'unknown_method',
  'feature_not_enabled',
  'not_an_agent',
  'not_allowed',
]);

/** Each is tried whatever becomes of the other; a fault that may pass is told before one that will not. */
async function both(...attempts: readonly Promise<unknown>[]): Promise<void> {
  const results = await Promise.allSettled(attempts);
  const faults = results.flatMap((result) => (result.status === 'rejected' ? [toPlatformError(result.reason)] : []));
  if (faults.length === 0) return;
  if (faults.length < attempts.length) return;
  throw faults.find(({ retryable }) => retryable) ?? faults[0] ?? new BotError('internal', 'No fault.');
}
