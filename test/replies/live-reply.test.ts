import { describe, expect, it } from 'vitest';
import type { ReplyEnd } from '../../src/core/types.ts';
import { CURSOR, failure, isSettled, limited, openBench, refused, unavailable } from './live-reply-support.ts';

const answered = (text: string): ReplyEnd => ({ kind: 'answered', text, stopped: false });
const failed = (text: string): ReplyEnd => ({ kind: 'failed', text });
const forgotten: ReplyEnd = { kind: 'forgotten', text: 'Forgotten.' };
const words = (count: number) => Array.from({ length: count }, (_, index) => `word${index}`).join(' ');

describe('a live reply that grows', () => {
  it('posts nothing before there is something to show', async () => {
    const { reply, clock, log } = openBench();
    reply.update(' \n');
    await clock.advance(60_000);
    expect(log).toEqual([]);
    reply.update(' \nHi');
    await clock.settle();
    expect(log).toEqual(['intent 1', `post 1  \nHi${CURSOR}`, 'id 1 a']);
    expect(clock.pending()).toBe(0);
  });

  it('waits a moment before the first post, so that it says more than one word', async () => {
    const { reply, clock, log } = openBench({ firstPostDelayMs: 300 });
    reply.update('One');
    await clock.advance(299);
    expect(log).toEqual([]);
    reply.update('One two');
    await clock.advance(1);
    expect(log[1]).toBe(`post 1 One two${CURSOR}`);
  });

  it('coalesces updates between two writes and keeps the interval from start to start', async () => {
    const { reply, clock, log, at } = openBench();
    for (let count = 1; count <= 40; count += 1) {
      reply.update(words(count).slice(0, 80));
      await clock.advance(100);
    }
    const writes = log.map((entry, index) => ({ entry, at: at[index] })).filter(({ entry }) => !/^i/.test(entry));
    expect(writes.map((write) => write.at)).toEqual([0, 1_000, 2_000]);
    expect(writes.at(-1)?.entry).toBe(`edit a ${words(40).slice(0, 80)}${CURSOR}`);
  });

  it('has one write in flight, however long it takes', async () => {
    const bench = openBench({ writeTimeoutMs: 60_000 });
    const release = bench.hold('edit');
    bench.reply.update('a');
    await bench.clock.settle();
    for (const text of ['ab', 'abc', 'abcd']) {
      bench.reply.update(text);
      await bench.clock.advance(5_000);
    }
    expect(bench.log.filter((entry) => entry.startsWith('edit'))).toEqual([`edit a ab${CURSOR}`]);
    release();
    await bench.clock.settle();
    expect(bench.log.at(-1)).toBe(`edit a abcd${CURSOR}`);
    expect(bench.texts()).toEqual([`abcd${CURSOR}`]);
  });

  it('splits a long answer and writes only to the part that grows', async () => {
    const bench = openBench();
    const text = words(40);
    bench.reply.update(text.slice(0, 90));
    await bench.clock.advance(1_000);
    bench.reply.update(text);
    await bench.clock.advance(10_000);
    await bench.reply.end(answered(`${text} end`));
    const writes = bench.log.filter((entry) => !/^i/.test(entry)).map((entry) => entry.slice(0, 6));
    expect(writes).toEqual(['post 1', 'edit a', 'post 2', 'post 3', 'edit c']);
    expect(bench.texts().join('')).toBe(`${text} end`);
    expect(bench.texts()).toHaveLength(3);
    for (const part of bench.texts()) expect(part.length).toBeLessThanOrEqual(100);
  });

  it('closes and reopens code fences at the splits', async () => {
    const bench = openBench();
    bench.reply.update(`\`\`\`js\n${'let a = 1;\n'.repeat(12)}`);
    await bench.clock.advance(5_000);
    expect(bench.texts()[0]).toMatch(/^```js\n(let a = 1;\n)+```$/);
    expect(bench.texts()[1]).toMatch(/^```js\n(let a = 1;\n?)+ ▌\n```$/);
  });

  it('starts over when the model does', async () => {
    const bench = openBench();
    bench.reply.update(words(30));
    await bench.clock.advance(5_000);
    expect(bench.texts()).toHaveLength(3);
    bench.reply.update('Another');
    // Until it is replaced, people read what there was.
    expect(bench.reply.shown()).toBe(words(30));
    await bench.clock.advance(5_000);
    expect(bench.reply.shown()).toBe('Another');
    await bench.reply.end(answered('Another answer'));
    expect(bench.texts()).toEqual(['Another answer']);
  });

  it('that was restarted does not report the earlier text any more, neither when stopped nor on a failure', async () => {
    const bench = openBench();
    bench.reply.update(words(30));
    await bench.clock.advance(5_000);
    expect(bench.texts()).toHaveLength(3);
    const release = bench.hold('edit');
    bench.reply.update(`${words(30)} more`);
    await bench.clock.advance(1_000);
    bench.reply.update('');
    expect(bench.reply.shown()).toBe('');
    release();
    await bench.clock.settle();
    expect(bench.reply.shown()).toBe('');
    await bench.reply.end(failed('Sorry.'));
    expect(bench.texts()).toEqual(['Sorry.']);
  });

  it('that was restarted reports the new text once it is shown', async () => {
    const bench = openBench();
    bench.reply.update('secret');
    await bench.clock.settle();
    bench.reply.update('');
    bench.reply.update('Hi');
    expect(bench.reply.shown()).toBe('');
    await bench.clock.advance(1_000);
    expect(bench.reply.shown()).toBe('Hi');
    expect(bench.texts()).toEqual([`Hi${CURSOR}`]);
  });

  it('reports what the person can read: the confirmed text, without the cursor and added fence lines', async () => {
    const bench = openBench();
    const text = `\`\`\`js\n${'let a = 1;\n'.repeat(12)}`;
    bench.reply.update(text);
    expect(bench.reply.shown()).toBe('');
    await bench.clock.settle();
    const [first = ''] = bench.texts();
    expect(bench.reply.shown()).toBe(first.slice(0, -'```'.length));
    await bench.clock.advance(1_000);
    expect(bench.reply.shown()).toBe(text);
    bench.hold('edit');
    bench.reply.update(`${text}more`);
    await bench.clock.advance(1_000);
    expect(bench.log.at(-1)).toMatch(/more/);
    expect(bench.reply.shown()).toBe(text);
  });
});

