/** How many pages may follow conversations at once: each looks at the store every two seconds and holds a connection. */

/** Of one person in one conversation: tabs that are open, and those of which it is not known yet that they are closed. */
const PER_PERSON = 20;
const PER_PROCESS = 500;

export interface FeedSlots {
  /** What gives the place back; undefined when none is free. */
  take(person: string): (() => void) | undefined;
}

export function createFeedSlots({ perPerson = PER_PERSON, perProcess = PER_PROCESS } = {}): FeedSlots {
  const taken = new Map<string, number>();
  let all = 0;
  return {
    take(person) {
      const own = taken.get(person) ?? 0;
      if (own >= perPerson || all >= perProcess) return undefined;
      taken.set(person, own + 1);
      all += 1;
      let given = false;
      return () => {
        if (given) return;
        given = true;
        all -= 1;
        const left = (taken.get(person) ?? 1) - 1;
        if (left === 0) taken.delete(person);
        else taken.set(person, left);
      };
    },
  };
}
