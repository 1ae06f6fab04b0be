/** A reply that is streamed and then edited, call by call, on a clock that the test plays. */
import { expect, it } from 'vitest';
import type { ReplyContext } from '../../../src/core/ports.ts';
import { encodeSession } from '../../../src/core/session.ts';
import type { Fate } from '../../replies/interleavings.ts';
import { createManualClock } from '../../support/manual-clock.ts';
import { createHeldSlack } from './held-slack.ts';

const CONTEXT: Omit<ReplyContext, 'turnId'> = {
  sessionId: encodeSession({ place: { platform: 'slack', channel: 'C0ROOM' } }),
  ...{ messageRefs: new Map(), resumed: false, locale: 'en' },
  lease: { alive: () => true, signal: new AbortController().signal },
  async saveMessageRef() {},
};

/** A reply whose writes meet these fates, in order; later ones succeed. */
function openReply(...fates: Fate[]) {
  const clock = createManualClock(Date.now());
  const gate = { pass: async <T>(call: (fate: Fate) => T) => call(fates.shift() ?? 'ok') };
  const stage = createHeldSlack(true)(gate, clock);
  return { clock, stage, reply: stage.open({ ...CONTEXT, turnId: '1700000000.000001' }) };
}

it('shows nothing of what was streamed once the text is taken back, also after the stream gave up', async () => {
  const { clock, stage, reply } = openReply('ok', 'cut');
  reply.update('A thought');
  await clock.advance(1_300);
  reply.update('A thought aloud');
  // Long enough for the append, which fails, so that the stream gives up; too short for the first edit.
  await clock.advance(500);
  expect(stage.visible()).toEqual(['A thought']);
  expect(reply.shown()).toBe('A thought');
  reply.update('');
  expect(reply.shown()).toBe('');
  const end = reply.end({ kind: 'failed', text: 'It went wrong.' });
  await clock.advance(10_000);
  await end;
  expect(stage.visible()).toEqual(['It went wrong.']);
});
