/** What can be noticed of a socket that is open and brings nothing. Slack sends pings of its own, which its client does not tell. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { z } from 'zod';
import type { Timers } from '../../lib/timers.ts';

/** Without a ping or a message of Slack a socket is taken for dead: as long as Slack's own client waits. Milliseconds. */
export const SILENT_MS = 30_000;
/**
 * Without a message a socket is renewed. That it is deaf though Slack pings it can't be told from a workspace in which nobody
 * writes, so this only bounds for how long it can be. Milliseconds.
 */
export const QUIET_MS = 15 * 60_000;

/** Where undici tells of the pings that its sockets receive (undici's documentation, diagnostics channel). */
const PINGS = 'undici:websocket:ping';
const pingShape = z.object({ websocket: z.object({ url: z.string() }) });

export interface SocketWatch {
  /** The socket of this URL is open. */
  opened(url: string): void;
  /** A message has come. */
  received(): void;
  /** No socket is open. */
  closed(): void;
}

export interface SocketWatchOptions {
  readonly timers: Timers;
  /** Nothing at all has come for {@link SILENT_MS}. */
  readonly silent: () => void;
  /** No message has come for {@link QUIET_MS}. */
  readonly quiet: () => void;
}

export function createSocketWatch({ timers, silent, quiet }: SocketWatchOptions): SocketWatch {
  let address: string | undefined;
  let cancelSilent = () => {};
  let cancelQuiet = () => {};

  function alive(): void {
    cancelSilent();
    cancelSilent = timers.after(SILENT_MS, silent);
  }

  function received(): void {
    if (address === undefined) return;
    alive();
    cancelQuiet();
    cancelQuiet = timers.after(QUIET_MS, quiet);
  }

  /** Of all sockets of this process. */
  function pinged(news: unknown): void {
    const ping = pingShape.safeParse(news);
    if (ping.success && ping.data.websocket.url === address) alive();
  }

  return {
    received,
    opened(url) {
      if (address === undefined) subscribe(PINGS, pinged);
      address = new URL(url).href;
      received();
    },
    closed() {
      if (address !== undefined) unsubscribe(PINGS, pinged);
      address = undefined;
      cancelSilent();
      cancelQuiet();
    },
  };
}
