/** A live reply on a platform that knows its posts by their nonces: at the end people read the committed answer. */
import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { createLogger } from '../../src/app/log.ts';
import { BotError } from '../../src/errors.ts';
import { createLiveReply } from '../../src/replies/live-reply.ts';
import type { ManualClock } from '../support/manual-clock.ts';
import { depth, runs } from '../support/tier.ts';
import {
  type End,
  FAULTS,
  type Fate,
  type Gate,
  isRight,
  play,
  type Script,
  type Stage,
  type Step,
  sequences,
} from './interleavings.ts';

const CURSOR = ' ▌';
const FIRST = ['One', 'One two', 'One two three'];
const OTHER = ['Another', 'Another answer'];
const MORE = ['One two three', 'One two three four'];
const words = (count: number) => Array.from({ length: count }, (_, index) => `word${index}`).join(' ');
/** Takes three messages. */
const LONG = [words(12), words(30)];
/** Only bounds what hangs: a test plays hundreds of scripts. */
vi.setConfig({ testTimeout: 180_000 });

const STEPS: readonly Step[] = ['first', 'second', 'time', 'answer'];

interface Message {
  readonly nonce: string;
  text: string;
  live: boolean;
}

function createStage(gate: Gate, clock: ManualClock): Stage {
  const messages = new Map<string, Message>();

  /** A write that may be lost on either way. */
  const write = <T>(run: () => T) =>
    gate.pass((fate) => {
      if (fate === 'limited') {
        throw new BotError('platform_rate_limited', fate, { retryable: true, retryAfterMs: 2_000 });
      }
      if (fate === 'cut') throw new BotError('platform_unavailable', fate, { retryable: true });
      const result = run();
      if (fate === 'lost') throw new BotError('platform_unavailable', fate, { retryable: true });
      return result;
    });

  return {
    open: (context) =>
      createLiveReply(
        {
          post: (_part, text, { nonce, live }) =>
            write(() => {
              const earlier = [...messages].find(([, message]) => message.nonce === nonce);
              if (earlier !== undefined) return earlier[0];
              const id = String(messages.size + 1);
              messages.set(id, { nonce, text, live });
              return id;
            }),
          edit: (id, text, { live }) =>
            write(() => {
              const message = messages.get(id);
              if (message === undefined) return 'gone';
              Object.assign(message, { text, live });
              return 'edited';
            }),
          remove: (id) => write(() => void messages.delete(id)),
          find: async (part) => [...messages].find(([, { nonce }]) => nonce.endsWith(`:${part}`))?.[0],
        },
        context,
        {
          ...{ limit: 100, intervalMs: 1_000, firstPostDelayMs: 300, typingRefreshMs: 8_000, nonceTrustMs: 120_000 },
          ...{ cursor: CURSOR, liveControls: true, clock, timers: clock, unreconciled() {}, random: () => 0 },
          log: createLogger({ level: 'silent', secrets: [] }),
        },
      ),
    visible: () => [...messages.values()].map(({ text }) => text),
    leftovers: () =>
      [...messages.values()].flatMap(({ text, live }) => (live ? [`it still looks unfinished: ${text}`] : [])),
  };
}

async function expectCommitted(script: Script): Promise<void> {
  const played = await play(script, createStage);
  const told = `${played.trail.join(', ')} (${script.fates.join(', ')}): ${played.visible.join(' | ')}`;
  expect(isRight(played), told).toBe(true);
  expect(played.leftovers, told).toEqual([]);
}

describe('a reply known by its nonces shows the committed answer at its end', () => {
  it.each([
    ['something else', FIRST, OTHER],
    ['a beginning of the first', FIRST, ['One']],
    ['the first and more', FIRST, MORE],
    ['what is longer than a message', FIRST, LONG],
    ['what is shorter than the messages of the first', LONG, OTHER],
  ])('in every order of steps, and then %s', async (_, first, second) => {
    for (const steps of sequences(STEPS, depth(5))) await expectCommitted({ first, second, steps, fates: [] });
  });

  it.each(FAULTS)('in every order of fewer steps, with a write that is %s', async (fault) => {
    for (const second of [OTHER, MORE, LONG]) {
      for (const steps of sequences(STEPS, depth(4))) {
        for (const fates of [[fault], ['ok', fault]] as const) {
          await expectCommitted({ first: FIRST, second, steps, fates });
        }
      }
    }
  });

  it('in longer orders, with any faults, and workers that die', async () => {
    const script = fc.record({
      first: fc.constantFrom(FIRST, LONG),
      second: fc.constantFrom(OTHER, MORE, LONG),
      steps: fc
        .array(fc.constantFrom<Step>(...STEPS, 'time', 'answer', 'die'), { maxLength: 16 })
        .map((steps): readonly Step[] => ['first', ...steps]),
      end: fc.constantFrom<End>('answered', 'answered', 'stopped', 'failed', 'forgotten'),
      fates: fc.array(fc.constantFrom<Fate>('ok', 'ok', ...FAULTS), { maxLength: 6 }),
    });
    await fc.assert(fc.asyncProperty(script, expectCommitted), { numRuns: runs(500) });
  });
});
