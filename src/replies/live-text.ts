/**
 * Events from the replica that runs a turn to the replica that the reader is connected to (HTTP, the playground). Any event may
 * be lost: they only show progress and wake the waiting caller. The turn's record is authoritative.
 */

import { z } from 'zod';
import { ANSWER_CUTS, FILE_FAULTS } from '../core/types.ts';
import { beginsWith } from '../lib/begins-with.ts';

const textEvent = z.object({
  kind: z.literal('live.text'),
  /** The text of one worker. A worker that takes over begins another stream at 0. */
  stream: z.string(),
  /** UTF-16 offset at which `text` replaces the rest of the answer. */
  from: z.int().nonnegative(),
  text: z.string(),
});

const endEvent = z.object({
  kind: z.literal('live.end'),
  outcome: z.enum(['answered', 'failed', 'forgotten']),
  /** The whole final text. */
  text: z.string(),
  cut: z.enum(ANSWER_CUTS).optional(),
  /** Files that the answer was made without. */
  unread: z.array(z.object({ name: z.string(), why: z.enum(FILE_FAULTS) })).optional(),
});

export const liveEvent = z.discriminatedUnion('kind', [textEvent, endEvent]);

export type TextEvent = z.infer<typeof textEvent>;
export type EndEvent = z.infer<typeof endEvent>;

/** The event after which a follower who has `known` of this stream has `text`. */
export function textEventOf(stream: string, known: string, text: string): TextEvent {
  const from = beginsWith(text, known) ? known.length : 0;
  return { kind: 'live.text', stream, from, text: text.slice(from) };
}

/** The text that a follower has. `past`: streams that were replaced by another one. */
export interface LiveText {
  readonly stream: string | undefined;
  readonly text: string;
  readonly past: readonly string[];
}

export const NOTHING_SEEN: LiveText = { stream: undefined, text: '', past: [] };

/**
 * The text after an event. An event is ignored if an earlier one was lost, or if it comes from a worker that has been replaced
 * without knowing it yet.
 */
export function joinText(live: LiveText, event: TextEvent): LiveText {
  if (live.past.includes(event.stream)) return live;
  if (event.stream === live.stream) {
    const { length } = live.text;
    if (event.from > length) return live;
    const kept = event.from === length ? live.text : live.text.slice(0, event.from);
    return { ...live, text: kept + event.text };
  }
  if (event.from !== 0) return live;
  const past = live.stream === undefined ? live.past : [...live.past, live.stream];
  return { stream: event.stream, text: event.text, past };
}
