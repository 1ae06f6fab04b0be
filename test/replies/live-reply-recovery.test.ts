import { describe, expect, it } from 'vitest';
import type { ReplyEnd } from '../../src/core/types.ts';
import { CURSOR, failure, isSettled, limited, openBench, refused, unavailable } from './live-reply-support.ts';

const answered = (text: string): ReplyEnd => ({ kind: 'answered', text, stopped: false });
const forgotten: ReplyEnd = { kind: 'forgotten', text: 'Forgotten.' };
const long = Array.from({ length: 20 }, (_, index) => `word${index}`).join(' ');
const NOW = 1_000_000;
const lostTurn = failure('turn_lost');
const noStore = failure('store_unavailable', { retryable: true });

describe('message refs', () => {
  it('are saved as an intent before each post and as an id after it', async () => {
    const { reply, log, texts } = openBench();
    await reply.end(answered(long));
    const [first, second] = texts();
    expect(log).toEqual(['intent 1', `post 1 ${first}`, 'id 1 a', 'intent 2', `post 2 ${second}`, 'id 2 b']);
  });

  it('that cannot be saved before the post prevent it', async () => {
    const bench = openBench();
    bench.fail('intent', noStore, 2);
    bench.reply.update('Hello');
    await bench.clock.settle();
    expect(bench.log).toEqual(['intent 1']);
    await bench.clock.advance(10_000);
    expect(bench.log).toEqual(['intent 1', 'intent 1', 'intent 1', `post 1 Hello${CURSOR}`, 'id 1 a']);
  });

  it('that cannot be saved after the post are saved with the next write', async () => {
    const bench = openBench();
    bench.fail('id', noStore);
    bench.reply.update('Hello');
    await bench.clock.settle();
    await bench.reply.end(answered('Hello.'));
    expect(bench.log.slice(2)).toEqual(['id 1 a', 'id 1 a', 'edit a Hello.']);
  });

  it('are saved when the reply is detached, which waits for the write in flight and changes nothing', async () => {
    const bench = openBench();
    const release = bench.hold('post');
    bench.reply.update('Hello');
    await bench.clock.settle();
    bench.reply.update('Hello you');
    bench.lease.lose();
    const abandoned = bench.reply.detach();
    expect(await isSettled(abandoned, bench.clock)).toBe(false);
    bench.fail('id', noStore);
    release();
    await abandoned;
    expect(bench.log).toEqual(['intent 1', `post 1 Hello${CURSOR}`, 'id 1 a', 'id 1 a']);
    bench.reply.update('Hello you too');
    await bench.clock.advance(60_000);
    await expect(bench.reply.end(answered('Hello'))).rejects.toMatchObject({ code: 'turn_lost' });
    expect(bench.texts()).toEqual([`Hello${CURSOR}`]);
    expect(bench.clock.pending()).toBe(0);
  });

  it('belong to the next worker once the reply is detached, even while the lease is held', async () => {
    const bench = openBench();
    bench.reply.update('Hello');
    await bench.clock.settle();
    await bench.reply.detach();
    await expect(bench.reply.end(answered('Hello'))).rejects.toMatchObject({ code: 'turn_lost' });
    expect(bench.texts()).toEqual([`Hello${CURSOR}`]);
  });
});

