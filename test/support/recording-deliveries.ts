/** Pushes what happens on the recording platform to the bot's replicas, again and again until one of them acks it. */
import { setMaxListeners } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Ack, ackSchema, type Delivery } from './recording-protocol.ts';

export interface DeliveryAttempt {
  readonly id: string;
  readonly eventId: string;
  readonly replica: string;
  /** HTTP status, or `unreached` when there was no answer. */
  readonly status: number | 'unreached';
}

export interface Deliveries {
  register(name: string, url: string): void;
  deregister(name: string): void;
  replicas(): readonly string[];
  /** Resolves with the ack. Deliveries of one conversation go one behind the other, so that "order of arrival" is known. */
  push(delivery: Delivery): Promise<Ack>;
  /** Pushes it again, beside everything else, under a new event id. */
  repeat(delivery: Delivery): Promise<Ack>;
  pause(paused: boolean): void;
  close(): Promise<void>;
}

export interface DeliveriesOptions {
  readonly random: () => number;
  /** Milliseconds for an ack, as platforms give: Slack 3 s. */
  readonly ackTimeoutMs: number;
  /** How likely it is that an ack gets lost, so that the delivery comes again under a new event id. */
  readonly ackLostRate: () => number;
  readonly attempted: (attempt: DeliveryAttempt) => void;
}

const FIRST_RETRY_MS = 25;
const LONGEST_RETRY_MS = 500;

export function createDeliveries({ random, ackTimeoutMs, ackLostRate, attempted }: DeliveriesOptions): Deliveries {
  const replicas = new Map<string, string>();
  const lines = new Map<string, Promise<unknown>>();
  const running = new Set<Promise<unknown>>();
  const closing = new AbortController();
  // Every delivery under way listens.
  setMaxListeners(0, closing.signal);
  let paused = false;
  let events = 0;

  async function attempt(delivery: Delivery, name: string, url: string): Promise<Ack | undefined> {
    const { id, eventId } = delivery;
    let status: DeliveryAttempt['status'] = 'unreached';
    let ack: Ack | undefined;
    try {
      const response = await fetch(`${url}/deliveries`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(delivery),
        signal: AbortSignal.any([closing.signal, AbortSignal.timeout(ackTimeoutMs)]),
      });
      const body = await response.json();
      status = response.status;
      if (response.ok) ack = ackSchema.parse(body);
    } catch {
      // Dead, stopped or hung up: it is dropped until it registers again, which a living one does all the time.
      if (replicas.get(name) === url) replicas.delete(name);
    }
    attempted({ id, eventId, replica: name, status });
    return ack;
  }

  async function pushNow(delivery: Delivery): Promise<Ack> {
    let first: Ack | undefined;
    let current = delivery;
    for (let failures = 0; ; failures += 1) {
      closing.signal.throwIfAborted();
      const choice = [...replicas][Math.floor(random() * replicas.size)];
      if (choice !== undefined && !paused) {
        const ack = await attempt(current, ...choice);
        first ??= ack;
        if (ack !== undefined && first !== undefined && random() >= ackLostRate()) return first;
        events += 1;
        current = { ...delivery, eventId: `${delivery.eventId}-${events}` };
      }
      await sleep(Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** failures), undefined, { signal: closing.signal });
    }
  }

  function track(push: Promise<Ack>): Promise<Ack> {
    running.add(push);
    const done = () => running.delete(push);
    push.then(done, done);
    return push;
  }

  return {
    register(name, url) {
      replicas.set(name, url);
    },
    deregister(name) {
      replicas.delete(name);
    },
    replicas: () => [...replicas.keys()],
    push(delivery) {
      const line = JSON.stringify([delivery.workspace, delivery.channel, delivery.thread]);
      const pushed = track((lines.get(line) ?? Promise.resolve()).then(() => pushNow(delivery)));
      lines.set(line, pushed);
      return pushed;
    },
    repeat(delivery) {
      events += 1;
      return track(pushNow({ ...delivery, eventId: `${delivery.eventId}-${events}` }));
    },
    pause(on) {
      paused = on;
    },
    async close() {
      closing.abort(new Error('The recording platform was closed.'));
      await Promise.allSettled(running);
    },
  };
}
