import { expect, test } from 'vitest';
import { courseOf, sampleProcess } from './samples.ts';

const minute = (at: number, value: number) => ({ at: at * 60_000, value });

test('a growth is found through what goes up and down, by the minute', () => {
  const points = Array.from({ length: 20 }, (_, index) => minute(index, 100 + 3 * index + (index % 2 === 0 ? 1 : -1)));
  const course = courseOf(points);
  expect(course).toMatchObject({ first: 101, last: 156 });
  expect(course?.perMinute).toBeCloseTo(3, 1);
  expect(courseOf([minute(0, 5), minute(1, 5), minute(2, 5)])).toEqual({ first: 5, last: 5, perMinute: 0 });
});

test('one sample has no course', () => {
  expect(courseOf([minute(0, 1)])).toBeUndefined();
  expect(courseOf([])).toBeUndefined();
});

test.runIf(process.platform === 'linux')(
  'a living process has memory and descriptors, one that is gone has nothing',
  async () => {
    const own = await sampleProcess(process.pid);
    expect(own?.rssBytes).toBeGreaterThan(2 ** 20);
    expect(own?.descriptors).toBeGreaterThan(2);
    // Above the largest id there is (PID_MAX_LIMIT).
    expect(await sampleProcess(2 ** 22 + 1)).toBeUndefined();
  },
);