describe('a worker that lost its turn', () => {
  it('writes nothing when the store says so before the post', async () => {
    const bench = openBench();
    bench.fail('intent', lostTurn);
    for (const text of ['H', 'He', 'Hel']) {
      bench.reply.update(text);
      await bench.clock.advance(5_000);
    }
    await expect(bench.reply.end(answered('Hello'))).rejects.toMatchObject({ code: 'turn_lost' });
    expect(bench.log).toEqual(['intent 1']);
  });

  it('writes no more when the store says so after the post', async () => {
    const bench = openBench();
    bench.fail('id', lostTurn);
    bench.reply.update('H');
    await bench.clock.settle();
    bench.reply.update('Hello');
    await bench.clock.advance(60_000);
    await expect(bench.reply.end(answered('Hello'))).rejects.toMatchObject({ code: 'turn_lost' });
    expect(bench.log).toEqual(['intent 1', `post 1 H${CURSOR}`, 'id 1 a']);
  });

  it('writes no more when its lease ends, not even the end, and leaves the next worker’s typing indicator alone', async () => {
    const bench = openBench();
    bench.reply.showTyping();
    await bench.clock.settle();
    bench.fail('intent', noStore);
    bench.reply.update('Hello');
    await bench.clock.settle();
    const end = bench.reply.end(answered('Hello'));
    bench.lease.lose();
    await expect(end).rejects.toMatchObject({ code: 'turn_lost', retryable: false });
    expect(bench.log).toEqual(['think', 'intent 1']);
    expect(bench.clock.pending()).toBe(0);
  });

  it('does not finish the wait for its next write', async () => {
    const bench = openBench();
    bench.reply.update('Hello');
    await bench.clock.settle();
    bench.reply.update('Hello you');
    await bench.clock.settle();
    expect(bench.clock.pending()).toBe(1);
    bench.lease.lose();
    await bench.clock.settle();
    expect(bench.clock.pending()).toBe(0);
  });

  it('is checked by the writer too, whose write may start much later', async () => {
    const bench = openBench();
    const release = bench.hold('queue');
    bench.reply.update('Hello');
    await bench.clock.settle();
    bench.lease.lose();
    release();
    await bench.clock.settle();
    expect(bench.log).toEqual(['intent 1']);
    await expect(bench.reply.end(answered('Hello'))).rejects.toMatchObject({ code: 'turn_lost' });
  });

  it('pauses while its lease is renewed late, and continues afterwards', async () => {
    const bench = openBench();
    bench.lease.late = true;
    bench.reply.update('Hello');
    await bench.clock.advance(2_000);
    expect(bench.log).toEqual([]);
    const end = bench.reply.end(answered('Hello'));
    await bench.clock.advance(400);
    expect(bench.log).toEqual([]);
    bench.lease.late = false;
    await bench.clock.advance(8_000);
    await end;
    expect(bench.texts()).toEqual(['Hello']);
  });

  it('fails at its end if the lease is not renewed', async () => {
    const bench = openBench();
    bench.lease.late = true;
    const end = expect(bench.reply.end(answered('Hello'))).rejects.toMatchObject({ code: 'turn_lost' });
    await bench.clock.advance(60_000);
    await end;
    expect(bench.log).toEqual([]);
  });
});

describe('a post whose response was lost', () => {
  for (const part of [1, 2]) {
    it(`is repeated with its nonce while that is reliable, then edited to the newest text (part ${part})`, async () => {
      const bench = openBench();
      if (part === 2) {
        bench.reply.update(long.slice(0, 60));
        await bench.clock.advance(1_000);
      }
      bench.fail('post', 'lost');
      bench.reply.update(long);
      await bench.clock.settle();
      const end = bench.reply.end(answered(`${long} end`));
      await bench.clock.advance(10_000);
      await end;
      expect(bench.texts().join('')).toBe(`${long} end`);
      expect(bench.messages.size).toBe(2);
      expect(bench.log.filter((entry) => entry.startsWith('find'))).toEqual([]);
      expect(bench.log.filter((entry) => entry.startsWith(`intent ${part}`))).toHaveLength(1);
    });

    it(`is searched for on a platform without nonces (part ${part})`, async () => {
      const bench = openBench({ nonces: false });
      if (part === 2) {
        bench.reply.update(long.slice(0, 60));
        await bench.clock.advance(1_000);
      }
      bench.fail('post', 'lost');
      const end = bench.reply.end(answered(long));
      await bench.clock.advance(10_000);
      await end;
      expect(bench.texts().join('')).toBe(long);
      expect(bench.messages.size).toBe(2);
      expect(bench.log).toContain(part === 1 ? 'find 1' : 'find 2 after a');
    });
  }

  it('that was not made is made then, with a new intent', async () => {
    const bench = openBench({ nonces: false });
    bench.fail('post', unavailable);
    const end = bench.reply.end(answered('Hello'));
    await bench.clock.advance(10_000);
    await end;
    expect(bench.log).toEqual(['intent 1', 'post 1 Hello', 'find 1', 'intent 1', 'post 1 Hello', 'id 1 a']);
  });

  it('is not searched for if the platform said that it refused it', async () => {
    const bench = openBench({ nonces: false });
    bench.fail('post', limited(1_000));
    const end = bench.reply.end(answered('Hello'));
    await bench.clock.advance(1_000);
    await end;
    expect(bench.log).toEqual(['intent 1', 'post 1 Hello', 'post 1 Hello', 'id 1 a']);
  });

  it('is counted if it cannot be found out, and made', async () => {
    for (const refusing of [false, true]) {
      const bench = openBench({ nonces: false, finds: refusing });
      if (refusing) bench.fail('find', refused);
      bench.fail('post', 'lost');
      const end = bench.reply.end(answered('Hello'));
      await bench.clock.advance(10_000);
      await end;
      expect(bench.unreconciled()).toBe(1);
      expect(bench.messages.size).toBe(2);
    }
  });
});

