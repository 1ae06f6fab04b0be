/** What a thread shows while an answer is being prepared: "is thinking…", and Slack's own Stop button. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Timers } from '../../lib/timers.ts';
import type { SlackClients } from './clients.ts';
import { refusalOf, toPlatformError } from './platform-error.ts';
import type { SlackTarget } from './target.ts';
import type { Capabilities } from './writer.ts';

/** Slack takes the status away after two minutes (docs.slack.dev, assistant.threads.setStatus). Milliseconds. */
export const STATUS_REFRESH_MS = 90_000;

/** An answer that is there by then needs no Stop button: Slack takes about 50 changes of sessions a minute. Milliseconds. */
const SESSION_DELAY_MS = 1_000;
/** Times that a session is asked to be over, and the longest wait in between, in milliseconds. */
const MAX_CLEARS = 3;
const MAX_CLEAR_WAIT_MS = 3_000;

export interface SlackStatus {
  /** Shows the status now, and the Stop button after a while. @throws BotError `platform_*` */
  show(): Promise<void>;
  /** Takes both away, also what a dead worker left. @throws BotError `platform_*` */
  clear(): Promise<void>;
  /** Shows nothing any more; what is shown stays. */
  close(): void;
}

export interface SlackStatusDeps {
  readonly clients: SlackClients;
  readonly capabilities: Capabilities;
  readonly timers: Timers;
  /** In the person's language. */
  readonly text: string;
  /** The worker still has the turn. */
  readonly alive: () => boolean;
  /** A dead worker may have left its Stop button. */
  readonly leftShown: boolean;
}

type Place = Pick<SlackTarget, 'channel' | 'thread'>;

/** Slack's names for "this app has no agent sessions". */
const NO_SESSIONS: ReadonlySet<string> = new Set([
  'unknown_method',
  'feature_not_enabled',
  'not_an_agent',
  'not_allowed',
]);

export function createSlackStatus(deps: SlackStatusDeps, { channel, thread }: Place): SlackStatus {
  const { clients, capabilities, timers, alive } = deps;
  const where = { channel_id: channel, thread_ts: thread };
  let cancel: (() => void) | undefined;
  let showing: Promise<void> = Promise.resolve();
  let hasButton = deps.leftShown;

  const line = (status: string) =>
    clients.write(
      () => {},
      (client) => client.assistant.threads.setStatus({ ...where, status }),
    );

  /** The session's status is what shows the Stop button. Only apps that are agents have sessions. */
  async function session(status: 'processing' | 'active'): Promise<void> {
    if (!capabilities.sessions) return;
    try {
      await clients.write(
        () => {},
        (client) => client.agents.sessions.setStatus({ ...where, status }),
      );
    } catch (thrown) {
      if (NO_SESSIONS.has(refusalOf(thrown) ?? '')) capabilities.sessions = false;
      throw thrown;
    }
  }

  async function showButton(): Promise<void> {
    if (!alive()) return;
    hasButton = true;
    // Without it the answer can't be stopped by a click; that is no reason to hold it up.
    await session('processing').catch(() => undefined);
  }

  /** A button that stayed would be there for ever, so this one is insisted on. */
  async function clearButton(): Promise<void> {
    for (let tries = 1; ; tries += 1) {
      try {
        return await session('active');
      } catch (thrown) {
        const { retryable, retryAfterMs = MAX_CLEAR_WAIT_MS / 4 } = toPlatformError(thrown);
        if (!retryable || tries >= MAX_CLEARS) throw thrown;
        await sleep(Math.min(retryAfterMs, MAX_CLEAR_WAIT_MS));
      }
    }
  }

  function close(): void {
    cancel?.();
    cancel = () => {};
  }

  return {
    async show() {
      cancel ??= timers.after(SESSION_DELAY_MS, () => {
        showing = showButton();
      });
      await line(deps.text);
    },
    async clear() {
      close();
      // One that is on its way would come up again behind this.
      await showing;
      const results = await Promise.allSettled([line(''), hasButton ? clearButton() : undefined]);
      for (const result of results) if (result.status === 'rejected') throw result.reason;
    },
    close,
  };
}
