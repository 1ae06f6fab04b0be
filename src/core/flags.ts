/** Flags on a place or a conversation that the replicas of an adapter share and that the platform does not report. They have names, but no text. */
import type { Person, Place, SessionId } from './session.ts';

/**
 * Flags on a conversation outlive its TTL and are erased when it is forgotten. Flags on a place are erased only with the place or
 * its workspace, so their names must not identify a person.
 */
export interface Flags {
  /** Sets a flag for `ms` milliseconds from now. True if it was not set; of several concurrent callers, one gets true. */
  set(about: Place | SessionId, name: string, ms: number): Promise<boolean>;
  has(about: Place | SessionId, name: string): Promise<boolean>;
  drop(about: Place | SessionId, name: string): Promise<void>;
  /** The person's own conversations with this flag, including flags that have expired. */
  ofPerson(person: Person, name: string): Promise<readonly SessionId[]>;
}
