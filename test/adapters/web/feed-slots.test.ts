import { expect, test } from 'vitest';
import { createFeedSlots } from '../../../src/adapters/web/feed-slots.ts';

test('a person may follow a conversation so often, all together so often, and a place that is given back is free once', () => {
  const slots = createFeedSlots({ perPerson: 2, perProcess: 3 });
  const first = slots.take('ada');
  expect(slots.take('ada')).toBeDefined();
  expect(slots.take('ada')).toBeUndefined();
  expect(slots.take('bob')).toBeDefined();
  expect(slots.take('cleo')).toBeUndefined();
  first?.();
  first?.();
  expect(slots.take('ada')).toBeDefined();
  expect(slots.take('ada')).toBeUndefined();
  expect(slots.take('cleo')).toBeUndefined();
});
