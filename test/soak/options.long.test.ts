import { describe, expect, test } from 'vitest';
import { readOptions } from './options.ts';

test('everything can be left out; the seed is then another one each time', () => {
  expect(readOptions([], 1_234_567)).toEqual({ minutes: 10, seed: 234_567, rate: 8, replicas: 3, verbose: false });
});

test('everything can be said', () => {
  const args = ['--minutes', '0.5', '--seed', '7', '--rate', '20', '--replicas', '2', '--verbose'];
  expect(readOptions(args, 0)).toEqual({ minutes: 0.5, seed: 7, rate: 20, replicas: 2, verbose: true });
});

describe('what is not known or makes no sense is refused, by its name', () => {
  test.each([
    [['--hours', '3'], '--hours'],
    [['5'], '5'],
    [['--minutes', 'ten'], '--minutes must be a number from 0.1'],
    [['--minutes', '-1'], '--minutes'],
    [['--replicas', '1'], '--replicas must be a number from 2 to 8'],
    [['--replicas', '2.5'], '--replicas must be a whole number'],
    [['--rate', '0'], '--rate must be a number from 0.1'],
    [['--seed'], '--seed'],
  ])('%j', (args, named) => {
    expect(() => readOptions(args, 0)).toThrow(named);
  });
});
