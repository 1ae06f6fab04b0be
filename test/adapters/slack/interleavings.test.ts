/** Slack's replies, streamed and edited: at the end people read the committed answer, whatever happened before. */
import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { messagesIn } from '../../../src/i18n/messages.ts';
import {
  type End,
  FAULTS,
  type Fate,
  isRight,
  play,
  type Script,
  type Step,
  sequences,
} from '../../replies/interleavings.ts';
import { depth, runs } from '../../support/tier.ts';
import { createHeldSlack } from './held-slack.ts';

const FIRST = ['One', 'One two', 'One two three'];
const OTHER = ['Another', 'Another answer'];
const MORE = ['One two three', 'One two three four'];
/** Needs more than one message. */
const LONG = [`${'many words '.repeat(700)}more`, `${'many words '.repeat(1_700)}end`];
const SECONDS: Readonly<Record<string, readonly string[]>> = {
  'a different text': OTHER,
  'a beginning of the first': ['One'],
  'the first and more': MORE,
  'a text longer than a message': LONG,
};
/** Only bounds what hangs: a test plays hundreds of scripts. */
vi.setConfig({ testTimeout: 180_000 });

const STEPS: readonly Step[] = ['first', 'second', 'time', 'answer'];

async function expectCommitted(script: Script, slack: ReturnType<typeof createHeldSlack>): Promise<void> {
  const played = await play(script, slack);
  const told = `${played.trail.join(', ')} (${script.fates.join(', ')}): ${played.visible.join(' | ')}`;
  expect(isRight(played, messagesIn('en').stopped), told).toBe(true);
  expect(played.leftovers, told).toEqual([]);
}

describe.each([
  ['streamed', true],
  ['edited', false],
])('a reply that is %s shows the committed answer at its end', (_, streams) => {
  const slack = createHeldSlack(streams);

  it.each(Object.entries(SECONDS))('in every order of steps, and then %s', async (_name, second) => {
    for (const steps of sequences(STEPS, depth(second === LONG ? 4 : 5))) {
      await expectCommitted({ first: FIRST, second, steps, fates: [] }, slack);
    }
  });

  it.each(FAULTS)('in every shorter order, with a write that is %s', async (fault) => {
    for (const second of [OTHER, MORE]) {
      for (const steps of sequences(STEPS, depth(4))) {
        for (const fates of [[fault], ['ok', fault]] as const) {
          await expectCommitted({ first: FIRST, second, steps, fates }, slack);
        }
      }
    }
  });

  it('when the messages of a failed attempt become one', async () => {
    const written = Array.from({ length: 6 }, (): readonly Step[] => ['time', 'answer']).flat();
    for (const steps of sequences(STEPS, depth(3))) {
      const script = {
        first: LONG,
        second: OTHER,
        steps: ['first', 'first', ...written, ...steps] as const,
        fates: [],
      };
      await expectCommitted(script, slack);
    }
  });

  it('in longer orders, with any faults and dying workers', async () => {
    const script = fc.record({
      first: fc.constant(FIRST),
      second: fc.constantFrom(...Object.values(SECONDS)),
      steps: fc
        .array(fc.constantFrom<Step>(...STEPS, 'time', 'answer', 'die'), { maxLength: 16 })
        .map((steps): readonly Step[] => ['first', ...steps]),
      end: fc.constantFrom<End>('answered', 'answered', 'stopped', 'failed', 'forgotten'),
      fates: fc.array(fc.constantFrom<Fate>('ok', 'ok', ...FAULTS), { maxLength: 6 }),
    });
    await fc.assert(
      fc.asyncProperty(script, (drawn) => expectCommitted(drawn, slack)),
      { numRuns: runs(300) },
    );
  });
});
