import { expect, test } from 'vitest';
import { createThrottle } from '../../src/lib/throttle.ts';

test('each name is let through once in a while, whatever comes in between', () => {
  let now = 0;
  const worthSaying = createThrottle({ monotonic: () => now }, 1_000);
  expect(['a', 'a', 'b', 'a', 'b'].map(worthSaying)).toEqual([true, false, true, false, false]);
  now = 999;
  expect(['a', 'c'].map(worthSaying)).toEqual([false, true]);
  now = 1_000;
  expect(['a', 'b', 'c', 'a'].map(worthSaying)).toEqual([true, true, false, false]);
  now = 1_999;
  expect(['c', 'a'].map(worthSaying)).toEqual([true, false]);
});
