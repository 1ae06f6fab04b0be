/** Facts about a place or a conversation that an adapter must share with its replicas and that no platform tells it: names only, no text. */
import type { Person, Place, SessionId } from './session.ts';

/**
 * What is noted of a conversation goes when that is forgotten, and outlives its TTL. What is noted of a place goes with the
 * place or its workspace only, so its name must not name a person.
 */
export interface Flags {
  /** Notes `name` for `ms` milliseconds from now. True when it was not noted: of several callers one is told so. */
  note(about: Place | SessionId, name: string, ms: number): Promise<boolean>;
  noted(about: Place | SessionId, name: string): Promise<boolean>;
  drop(about: Place | SessionId, name: string): Promise<void>;
  /** The conversations of this person alone of which `name` is noted, those whose time is over too. */
  ofPerson(person: Person, name: string): Promise<readonly SessionId[]>;
}
