/** What a process keeps of the conversations that it answered last. */
import { expect, test } from 'vitest';
import type { SessionId } from '../../src/core/session.ts';
import type { ChatMessage } from '../../src/core/types.ts';
import { createRecent, type Known, type Recent } from '../../src/memory/redis/recent.ts';
import { sessionOf } from '../contracts/store/support.ts';

const ada = leaseOf('ada');

function leaseOf(user: string, fence = 1): { sessionId: SessionId; turnId: string; fence: number } {
  return { sessionId: sessionOf({ user }), turnId: 'm1', fence };
}

/** A conversation of which the last `count` of `total` messages are known, each of so many characters. */
function known(total: number, count = total, length = 10): Known {
  const messages = Array.from({ length: count }, (_, index): ChatMessage => {
    const content = String(total - count + index + 1).padEnd(length, '.');
    return { role: 'user', content, timestamp: 1, turn: 't', source: 's', authorId: 'ada' };
  });
  return { total, messages, newest: `newest of ${total}`, listed: 0 };
}

/** What is known is kept as turns of the bot make it: the last of its turns was committed, what was before it was read. */
function remember(recent: Recent, lease: typeof ada, { total, messages, newest, listed }: Known, capped = total): void {
  recent.confirm(lease, { total: -1, newest: '' });
  recent.confirm(lease, { total: total - 2, newest: '' });
  recent.read(lease, { messages: messages.slice(0, -2), newest: `newest of ${total - 2}` });
  recent.withdraw(lease)?.extend({ total: capped, halves: messages.slice(-2), newest, listed });
}

test('nothing is known of a conversation that was never kept', () => {
  const recent = createRecent();
  expect(recent.expected(ada.sessionId)).toBeUndefined();
  expect(recent.messages(ada.sessionId, 1, 20)).toBeUndefined();
  expect(recent.withdraw(ada)).toBeUndefined();
});

test('what was kept is shown under its fence, the newest ones, and under no other', () => {
  const recent = createRecent();
  recent.messages(ada.sessionId, 1, 20);
  remember(recent, ada, known(6));
  expect(recent.expected(ada.sessionId)).toBe(6);
  expect(recent.messages(ada.sessionId, 1, 2)).toEqual(known(6).messages.slice(4));
  expect(recent.messages(ada.sessionId, 1, 20)).toEqual(known(6).messages);
  expect(recent.messages(ada.sessionId, 2, 20)).toBeUndefined();
});

test('more than is known is not shown, unless there is no more', () => {
  const recent = createRecent();
  recent.messages(ada.sessionId, 1, 4);
  remember(recent, ada, known(10));
  expect(recent.messages(ada.sessionId, 1, 4)).toEqual(known(10, 4).messages);
  expect(recent.messages(ada.sessionId, 1, 5)).toBeUndefined();
  remember(recent, ada, known(3));
  expect(recent.messages(ada.sessionId, 1, 5)).toEqual(known(3).messages);
});

test('what the cap dropped is not shown, whatever is asked for', () => {
  const recent = createRecent();
  recent.messages(ada.sessionId, 1, 20);
  remember(recent, ada, known(10), 8);
  expect(recent.messages(ada.sessionId, 1, 20)).toEqual(known(10).messages.slice(2));
});

test('a take confirms what a commit wrote, or lets go of it', () => {
  const recent = createRecent();
  const later = { ...ada, fence: 2 };
  const kept = (found: { total: number; newest: string }) => {
    recent.messages(ada.sessionId, 1, 20);
    remember(recent, ada, known(6));
    recent.confirm(later, found);
    return recent.messages(ada.sessionId, 2, 20);
  };
  expect(kept({ total: 6, newest: 'newest of 6' })).toEqual(known(6).messages);
  expect(kept({ total: 6, newest: 'another' })).toBeUndefined();
  expect(kept({ total: 8, newest: '' })).toBeUndefined();
  expect(kept({ total: -1, newest: '' })).toBeUndefined();
  expect(kept({ total: 0, newest: '' })).toEqual([]);
});

