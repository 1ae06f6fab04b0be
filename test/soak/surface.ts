/** What the platforms of a soak run have in common: people say something, and see what comes of it. */
import type { SessionId } from '../../src/core/session.ts';

export type PlatformName = 'discord' | 'slack' | 'http';

/** What people see of the reply to one message. */
export interface Outcome {
  readonly replies: number;
  /** Of all parts. */
  readonly text: string;
  /** It is still being written, or nobody came to end it. */
  readonly half: boolean;
  /** Where the (first) reply stands among those of its conversation: compared as text. */
  readonly position: string;
}

/** Something that was said. */
export interface Spoken {
  /** The platform's id of the message; over HTTP its Idempotency-Key. */
  readonly id: string;
  /** Resolves when the bot has surely taken it, so that what is said next comes behind it; undefined: nobody is told. */
  readonly taken: Promise<void> | undefined;
}

export type CommandName = 'forget' | 'ttl' | 'history';

/** One conversation of one person. */
export interface Talk {
  /** Known once something was said. */
  sessionId(): SessionId;
  /** False: what is said first now may be lost, as the platform has it. */
  mayBegin(): boolean;
  say(text: string): Spoken;
  /**
   * Gives a command, again and again until it is answered, as people do. `sure`: it was run once and no more; else an attempt
   * that nobody answered may still be run later. @throws Error when it is never answered
   */
  command(name: CommandName): Promise<{ readonly text: string; readonly sure: boolean }>;
}

/** A platform with its people. */
export interface Surface {
  readonly name: PlatformName;
  begin(number: number): Talk;
  /** Looks at everything once; gives what is seen of each message. */
  look(): (id: string) => Outcome;
  /** What people must never see, found at the end of the run. */
  complaints(): readonly string[];
}

/**
 * Milliseconds after which people give a refused command again. All their tries together outlast the longest outage of Redis
 * (30 s, faults.ts), in which each is refused at once.
 */
export const AGAIN_MS = 1_000;

/** What a chosen TTL is, in seconds: a week, so that nothing expires before it was judged. */
export const CHOSEN_TTL = 604_800;

export const NOTHING: Outcome = { replies: 0, text: '', half: false, position: '' };