describe('the end of a live reply', () => {
  it('writes a short answer once, without a cursor', async () => {
    const { reply, log } = openBench({ firstPostDelayMs: 300 });
    reply.update('Short');
    await reply.end(answered('Short.'));
    expect(log).toEqual(['intent 1', 'post 1 Short.', 'id 1 a']);
  });

  it('waits for the write in flight and removes the cursor', async () => {
    const bench = openBench();
    const release = bench.hold('post');
    bench.reply.update('Hello');
    await bench.clock.settle();
    const end = bench.reply.end(answered('Hello'));
    expect(await isSettled(end, bench.clock)).toBe(false);
    expect(bench.log).toEqual(['intent 1', `post 1 Hello${CURSOR}`]);
    release();
    await end;
    expect(bench.log.slice(2)).toEqual(['id 1 a', 'edit a Hello']);
  });

  it('does not wait for the streaming pace', async () => {
    const bench = openBench({ intervalMs: 60_000 });
    bench.reply.update('Hel');
    await bench.clock.settle();
    bench.reply.update('Hello');
    await bench.reply.end(answered('Hello'));
    expect(bench.texts()).toEqual(['Hello']);
    expect(bench.clock.pending()).toBe(0);
  });

  it('writes nothing if the platform shows the final text already', async () => {
    const bench = openBench({ cursor: '' });
    bench.reply.update('Hello');
    await bench.clock.settle();
    bench.log.length = 0;
    await bench.reply.end(answered('Hello'));
    expect(bench.log).toEqual([]);
  });

  it('removes the controls of a live part even if the text is final', async () => {
    const bench = openBench({ cursor: '', liveControls: true });
    bench.reply.update('Hello');
    await bench.clock.settle();
    expect(bench.messages.get('a')?.live).toBe(true);
    await bench.reply.end(answered('Hello'));
    expect(bench.messages.get('a')?.live).toBe(false);
  });

  it('is written once, however often it is called', async () => {
    const bench = openBench({ firstPostDelayMs: 300 });
    bench.reply.update('Hel');
    await Promise.all([bench.reply.end(answered('Hello')), bench.reply.end(answered('Hello'))]);
    await bench.reply.end(answered('Hello'));
    bench.reply.update('Something else');
    await bench.clock.advance(10_000);
    expect(bench.log).toEqual(['intent 1', 'post 1 Hello', 'id 1 a']);
    expect(bench.reply.shown()).toBe('Hello');
  });

  it('of a failure keeps the shown text, closes its fence, and adds the failure below', async () => {
    const bench = openBench();
    bench.reply.update('See:\n```js\nlet a');
    await bench.clock.settle();
    bench.reply.update('See:\n```js\nlet a = 1; // never shown');
    bench.fail('edit', unavailable, 5);
    const end = bench.reply.end(failed('Sorry.'));
    const rejected = expect(end).rejects.toMatchObject({ code: 'platform_unavailable', retryable: true });
    await bench.clock.advance(60_000);
    await rejected;
    await bench.reply.end(failed('Sorry.'));
    expect(bench.texts()).toEqual(['See:\n```js\nlet a\n```\n\nSorry.']);
  });

  it('of a failure that failed half-way itself is completed the same way', async () => {
    const bench = openBench({ maxTries: 1 });
    const sorry = 'Sorry. '.repeat(20).trim();
    bench.reply.update('Hello');
    await bench.clock.settle();
    bench.fail('post', unavailable);
    await expect(bench.reply.end(failed(sorry))).rejects.toMatchObject({ code: 'platform_unavailable' });
    expect(bench.texts()).toEqual([expect.stringMatching(/^Hello\n\nSorry/)]);
    const again = bench.reply.end(failed(sorry));
    await bench.clock.advance(10_000);
    await again;
    expect(bench.texts().join('')).toBe(`Hello\n\n${sorry}`);
  });

  it('writes again after an edit whose response was lost', async () => {
    const bench = openBench({ cursor: '' });
    bench.reply.update('Hello');
    await bench.clock.settle();
    bench.fail('edit', 'lost');
    bench.reply.update('Hello you');
    await bench.clock.advance(1_000);
    expect(bench.texts()).toEqual(['Hello you']);
    const seen = bench.reply.shown();
    const end = bench.reply.end({ kind: 'answered', text: seen, stopped: true });
    await bench.clock.advance(1_000);
    await end;
    expect(bench.texts()).toEqual(['Hello']);
  });

  it('of a failure before anything was shown says only the failure', async () => {
    const bench = openBench();
    await bench.reply.end(failed('Sorry.'));
    expect(bench.texts()).toEqual(['Sorry.']);
  });

  it('of a forgotten turn replaces the shown text, and posts nothing if nothing was shown', async () => {
    const shown = openBench();
    shown.reply.update(words(30));
    await shown.clock.advance(5_000);
    expect(shown.texts()).toHaveLength(3);
    await shown.reply.end(forgotten);
    expect(shown.texts()).toEqual(['Forgotten.']);
    const silent = openBench();
    silent.reply.update('Hello');
    await silent.reply.end(forgotten);
    expect(silent.log).toEqual([]);
  });
});