test('what was read is good for its own turn, beside the number of messages that the take told', () => {
  const recent = createRecent();
  const { messages, newest } = known(30, 20);
  recent.confirm(ada, { total: 30, newest: '' });
  expect(recent.messages(ada.sessionId, 1, 20)).toBeUndefined();
  recent.read(ada, { messages, newest });
  expect(recent.messages(ada.sessionId, 1, 20)).toEqual(messages);
  expect(recent.expected(ada.sessionId)).toBeUndefined();
  expect(recent.withdraw(ada)?.known).toMatchObject({ total: 30, newest });
  recent.confirm(ada, { total: 30, newest: '' });
  recent.read(ada, { messages, newest });
  recent.confirm({ ...ada, fence: 2 }, { total: 30, newest });
  expect(recent.messages(ada.sessionId, 2, 20)).toBeUndefined();
  recent.drop(ada.sessionId);
  // Nobody told: it is not kept.
  recent.read(ada, { messages, newest });
  expect(recent.expected(ada.sessionId)).toBeUndefined();
});

test('what a commit withdrew is not there until it is kept again', () => {
  const recent = createRecent();
  remember(recent, ada, known(2));
  expect(recent.withdraw({ ...ada, fence: 7 })).toBeUndefined();
  remember(recent, ada, known(2));
  expect(recent.withdraw(ada)?.known.total).toBe(2);
  expect(recent.expected(ada.sessionId)).toBeUndefined();
});

test('the next commit is told until when the conversation is listed', () => {
  const recent = createRecent();
  remember(recent, ada, { ...known(2), listed: 1_234 });
  expect(recent.withdraw(ada)?.known.listed).toBe(1_234);
});

test('what a take found while a commit was under way is not overruled by the commit', () => {
  const recent = createRecent();
  recent.messages(ada.sessionId, 1, 20);
  remember(recent, ada, known(2));
  const withdrawn = recent.withdraw(ada);
  recent.confirm({ ...ada, fence: 2 }, { total: 0, newest: '' });
  withdrawn?.extend({ total: 4, halves: known(2).messages, newest: 'newest of 4', listed: 0 });
  expect(recent.messages(ada.sessionId, 2, 20)).toEqual([]);
  expect(recent.expected(ada.sessionId)).toBeUndefined();
});

test('the conversations that were not used for longest make room for others', () => {
  const recent = createRecent(undefined, 20_000);
  const bob = leaseOf('bob');
  const eve = leaseOf('eve');
  recent.messages(ada.sessionId, 1, 20);
  for (const lease of [ada, bob]) remember(recent, lease, known(2, 2, 4_000));
  recent.confirm(ada, { total: 2, newest: 'newest of 2' });
  remember(recent, eve, known(2, 2, 4_000));
  expect([ada, bob, eve].map((lease) => recent.expected(lease.sessionId))).toEqual([2, undefined, 2]);
  // One that is larger than all the room is not kept at all.
  remember(recent, bob, known(2, 2, 40_000));
  expect([ada, bob, eve].map((lease) => recent.expected(lease.sessionId))).toEqual([undefined, undefined, undefined]);
  remember(recent, bob, { ...known(2), newest: 'newest'.padEnd(40_000, '.') });
  expect(recent.expected(bob.sessionId)).toBeUndefined();
  remember(recent, bob, known(2, 2, 4_000));
  expect(recent.expected(bob.sessionId)).toBe(2);
});

test('a long conversation takes no more room than what is kept of it', () => {
  const recent = createRecent(undefined, 20_000);
  const bob = leaseOf('bob');
  recent.messages(ada.sessionId, 1, 4);
  remember(recent, bob, known(2, 2, 4_000));
  remember(recent, ada, known(2, 2, 1_000));
  for (let total = 4; total <= 400; total += 2) {
    recent.withdraw(ada)?.extend({ ...known(total, 2, 1_000), halves: known(total, 2, 1_000).messages });
    // What is read anew takes the place of what was there.
    if (total % 20 === 0) recent.read(ada, known(total, 4, 1_000));
  }
  expect(recent.messages(ada.sessionId, 1, 4)).toEqual(known(400, 4, 1_000).messages);
  expect(recent.messages(bob.sessionId, 1, 4)).toEqual(known(2, 2, 4_000).messages);
});

test('what was not used for ten minutes is let go', () => {
  let now = 0;
  const recent = createRecent(() => now);
  const bob = leaseOf('bob');
  remember(recent, ada, known(2));
  now = 400_000;
  remember(recent, bob, known(2));
  recent.purge();
  expect(recent.expected(ada.sessionId)).toBe(2);
  now = 600_001;
  recent.purge();
  expect(recent.expected(ada.sessionId)).toBeUndefined();
  expect(recent.expected(bob.sessionId)).toBe(2);
});
