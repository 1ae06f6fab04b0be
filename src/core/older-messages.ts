/** Reads all messages of a conversation for recall, in the time before the model is asked. */
import { createGate } from '../lib/gate.ts';
import { raceTimeout } from '../lib/timeout.ts';
import type { TurnMetrics } from './ports.ts';
import type { SessionId } from './session.ts';
import type { Memory } from './store.ts';
import type { ChatMessage } from './types.ts';

export interface OlderMessagesDeps {
  readonly store: Pick<Memory, 'open'>;
  /** Messages kept of a conversation (MAX_MESSAGES). */
  readonly maxMessages: number;
  readonly metrics: Pick<TurnMetrics, 'recallSkipped'>;
}

/** All stored messages of a conversation, oldest first. Undefined: they could not be had in time, and the answer goes on without. */
export type ReadOlderMessages = (sessionId: SessionId) => Promise<readonly ChatMessage[] | undefined>;

/** A long conversation is a megabyte; more reads at a time would hold up the other turns of the process. */
const READS_AT_A_TIME = 4;
/** Milliseconds that an answer waits for a read, its turn at the gate included. */
const LONGEST_WAIT_MS = 50;

export function createOlderMessages({ store, maxMessages, metrics }: OlderMessagesDeps): ReadOlderMessages {
  const gate = createGate(READS_AT_A_TIME);
  return async (sessionId) => {
    let wanted = true;
    // A read that nobody waits for any more is not begun.
    const reading = gate(async () => (wanted ? (await store.open(sessionId, maxMessages)).messages : undefined));
    const messages = await raceTimeout(LONGEST_WAIT_MS, reading, () => undefined).catch(() => undefined);
    wanted = false;
    if (messages === undefined) metrics.recallSkipped();
    return messages;
  };
}
