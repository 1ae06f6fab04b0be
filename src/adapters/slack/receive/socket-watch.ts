/** Notices that an open socket brings nothing. Slack sends pings, but its client does not report them. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { z } from 'zod';
import type { Timers } from '../../../lib/timers.ts';

/** A socket without pings and messages for this long is dead; Slack's own client waits as long. Milliseconds. */
export const SILENT_MS = 30_000;
/**
 * A socket without messages for this long is replaced. A socket that is pinged but gets no messages looks like a workspace in which
 * nobody writes, so this only limits how long such a socket can last. Milliseconds.
 */
export const IDLE_MS = 15 * 60_000;

/** The channel on which undici reports received pings (undici's documentation, diagnostics channel). */
const PINGS = 'undici:websocket:ping';
const pingShape = z.object({ websocket: z.object({ url: z.string() }) });

export interface SocketWatch {
  /** The socket with this URL is open. */
  opened(url: string): void;
  /** A message has arrived. */
  received(): void;
  /** The socket is closed. */
  closed(): void;
}

export interface SocketWatchOptions {
  readonly timers: Timers;
  /** Neither a ping nor a message for {@link SILENT_MS}. */
  readonly silent: () => void;
  /** No message for {@link IDLE_MS}. */
  readonly idle: () => void;
}

export function createSocketWatch({ timers, silent, idle }: SocketWatchOptions): SocketWatch {
  let address: string | undefined;
  let cancelSilent = () => {};
  let cancelIdle = () => {};

  function alive(): void {
    cancelSilent();
    cancelSilent = timers.after(SILENT_MS, silent);
  }

  function received(): void {
    if (address === undefined) return;
    alive();
    cancelIdle();
    cancelIdle = timers.after(IDLE_MS, idle);
  }

  /** Called for every socket of this process. */
  function pinged(message: unknown): void {
    const ping = pingShape.safeParse(message);
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
      cancelIdle();
    },
  };
}
