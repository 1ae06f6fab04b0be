import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createAnnouncedReply } from '../../../src/replies/announced-reply.ts';
import {
  type EndEvent,
  joinText,
  type LiveText,
  NOTHING_SEEN,
  type TextEvent,
} from '../../../src/replies/live-text.ts';

/** Lets everything that can go on without the test go on. */
const pass = () => new Promise<void>((resolve) => setImmediate(resolve));

/** A reply whose announcements the test lets through one by one. */
function startReply(stream = 'one', alive = () => true) {
  const announced: (TextEvent | EndEvent)[] = [];
  const lost: unknown[] = [];
  const gates: { open: () => void; fail: (error: Error) => void }[] = [];
  const reply = createAnnouncedReply({
    stream,
    paceMs: 0,
    lease: { alive },
    onLost: (error) => void lost.push(error),
    announce: (event) => {
      announced.push(event);
      return new Promise((resolve, reject) => gates.push({ open: resolve, fail: reject }));
    },
  });
  const settle = async (action: (gate: { open: () => void; fail: (error: Error) => void }) => void) => {
    await pass();
    const gate = gates.shift();
    if (gate === undefined) throw new Error('Nothing is being announced.');
    action(gate);
    await pass();
  };
  return {
    reply,
    announced,
    lost,
    letThrough: () => settle((gate) => gate.open()),
    lose: () => settle((gate) => gate.fail(new Error('away'))),
  };
}

describe('a reply over HTTP', () => {
  test('is announced one piece at a time: what comes meanwhile goes out together', async () => {
    const { reply, announced, letThrough } = startReply();
    reply.update('One');
    reply.update('One, two');
    reply.update('One, two, three');
    expect(announced).toEqual([{ kind: 'live.text', stream: 'one', from: 0, text: 'One' }]);
    await letThrough();
    expect(announced.slice(1)).toEqual([{ kind: 'live.text', stream: 'one', from: 3, text: ', two, three' }]);
    await letThrough();
    reply.update('One, two, three!');
    expect(announced.slice(2)).toEqual([{ kind: 'live.text', stream: 'one', from: 15, text: '!' }]);
  });

  test('has shown what went out, and nothing more', async () => {
    const { reply, letThrough } = startReply();
    reply.update('One');
    expect(reply.shown()).toBe('');
    await letThrough();
    expect(reply.shown()).toBe('One');
  });

  test('has shown nothing of what was taken back, and says so', async () => {
    const { reply, announced, letThrough } = startReply();
    reply.update('secret');
    await letThrough();
    reply.update('secret, too');
    reply.update('');
    expect(reply.shown()).toBe('');
    await letThrough();
    expect(reply.shown()).toBe('');
    expect(announced.at(-1)).toEqual({ kind: 'live.text', stream: 'one', from: 0, text: '' });
    await letThrough();
    expect(reply.shown()).toBe('');
  });

  test('tells the whole text once more to somebody who has come in the middle of it', async () => {
    const { reply, announced, letThrough } = startReply();
    reply.update('One');
    await letThrough();
    reply.repeat();
    expect(announced.slice(1)).toEqual([{ kind: 'live.text', stream: 'one', from: 0, text: 'One' }]);
    // Meanwhile somebody else comes: this piece may have gone out before they listened.
    reply.repeat();
    reply.update('One, two');
    expect(reply.shown()).toBe('One');
    await letThrough();
    expect(announced.at(-1)).toEqual({ kind: 'live.text', stream: 'one', from: 0, text: 'One, two' });
  });

  test('tells again what was lost with the next piece', async () => {
    const { reply, announced, lost, lose } = startReply();
    reply.update('One');
    await lose();
    expect(lost).toHaveLength(1);
    reply.update('One, two');
    expect(announced.at(-1)).toEqual({ kind: 'live.text', stream: 'one', from: 0, text: 'One, two' });
  });

  test('begins anew when the text is another one', async () => {
    const { reply, announced, letThrough } = startReply();
    reply.update('Hello');
    await letThrough();
    reply.update('Help');
    expect(announced.at(-1)).toEqual({ kind: 'live.text', stream: 'one', from: 0, text: 'Help' });
  });

  test('ends with the whole text, after the piece that is on its way', async () => {
    const { reply, announced, letThrough } = startReply();
    reply.update('One');
    reply.update('One, two');
    const ending = reply.end({ kind: 'answered', text: 'One, two, three', stopped: false });
    await pass();
    expect(announced).toHaveLength(1);
    await letThrough();
    expect(announced.slice(1)).toEqual([{ kind: 'live.end', outcome: 'answered', text: 'One, two, three' }]);
    await letThrough();
    await ending;
    reply.update('more');
    expect(announced).toHaveLength(2);
  });

  test('ends also when nobody can be told', async () => {
    const { reply, lost, lose } = startReply();
    const ending = reply.end({ kind: 'failed', text: 'Sorry' });
    await lose();
    await ending;
    expect(lost).toHaveLength(1);
  });

  test('says nothing once the lease is lost, and nothing after it was abandoned', async () => {
    let alive = true;
    const { reply, announced, letThrough } = startReply('one', () => alive);
    reply.update('One');
    alive = false;
    await letThrough();
    reply.update('One, two');
    await reply.end({ kind: 'answered', text: 'One, two', stopped: false });
    expect(announced).toHaveLength(1);

    const other = startReply();
    await other.reply.detach();
    other.reply.update('One');
    expect(other.announced).toEqual([]);
  });

  test('is abandoned when the piece that is on its way has gone out', async () => {
    const { reply, letThrough } = startReply();
    reply.update('One');
    let abandoned = false;
    const abandoning = reply.detach().then(() => {
      abandoned = true;
    });
    await pass();
    expect(abandoned).toBe(false);
    await letThrough();
    await abandoning;
  });
});

