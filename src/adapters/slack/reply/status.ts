/** What a thread shows while an answer is being prepared: "is thinking…", and Slack's Stop button. */
import { delay } from '../../../lib/delay.ts';
import type { Timers } from '../../../lib/timers.ts';
import { refusalOf, type SlackClients, toPlatformError } from '../api/clients.ts';
import type { SlackTarget } from '../ids.ts';
import type { Capabilities } from './writer.ts';

/** Slack clears the status after two minutes (docs.slack.dev, assistant.threads.setStatus). Milliseconds. */
export const STATUS_REFRESH_MS = 90_000;

/** A faster answer gets no Stop button: Slack allows about 50 changes of sessions a minute. Milliseconds. */
const SESSION_DELAY_MS = 1_000;
/** How often the button is cleared before giving up, and the longest delay in between, in milliseconds. */
const MAX_CLEARS = 3;
const MAX_CLEAR_WAIT_MS = 3_000;

export interface SlackStatus {
  /** Shows the status now, and the Stop button after a delay. @throws BotError `platform_*` */
  show(): Promise<void>;
  /** Clears both, also if a dead worker left them. @throws BotError `platform_*` */
  clear(): Promise<void>;
  /** From now on the button is not shown; one that is shown stays. */
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

/** Slack's error codes for an app without agent sessions. */
const NO_SESSIONS: ReadonlySet<string> = new Set([
  'unknown_method',
  'feature_not_enabled',
  'not_an_agent',
  'not_allowed',
]);

/**
 * When the Stop button is shown, once per reply:
 *
 *     none --show--> scheduled
 *     none, scheduled --clear, close--> closed
 */
type Schedule =
  | { readonly kind: 'none' }
  | { readonly kind: 'scheduled'; readonly cancel: () => void }
  | { readonly kind: 'closed' };

export function createSlackStatus(deps: SlackStatusDeps, { channel, thread }: Place): SlackStatus {
  const { clients, capabilities, timers, alive } = deps;
  const where = { channel_id: channel, thread_ts: thread };
  let schedule: Schedule = { kind: 'none' };
  /** The request that showed the button, by this worker or a dead one; undefined if there is no button to clear. */
  let buttonShown: Promise<void> | undefined = deps.leftShown ? Promise.resolve() : undefined;

  const setStatus = (status: string) =>
    clients.write(
      () => {},
      (client) => client.assistant.threads.setStatus({ ...where, status }),
    );

  /** A session that is processing shows the Stop button. Only apps that are agents have sessions. */
  async function setSession(status: 'processing' | 'active'): Promise<void> {
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

  function showButton(): void {
    if (!alive()) return;
    // Without the button the answer can't be stopped by a click, which is no reason to delay it.
    buttonShown = setSession('processing').catch(() => undefined);
  }

  /** A button that is not cleared stays for ever, so this retries. */
  async function clearButton(): Promise<void> {
    for (let tries = 1; ; tries += 1) {
      try {
        return await setSession('active');
      } catch (thrown) {
        const { retryable, retryAfterMs = MAX_CLEAR_WAIT_MS / 4 } = toPlatformError(thrown);
        if (!retryable || tries >= MAX_CLEARS) throw thrown;
        await delay(Math.min(retryAfterMs, MAX_CLEAR_WAIT_MS), undefined, timers);
      }
    }
  }

  function close(): void {
    if (schedule.kind === 'scheduled') schedule.cancel();
    schedule = { kind: 'closed' };
  }

  return {
    async show() {
      if (schedule.kind === 'none')
        schedule = { kind: 'scheduled', cancel: timers.after(SESSION_DELAY_MS, showButton) };
      await setStatus(deps.text);
    },
    async clear() {
      close();
      // A request that is in flight would show the button after it was cleared.
      await buttonShown;
      const results = await Promise.allSettled([setStatus(''), buttonShown === undefined ? undefined : clearButton()]);
      for (const result of results) if (result.status === 'rejected') throw result.reason;
    },
    close,
  };
}
