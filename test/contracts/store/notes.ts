/** Notes: what is noted at a place, for how long, and who was first. */
import { describe, expect, it } from 'vitest';
import { type Harness, until } from './support.ts';

const here = { platform: 'slack', workspace: 'T1', channel: 'C1' };
const LONG_MS = 60_000;

export function describeNotes(harness: Harness): void {
  describe('notes', () => {
    it('are there for other instances too, each at its place under its name', async () => {
      await harness.store.notes.note(here, 'odd {*?}\u0000', LONG_MS);
      const { notes } = await harness.fixture.open();
      expect(await notes.noted(here, 'odd {*?}\u0000')).toBe(true);
      expect(await notes.noted(here, 'odd')).toBe(false);
      expect(await notes.noted({ ...here, workspace: 'T2' }, 'odd {*?}\u0000')).toBe(false);
    });

    it('tell one of several callers that it was the first', async () => {
      const { notes } = harness.store;
      const firsts = await Promise.all(Array.from({ length: 11 }, () => notes.note(here, 'once', LONG_MS)));
      expect(firsts.filter((first) => first)).toHaveLength(1);
    });

    it('are gone when they are dropped, and when their time is over', async () => {
      const { notes } = harness.store;
      await notes.note(here, 'dropped', LONG_MS);
      await notes.note(here, 'brief', 50);
      await notes.drop(here, 'dropped');
      expect(await notes.noted(here, 'dropped')).toBe(false);
      await until(async () => expect(await notes.noted(here, 'brief')).toBe(false));
      expect(await notes.note(here, 'brief', LONG_MS)).toBe(true);
    });

    it('last from the last time they were noted', async () => {
      const { notes } = harness.store;
      await notes.note(here, 'renewed', 50);
      await notes.note(here, 'renewed', LONG_MS);
      await notes.note(here, 'brief', 60);
      await until(async () => expect(await notes.noted(here, 'brief')).toBe(false));
      expect(await notes.noted(here, 'renewed')).toBe(true);
    });
  });
}