describe('a reply that a dead worker began', () => {
  it('is continued in its parts; further parts are blanked while the text grows, and deleted at the end', async () => {
    const bench = openBench({
      messageRefs: { 1: { intentAt: 1, id: 'x' }, 2: { intentAt: 2, id: 'y' }, 3: { intentAt: 3, id: 'z' } },
      before: { x: { part: 1, text: 'Old' }, y: { part: 2, text: 'older' }, z: { part: 3, text: 'oldest' } },
    });
    for (const text of ['N', 'Ne', 'New']) {
      bench.reply.update(text);
      await bench.clock.advance(1_000);
    }
    const edits = [`edit x N${CURSOR}`, 'edit y …', 'edit z …', `edit x New${CURSOR}`];
    expect(bench.log.filter((entry) => entry.startsWith('edit'))).toEqual(edits);
    expect(bench.texts()).toEqual([`New${CURSOR}`, '…', '…']);
    expect(bench.reply.shown()).toBe('New');
    bench.reply.update(long);
    await bench.clock.advance(2_000);
    expect(bench.texts()).toEqual([expect.stringMatching(/^word0 /), expect.stringMatching(/^word\d+ .*word19/), '…']);
    await bench.reply.end(answered(long));
    expect(bench.texts().join('')).toBe(long);
    expect([...bench.messages.keys()]).toEqual(['x', 'y']);
    expect(bench.log.filter((entry) => /^(post|intent)/.test(entry))).toEqual([]);
  });

  it('ends with the stored answer, whatever it showed', async () => {
    const bench = openBench({
      messageRefs: { 1: { intentAt: 1, id: 'x' } },
      before: { x: { part: 1, text: 'Hello' } },
    });
    await bench.reply.end(answered('Hello'));
    expect(bench.log).toContain('edit x Hello');
  });

  it('with a recent intent is posted with the same nonce: the platform knows whether it was before', async () => {
    for (const posted of [true, false]) {
      const bench = openBench({
        startsAt: NOW,
        messageRefs: { 1: { intentAt: NOW - 119_999 } },
        before: posted ? { x: { part: 1, text: 'Old' } } : {},
      });
      await bench.reply.end(answered('New'));
      expect(bench.texts()).toEqual(['New']);
      expect(bench.log.filter((entry) => /^(find|intent)/.test(entry))).toEqual([]);
    }
  });

  it('with an old intent is searched for first', async () => {
    for (const posted of [true, false]) {
      const bench = openBench({
        startsAt: NOW,
        messageRefs: { 1: { intentAt: NOW - 120_000 } },
        before: posted ? { x: { part: 1, text: 'Old' } } : {},
      });
      await bench.reply.end(answered('New'));
      expect(bench.texts()).toEqual(['New']);
      const expected = posted ? ['find 1', 'id 1 x', 'edit x New'] : ['find 1', 'intent 1', 'post 1 New', 'id 1 a'];
      expect(bench.log.filter((entry) => !entry.includes('think'))).toEqual(expected);
    }
  });

  it('with an intent for a part that the answer does not need has that part searched for and deleted', async () => {
    const bench = openBench({
      startsAt: NOW,
      messageRefs: { 1: { intentAt: NOW, id: 'x' }, 2: { intentAt: NOW }, 3: { intentAt: NOW } },
      before: { x: { part: 1, text: 'Old' }, y: { part: 2, text: 'older' } },
    });
    await bench.reply.end(answered('New'));
    expect(bench.texts()).toEqual(['New']);
  });

  it('that was forgotten is replaced if it was posted, and not posted otherwise', async () => {
    for (const posted of [true, false]) {
      const bench = openBench({
        startsAt: NOW,
        messageRefs: { 1: { intentAt: NOW } },
        before: posted ? { x: { part: 1, text: 'Secret' } } : {},
      });
      await bench.reply.end(forgotten);
      expect(bench.texts()).toEqual(posted ? ['Forgotten.'] : []);
    }
  });

  it('of which a part was deleted in the meantime continues without it', async () => {
    const bench = openBench({
      messageRefs: { 1: { intentAt: 1, id: 'x' }, 2: { intentAt: 2, id: 'y' } },
      before: { y: { part: 2, text: 'Old' } },
    });
    await bench.reply.end(answered(long));
    expect([...bench.messages.keys()]).toEqual(['y']);
    expect(bench.log.filter((entry) => entry.startsWith('post'))).toEqual([]);
  });
});