describe('a platform with errors', () => {
  it('is not called for as long as it asked, not even by `end`', async () => {
    const bench = openBench();
    bench.fail('post', limited(7_000));
    bench.reply.update('Hello');
    await bench.clock.settle();
    const end = bench.reply.end(answered('Hello'));
    await bench.clock.advance(6_999);
    expect(bench.log).toEqual(['intent 1', `post 1 Hello${CURSOR}`]);
    await bench.clock.advance(1);
    await end;
    expect(bench.log.slice(2)).toEqual(['post 1 Hello', 'id 1 a']);
  });

  it('that asks for too long a wait makes `end` fail, to be retried later', async () => {
    const bench = openBench({ maxWaitMs: 30_000 });
    bench.fail('post', limited(30_002));
    bench.reply.update('Hello');
    await bench.clock.advance(1);
    await expect(bench.reply.end(answered('Hello'))).rejects.toMatchObject({
      code: 'platform_rate_limited',
      retryAfterMs: 30_001,
      retryable: true,
    });
    await bench.clock.advance(1);
    const again = bench.reply.end(answered('Hello'));
    await bench.clock.advance(30_000);
    await again;
    expect(bench.texts()).toEqual(['Hello']);
  });

  it('is retried with doubled delays, up to a maximum, then `end` fails', async () => {
    const bench = openBench({ backoffMs: 1_000, maxBackoffMs: 3_000, maxTries: 5, finds: false });
    bench.fail('edit', unavailable, 99);
    bench.reply.update('Hello');
    await bench.clock.settle();
    const end = bench.reply.end(answered('Hello'));
    const rejected = expect(end).rejects.toMatchObject({ code: 'platform_unavailable', retryable: true });
    await bench.clock.advance(60_000);
    await rejected;
    const tries = bench.at.filter((_, index) => bench.log[index]?.startsWith('edit'));
    // Without chance (random: 0) a wait is half of its full length: 1, 2, 3 (the longest), 3 seconds.
    expect(tries).toEqual([0, 500, 1_500, 3_000, 4_500]);
    expect(bench.clock.pending()).toBe(0);
  });

  it('that accepts a write in between resets the delays', async () => {
    const bench = openBench({ backoffMs: 1_000, intervalMs: 1 });
    bench.reply.update('Hello');
    await bench.clock.settle();
    for (const [failures, text] of [
      [3, 'Hello you'],
      [1, 'Hello you too'],
    ] as const) {
      bench.fail('edit', unavailable, failures);
      bench.reply.update(text);
      await bench.clock.advance(10_000);
    }
    const tries = bench.at.filter((_, index) => bench.log[index]?.startsWith('edit'));
    expect(tries).toEqual([1, 501, 1_501, 3_501, 10_000, 10_500]);
  });

  it('does not stop a growing reply once it works again', async () => {
    const bench = openBench();
    bench.reply.update('Hello');
    await bench.clock.settle();
    bench.fail('edit', unavailable, 3);
    bench.reply.update('Hello you');
    await bench.clock.advance(20_000);
    expect(bench.texts()).toEqual([`Hello you${CURSOR}`]);
  });

  it('that refuses for good is not called while the text grows, and once more by `end`, which fails', async () => {
    const bench = openBench();
    bench.fail('post', refused, 2);
    for (const text of ['H', 'He', 'Hel']) {
      bench.reply.update(text);
      await bench.clock.advance(5_000);
    }
    expect(bench.log).toEqual(['intent 1', `post 1 H${CURSOR}`]);
    const end = expect(bench.reply.end(answered('Hello'))).rejects.toMatchObject({ code: 'platform_refused' });
    await bench.clock.advance(60_000);
    await end;
    expect(bench.log.slice(2)).toEqual(['post 1 Hello']);
  });

  it('is not called if the limit leaves no room: `end` reports that', async () => {
    const bench = openBench({ limit: 10 });
    bench.reply.update('Hello');
    await bench.clock.advance(60_000);
    await expect(bench.reply.end(answered('Hello'))).rejects.toMatchObject({ code: 'internal' });
    expect(bench.log).toEqual([]);
  });

  it('that does not respond at all runs into a time limit', async () => {
    const bench = openBench({ writeTimeoutMs: 10_000 });
    bench.reply.update('Hello');
    await bench.clock.settle();
    const release = bench.hold('edit');
    const end = bench.reply.end(answered('Hello'));
    await bench.clock.advance(10_000);
    release();
    await bench.clock.advance(500);
    await end;
    expect(bench.log.filter((entry) => entry.startsWith('edit'))).toHaveLength(2);
  });

  it('on which somebody deleted a part does not get it again', async () => {
    const bench = openBench();
    const text = words(30);
    bench.reply.update(text);
    await bench.clock.advance(5_000);
    bench.messages.delete('a');
    bench.messages.delete('c');
    bench.reply.update(`${text} more`);
    await bench.clock.advance(1_000);
    await bench.reply.end(answered(`${text} more`));
    expect([...bench.messages.keys()]).toEqual(['b']);
    expect(bench.reply.shown()).not.toMatch(/word29|more/);
    expect(bench.log.filter((entry) => entry.startsWith('post'))).toHaveLength(3);
  });
});

