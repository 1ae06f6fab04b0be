/** What every driver of Signals that reaches other processes must do. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { JsonValue } from '../../src/core/types.ts';
import type { ClosableSignals } from '../../src/queue/signals.ts';

/** Only bounds what hangs. */
const PATIENTLY = { timeout: 20_000, interval: 10 };

/** `make` gives the ends of three processes. */
export function describeSignals(name: string, make: () => ClosableSignals): void {
  describe(`Signals ${name}`, () => {
    let ends: { readonly signals: ClosableSignals; readonly heard: JsonValue[] }[] = [];
    beforeEach(async () => {
      ends = [make(), make(), make()].map((signals) => ({ signals, heard: [] }));
      for (const { signals, heard } of ends) await signals.listen((payload) => heard.push(payload));
    });
    afterEach(async () => {
      for (const { signals } of ends) await signals.close();
    });
    const end = (index: number) => {
      const found = ends[index];
      if (found === undefined) throw new Error(`There is no process ${index}.`);
      return found;
    };

    test('reach the process they are sent to, in order, and no other one', async () => {
      const [near, far, other] = [end(0), end(1), end(2)];
      const payloads = [1, { text: 'two ▌' }, ['three', null]];
      for (const payload of payloads) await near.signals.send(far.signals.process, payload);
      await near.signals.send(other.signals.process, 'rain');
      await expect.poll(() => other.heard, PATIENTLY).toEqual(['rain']);
      await expect.poll(() => far.heard, PATIENTLY).toEqual(payloads);
    });

    test('reach all other processes when they are for everybody', async () => {
      await end(0).signals.broadcast('news');
      await expect.poll(() => [end(1).heard, end(2).heard], PATIENTLY).toEqual([['news'], ['news']]);
      // Sent later and heard: what came before would have been heard too.
      await end(1).signals.send(end(0).signals.process, 'last');
      await expect.poll(() => end(0).heard, PATIENTLY).toEqual(['last']);
    });

    test('have a name of their own in each process', () => {
      expect(new Set(ends.map(({ signals }) => signals.process)).size).toBe(3);
    });
  });
}
