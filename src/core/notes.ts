/** Facts about a place that an adapter must share with its replicas and that no platform tells it: names only, no text. */
import type { Place } from './session.ts';

export interface Notes {
  /** Notes `name` for `ms` milliseconds from now. True when it was not noted: of several callers one is told so. */
  note(place: Place, name: string, ms: number): Promise<boolean>;
  noted(place: Place, name: string): Promise<boolean>;
  drop(place: Place, name: string): Promise<void>;
}
