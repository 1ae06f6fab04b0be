/**
 * Which turn a message of the bot belongs to. Posted messages carry metadata. A stream gets its metadata only when it ends, so a
 * stream whose id was lost looks like any other message of the bot in the thread. Flags in the store tell them apart: at most one
 * stream of a thread is being started at a time, and a started one is flagged by its ts.
 */
import type { Flags } from '../../../core/flags.ts';
import type { TurnId } from '../../../core/types.ts';
import { placeOf, type SlackTarget } from '../ids.ts';

/** Event type of the metadata of replies. */
export const REPLY_EVENT = 'recollect_reply';

/** Metadata that names the part of a turn's reply that a message is. */
export function metadataOf(turnId: TurnId, part: number) {
  return { event_type: REPLY_EVENT, event_payload: { turn: turnId, part } };
}

/** Metadata of the bot's other messages: none of them is a lost reply. */
export const ANSWER_METADATA = { event_type: 'recollect_answer', event_payload: {} };

/** How long the flags can be relied on, in milliseconds. A turn that is resumed later can't use them. */
export const STREAM_FLAGS_MS = 3_600_000;
/**
 * Stored flags last longer than promised, because clocks differ; and the thread's flag outlasts the turn's, so that a worker that
 * finds the turn's flag can rely on the thread's. Milliseconds.
 */
const TURN_FLAG_MS = STREAM_FLAGS_MS + 60_000;
const THREAD_FLAG_MS = TURN_FLAG_MS + 60_000;

/** The stream flags of one turn. All methods reject with a BotError `store_unavailable`. */
export interface StreamFlags {
  /** To be called before the intent is saved and the stream is started. False: another turn is starting one; start none. */
  reserve(): Promise<boolean>;
  /** This turn has reserved the thread, and neither confirmed nor cancelled that. */
  isReserved(): Promise<boolean>;
  /** The reserved stream is this message, and its id is saved. */
  confirm(ts: string): Promise<void>;
  /** The message is a stream whose id its turn has saved. */
  isConfirmed(ts: string): Promise<boolean>;
  /** The reserved stream was not started. */
  cancel(): Promise<void>;
}

type Thread = Pick<SlackTarget, 'team' | 'channel' | 'thread'>;

export function createStreamFlags(flags: Flags, { team, channel, thread }: Thread, turnId: TurnId): StreamFlags {
  const place = placeOf(team, channel);
  const threadFlag = `stream:${thread}`;
  const turnFlag = `stream:${thread}:${turnId}`;
  const messageFlag = (ts: string) => `streamed:${ts}`;

  const isReserved = () => flags.has(place, turnFlag);

  async function cancel(): Promise<void> {
    // A worker that was replaced finds no flag of its own, and removes nobody else's.
    if (!(await isReserved())) return;
    await flags.drop(place, turnFlag);
    await flags.drop(place, threadFlag);
  }

  return {
    isReserved,
    cancel,
    async reserve() {
      if (await isReserved()) return true;
      // Read first: writing it again would extend another turn's flag.
      if (await flags.has(place, threadFlag)) return false;
      if (!(await flags.set(place, threadFlag, THREAD_FLAG_MS))) return false;
      await flags.set(place, turnFlag, TURN_FLAG_MS);
      return true;
    },
    async confirm(ts) {
      await flags.set(place, messageFlag(ts), THREAD_FLAG_MS);
      await cancel();
    },
    isConfirmed: (ts) => flags.has(place, messageFlag(ts)),
  };
}
