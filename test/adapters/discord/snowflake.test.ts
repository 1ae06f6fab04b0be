import fc from 'fast-check';
import { expect, test } from 'vitest';
import { firstAt, isNewer, justBefore, newest, timeOf } from '../../../src/adapters/discord/snowflake.ts';

const id = fc.bigInt({ min: 1n, max: (1n << 64n) - 1n });

test('snowflakes are compared as numbers', () => {
  fc.assert(
    fc.property(id, id, (one, other) => {
      expect(isNewer(String(one), String(other))).toBe(one > other);
      expect(newest(String(one), String(other))).toBe(String(one > other ? one : other));
      expect(justBefore(String(one))).toBe(String(one - 1n));
    }),
  );
});

test('the first id of an instant has its time, the one before has not', () => {
  const at = Date.UTC(2026, 7, 1, 12);
  expect(timeOf(firstAt(at))).toBe(at);
  expect(timeOf(justBefore(firstAt(at)))).toBe(at - 1);
  // Discord's own example (its reference of snowflakes).
  expect(new Date(timeOf('175928847299117063')).toISOString()).toBe('2016-04-30T11:18:25.796Z');
});
