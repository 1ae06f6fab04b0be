/** The registry of channels: what is watched, and up to where it was dealt with. */
import { describe, expect, it } from 'vitest';
import { BotError } from '../../../src/errors.ts';
import type { Harness } from './support.ts';

const about = { guild: 'g', odd: ['{*?}\u0000', null, 1] };
/** Ids of different lengths, and greater than what a double holds exactly. */
const OLDER = '999999999999999999';
const OLD = '1441151880758558721';
const NEW = '1441151880758558722';

export function describeChannels(harness: Harness): void {
  const cursors = async () => {
    const watched = await harness.store.channels.watched('discord');
    return new Map(watched.map(({ id, cursor }) => [id, cursor]));
  };

  describe('the registry of channels', () => {
    it('gives back what is watched, the last talked in first, by platform and also to another instance', async () => {
      await harness.store.channels.watch('discord', { id: 'a', about, cursor: OLD });
      await harness.store.channels.watch('slack', { id: 'b', about: null, cursor: '1' });
      expect(await harness.store.channels.watched('discord')).toEqual([{ id: 'a', about, cursor: OLD }]);
      const again = await harness.fixture.open();
      expect(await again.channels.watched('slack')).toEqual([{ id: 'b', about: null, cursor: '1' }]);
      expect(await again.channels.watched('other')).toEqual([]);
    });

    it('moves a cursor forwards, never back, however long the numbers', async () => {
      const { channels } = harness.store;
      await channels.watch('discord', { id: 'a', about, cursor: OLD });
      await channels.watch('discord', { id: 'a', about, cursor: OLDER });
      expect(await cursors()).toEqual(new Map([['a', OLD]]));
      await channels.advance('discord', new Map([['a', OLDER]]));
      expect(await cursors()).toEqual(new Map([['a', OLD]]));
      await channels.advance('discord', new Map([['a', NEW]]));
      expect(await cursors()).toEqual(new Map([['a', NEW]]));
      await channels.watch('discord', { id: 'a', about: 'else', cursor: OLD });
      expect(await channels.watched('discord')).toEqual([{ id: 'a', about: 'else', cursor: NEW }]);
    });

    it('moves only the cursors of channels that are watched', async () => {
      const { channels } = harness.store;
      await channels.watch('discord', { id: 'a', about, cursor: OLD });
      await channels.advance(
        'discord',
        new Map([
          ['a', NEW],
          ['b', NEW],
        ]),
      );
      await channels.advance('discord', new Map());
      expect(await cursors()).toEqual(new Map([['a', NEW]]));
    });

    it('forgets channels that are no more, and starts them anew', async () => {
      const { channels } = harness.store;
      for (const id of ['a', 'b']) await channels.watch('discord', { id, about, cursor: NEW });
      await channels.unwatch('discord', ['a', 'c']);
      await channels.unwatch('discord', []);
      expect(await cursors()).toEqual(new Map([['b', NEW]]));
      await channels.watch('discord', { id: 'a', about, cursor: OLD });
      expect((await cursors()).get('a')).toBe(OLD);
    });

    it('refuses a cursor that is no number', async () => {
      for (const cursor of ['', '-1', '1.5', 'a', '1'.repeat(21)]) {
        const refused = harness.store.channels.watch('discord', { id: 'a', about, cursor });
        await expect(refused).rejects.toSatisfy((thrown) => thrown instanceof BotError);
      }
      expect(await harness.store.channels.watched('discord')).toEqual([]);
    });
  });
}
