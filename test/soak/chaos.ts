/** Draws the faults: three lanes beside each other, each in an order of its own that leaves no kind out. */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Around, type Fault, GATEWAY, HEAVY, LIGHT } from './faults.ts';

export interface Struck {
  readonly kind: string;
  /** Unix milliseconds. */
  readonly at: number;
}

/** From the end of one fault to the next one of the lane, in milliseconds. */
interface Pause {
  readonly from: number;
  readonly to: number;
}

const PAUSES: Readonly<Record<'heavy' | 'gateway' | 'light', { readonly short: Pause; readonly long: Pause }>> = {
  heavy: { short: { from: 100, to: 500 }, long: { from: 3_000, to: 12_000 } },
  gateway: { short: { from: 0, to: 300 }, long: { from: 3_000, to: 15_000 } },
  light: { short: { from: 150, to: 450 }, long: { from: 800, to: 4_000 } },
};
const LOOK_MS = 100;

/**
 * Strikes until `over`; in a short run not before each kind has struck once.
 * @throws what a fault throws that can't be done: then the run is no run
 */
export async function reign(around: Around, over: () => boolean, struck: (one: Struck) => void): Promise<void> {
  const lane = async (kinds: Readonly<Record<string, Fault>>, pause: Pause) => {
    let bag: (readonly [string, Fault])[] = [];
    let struckAll = !around.short;
    const mayEnd = () => over() && struckAll;
    while (!mayEnd()) {
      const until = performance.now() + pause.from + around.random() * (pause.to - pause.from);
      while (!mayEnd() && performance.now() < until) await sleep(LOOK_MS);
      if (mayEnd()) return;
      if (bag.length === 0) bag = Object.entries(kinds);
      const [drawn] = bag.splice(Math.floor(around.random() * bag.length), 1);
      if (drawn === undefined) return;
      const [kind, fault] = drawn;
      struck({ kind, at: Date.now() });
      await fault(around);
      struckAll ||= bag.length === 0;
      // Both ways of delivery have their share of everything.
      around.world.deliverBy(around.random() < 0.5 ? 'socket' : 'http');
    }
  };
  const length = around.short ? 'short' : 'long';
  const lanes = [
    lane(HEAVY, PAUSES.heavy[length]),
    lane(GATEWAY, PAUSES.gateway[length]),
    lane(LIGHT, PAUSES.light[length]),
  ];
  await Promise.all(lanes);
}
