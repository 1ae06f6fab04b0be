/** Notes: what is noted at a place, for how long, and who was first. */
import { describe, expect, it } from 'vitest';
import { type Harness, sessionOf, until } from './support.ts';

const here = { platform: 'slack', workspace: 'T1', channel: 'C1' };
const LONG_MS = 60_000;

export function describeNotes(harness: Harness): void {
  describe('notes', () => {
    it('are there for other instances too, each at its place under its name', async () => {
      await harness.store.flags.set(here, 'odd {*?}\u0000', LONG_MS);
      const { flags } = await harness.fixture.open();
      expect(await flags.has(here, 'odd {*?}\u0000')).toBe(true);
      expect(await flags.has(here, 'odd')).toBe(false);
      expect(await flags.has({ ...here, workspace: 'T2' }, 'odd {*?}\u0000')).toBe(false);
    });

    it('tell one of several callers that it was the first', async () => {
      const { flags } = harness.store;
      const firsts = await Promise.all(Array.from({ length: 11 }, () => flags.set(here, 'once', LONG_MS)));
      expect(firsts.filter((first) => first)).toHaveLength(1);
    });

    it('are gone when they are dropped, and when their time is over', async () => {
      const { flags } = harness.store;
      await flags.set(here, 'dropped', LONG_MS);
      await flags.set(here, 'brief', 50);
      await flags.drop(here, 'dropped');
      expect(await flags.has(here, 'dropped')).toBe(false);
      await until(async () => expect(await flags.has(here, 'brief')).toBe(false));
      expect(await flags.set(here, 'brief', LONG_MS)).toBe(true);
    });

    it('last from the last time they were noted', async () => {
      const { flags } = harness.store;
      await flags.set(here, 'renewed', 50);
      await flags.set(here, 'renewed', LONG_MS);
      await flags.set(here, 'brief', 60);
      await until(async () => expect(await flags.has(here, 'brief')).toBe(false));
      expect(await flags.has(here, 'renewed')).toBe(true);
    });

    it('are found by the person whose own conversation they are about, until that is forgotten', async () => {
      const { store } = harness;
      const { flags } = store;
      const ada = { platform: 'slack', workspace: 'T1', user: 'UADA' };
      const [first, second, other] = ['17.1', '17.2', '17.3'].map((thread) => sessionOf({ user: ada.user, thread }));
      if (first === undefined || second === undefined || other === undefined) throw new Error('There are three.');
      for (const about of [first, second, sessionOf({ user: 'bob' }), sessionOf({ user: undefined }), here]) {
        await flags.set(about, 'talked', LONG_MS);
      }
      await flags.set(other, 'else', LONG_MS);
      await flags.set(other, 'talked', 50);
      const found = async () => [...(await flags.ofPerson(ada, 'talked'))].sort();
      await until(async () => expect(await found()).toEqual([first, second]));
      expect(await flags.ofPerson({ ...ada, workspace: 'T2' }, 'talked')).toEqual([]);
      await store.forget(first);
      expect(await found()).toEqual([second]);
      await store.erase(ada);
      expect(await found()).toEqual([]);
    });
  });
}