describe('the typing indicator', () => {
  const signs = (log: readonly string[]) => log.filter((entry) => entry.includes('think'));

  it('is shown at once, renewed, and stopped before the first post', async () => {
    const bench = openBench();
    bench.reply.showTyping();
    await bench.clock.advance(17_000);
    expect(signs(bench.log)).toEqual(['think', 'think', 'think']);
    bench.reply.update('Hello');
    await bench.clock.advance(60_000);
    expect(signs(bench.log)).toHaveLength(3);
    await bench.reply.end(answered('Hello'));
    expect(signs(bench.log)).toHaveLength(3);
    expect(bench.clock.pending()).toBe(0);
  });

  it('in flight is waited for: after the post it would appear again', async () => {
    const bench = openBench();
    const release = bench.hold('think');
    bench.reply.showTyping();
    bench.reply.update('Hello');
    await bench.clock.advance(2_000);
    expect(bench.log).toEqual(['think']);
    release();
    await bench.clock.settle();
    expect(bench.log.slice(1)).toEqual(['intent 1', `post 1 Hello${CURSOR}`, 'id 1 a']);
  });

  it('is cleared by an end without a post, by a failed end, and by detaching', async () => {
    const nothing = openBench();
    nothing.reply.showTyping();
    await nothing.reply.end(forgotten);
    const failing = openBench();
    failing.reply.showTyping();
    failing.fail('post', refused);
    await expect(failing.reply.end(answered('Hello'))).rejects.toThrow();
    const left = openBench();
    left.reply.showTyping();
    await left.reply.detach();
    for (const { log, clock } of [nothing, failing, left]) {
      expect(signs(log)).toEqual(['think', 'stop thinking']);
      expect(clock.pending()).toBe(0);
    }
  });

  it('that a dead worker left is cleared, too', async () => {
    const bench = openBench({
      messageRefs: { 1: { intentAt: 1_000_000, id: 'a' } },
      before: { a: { part: 1, text: 'H' } },
    });
    await bench.reply.end(answered('Hello'));
    expect(signs(bench.log)).toEqual(['stop thinking']);
  });

  it('that the platform refuses is not requested again; a rate limit delays it', async () => {
    const bench = openBench();
    bench.fail('think', refused);
    bench.reply.showTyping();
    await bench.clock.advance(60_000);
    expect(bench.log).toEqual(['think']);
    const later = openBench();
    later.fail('think', limited(20_000));
    later.reply.showTyping();
    await later.clock.advance(20_000);
    expect(later.at).toEqual([0, 20_000]);
  });

  it('never throws', () => {
    const bench = openBench();
    bench.fail('think', failure('internal'));
    expect(() => bench.reply.showTyping()).not.toThrow();
  });
});
