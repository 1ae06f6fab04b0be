/** What every driver of Signals must do. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { JsonValue } from '../../src/core/types.ts';
import type { ClosableSignals } from '../../src/queue/signals.ts';

/** Only bounds what hangs. */
const PATIENTLY = { timeout: 20_000, interval: 10 };

/** `make` gives two ends: what one publishes the other hears. */
export function describeSignals(name: string, make: () => Promise<readonly [ClosableSignals, ClosableSignals]>): void {
  describe(`Signals ${name}`, () => {
    let near: ClosableSignals;
    let far: ClosableSignals;
    beforeEach(async () => {
      [near, far] = await make();
    });
    afterEach(async () => {
      await near.close();
      await far.close();
    });

    test('reach everybody who listens to their topic, in order, and nobody else', async () => {
      const heard: JsonValue[] = [];
      const second: JsonValue[] = [];
      const other: JsonValue[] = [];
      await far.subscribe('news', (payload) => heard.push(payload));
      await far.subscribe('news', (payload) => second.push(payload));
      await far.subscribe('weather', (payload) => other.push(payload));
      for (const payload of [1, { text: 'two ▌' }, ['three', null]]) await near.publish('news', payload);
      await near.publish('weather', 'rain');
      await expect.poll(() => other, PATIENTLY).toEqual(['rain']);
      expect(heard).toEqual([1, { text: 'two ▌' }, ['three', null]]);
      expect(second).toEqual(heard);
    });

    test('reach nobody who has left, and still those who stay', async () => {
      const left: JsonValue[] = [];
      const stays: JsonValue[] = [];
      const leave = await far.subscribe('news', (payload) => left.push(payload));
      await far.subscribe('news', (payload) => stays.push(payload));
      await leave();
      await near.publish('news', 'late');
      await expect.poll(() => stays, PATIENTLY).toEqual(['late']);
      expect(left).toEqual([]);
    });

    test('can be listened to again after the last one left', async () => {
      const heard: JsonValue[] = [];
      const leave = await far.subscribe('news', () => {});
      await leave();
      const both = await Promise.all([
        far.subscribe('news', (payload) => heard.push(payload)),
        far.subscribe('news', (payload) => heard.push(payload)),
      ]);
      await near.publish('news', 'again');
      await expect.poll(() => heard, PATIENTLY).toEqual(['again', 'again']);
      for (const leaveAgain of both) await leaveAgain();
    });
  });
}
