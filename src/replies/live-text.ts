/**
 * Answers shown live over a connection of ours (HTTP, the playground): what the replica that runs a turn tells the one that
 * holds the connection. Events only show the answer while
 * it is being written and wake the one who waits: any of them may be lost, and the turn's record is the truth.
 */

import { z } from 'zod';
import { ANSWER_CUTS } from '../core/types.ts';
import { beginsWith } from '../lib/begins-with.ts';

const textEvent = z.object({
  kind: z.literal('live.text'),
  /** One writing of the answer by one worker; another worker that goes on begins a stream of its own at 0. */
  stream: z.string(),
  /** UTF-16 offset from which `text` is what the answer now reads. */
  from: z.int().nonnegative(),
  text: z.string(),
});

const endEvent = z.object({
  kind: z.literal('live.end'),
  outcome: z.enum(['answered', 'failed', 'forgotten']),
  /** What the person reads at the end, whole. */
  text: z.string(),
  cut: z.enum(ANSWER_CUTS).optional(),
});

export const liveEvent = z.discriminatedUnion('kind', [textEvent, endEvent]);

export type TextEvent = z.infer<typeof textEvent>;
export type EndEvent = z.infer<typeof endEvent>;

/** The event that brings a follower who knows `known` of this stream to `text`. */
export function textEventOf(stream: string, known: string, text: string): TextEvent {
  const from = beginsWith(text, known) ? known.length : 0;
  return { kind: 'live.text', stream, from, text: text.slice(from) };
}

/** What a follower has seen of an answer. `past` are the streams that another one took over from. */
export interface LiveText {
  readonly stream: string | undefined;
  readonly text: string;
  readonly past: readonly string[];
}

export const NOTHING_SEEN: LiveText = { stream: undefined, text: '', past: [] };

/**
 * The text after an event. An event that cannot be joined on (an earlier one was lost, or it comes from a worker that
 * was taken over from and does not know it yet) changes nothing.
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