describe('the text that a follower puts together', () => {
  const piece = (stream: string, from: number, text: string): TextEvent => ({ kind: 'live.text', stream, from, text });
  const textAfter = (...events: TextEvent[]) => events.reduce(joinText, NOTHING_SEEN).text;

  test('waits where a piece is missing, and goes on when it is told again', () => {
    expect(textAfter(piece('a', 0, 'One'), piece('a', 8, '!'))).toBe('One');
    expect(textAfter(piece('a', 0, 'One'), piece('a', 8, '!'), piece('a', 3, ', two!'))).toBe('One, two!');
  });

  test('takes a piece that came twice once', () => {
    expect(textAfter(piece('a', 0, 'One'), piece('a', 3, ', two'), piece('a', 3, ', two'))).toBe('One, two');
  });

  test('begins anew with another worker, and no longer hears the first', () => {
    expect(textAfter(piece('a', 0, 'One, two'), piece('b', 0, 'On'), piece('a', 8, '!'), piece('b', 2, 'ce'))).toBe(
      'Once',
    );
  });

  test('is not the first worker’s again, even if that one begins anew', () => {
    expect(textAfter(piece('a', 0, 'One'), piece('b', 0, 'Two'), piece('a', 0, 'Three'))).toBe('Two');
  });

  test('does not begin in the middle of another worker’s text', () => {
    expect(textAfter(piece('a', 0, 'One, two'), piece('b', 2, 'ce'))).toBe('One, two');
  });

  test('is always what its worker had told, whichever announcements are lost', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ text: fc.string({ maxLength: 5 }), heard: fc.boolean() }), { maxLength: 20 }),
        fc.integer({ min: 0, max: 20 }),
        async (pieces, takeoverAt) => {
          let live: LiveText = NOTHING_SEEN;
          let heard = true;
          const told = new Set(['']);
          const begin = (stream: string) =>
            createAnnouncedReply({
              stream,
              paceMs: 0,
              lease: { alive: () => true },
              onLost: () => {},
              announce: async (event) => {
                if (heard && event.kind === 'live.text') live = joinText(live, event);
              },
            });
          let reply = begin('a');
          let text = '';
          for (const [index, next] of pieces.entries()) {
            if (index === takeoverAt) {
              reply = begin('b');
              text = '';
            }
            heard = next.heard;
            text += next.text;
            told.add(text);
            reply.update(text);
            await pass();
            expect(told).toContain(live.text);
          }
        },
      ),
      { numRuns: 50 },
    );
  });
});
