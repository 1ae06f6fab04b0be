/**
 * What an answer costs is linear in its length, however small its pieces are. Counted, not timed: what is read of the text by
 * whoever looks for code fences in it (all splitting does), and what is published.
 */
import { afterAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { cutStream } from '../../src/adapters/slack/reply/stream-cut.ts';
import { createLogger } from '../../src/app/log.ts';
import { encodeSession } from '../../src/core/session.ts';
import { createAnnouncedReply } from '../../src/replies/announced-reply.ts';
import { createLiveReply } from '../../src/replies/live-reply.ts';
import { splitMarkdown } from '../../src/replies/markdown/split.ts';
import { createManualClock } from '../support/manual-clock.ts';

const counted = vi.hoisted(() => {
  // Else what another file has loaded in this worker would be used, and not the mock.
  vi.resetModules();
  return { read: 0 };
});
afterAll(() => vi.resetModules());
vi.mock('../../src/replies/markdown/code-fences.ts', async (original) => {
  const fences = await original<typeof import('../../src/replies/markdown/code-fences.ts')>();
  const scanLine: typeof fences.scanLine = (open, line, limits) => {
    counted.read += line.length + 1;
    return fences.scanLine(open, line, limits);
  };
  return { ...fences, scanLine };
});
beforeEach(() => {
  counted.read = 0;
});

const PIECE = 'word ';
const lease = { alive: () => true, signal: new AbortController().signal };
const textOf = (length: number) => `${PIECE.repeat(11)}\n`.repeat(Math.ceil(length / 56)).slice(0, length);

/** Streams a text of this length in pieces of five characters, 400 characters a second. */
async function say(length: number, update: (text: string) => void, clock: ReturnType<typeof createManualClock>) {
  const text = textOf(length);
  for (let end = 5; end <= length; end += 5) {
    update(text.slice(0, end));
    if (end % 20 === 0) await clock.advance(10);
  }
  return text;
}

describe('an answer of twice the length costs about twice as much', () => {
  it('over a connection of ours: each piece of text is published once', async () => {
    for (const length of [4_000, 8_000]) {
      const clock = createManualClock();
      const events: number[] = [];
      const reply = createAnnouncedReply({
        ...{ stream: 's', lease, onLost() {}, timers: clock },
        async announce(event) {
          if (event.kind === 'live.text') events.push(event.text.length);
        },
      });
      const text = await say(length, (grown) => reply.update(grown), clock);
      await clock.advance(100);
      expect(events.reduce((sum, size) => sum + size, 0)).toBe(text.length);
      // Every 150 ms, not with each piece.
      expect(events.length).toBeLessThanOrEqual(clock.monotonic() / 150 + 1);
      expect(events.length).toBeGreaterThan(length / 400);
    }
  });

  it('as an edited reply: only the part that may still change is read again', async () => {
    const costs: number[] = [];
    for (const length of [20_000, 40_000]) {
      const clock = createManualClock();
      counted.read = 0;
      let prepared = 0;
      let writes = 0;
      const write = async () => {
        writes += 1;
      };
      const reply = createLiveReply(
        {
          async post(part) {
            await write();
            return String(part);
          },
          async edit() {
            await write();
            return 'edited';
          },
          remove: write,
        },
        {
          ...{
            sessionId: encodeSession({ place: { platform: 'p', channel: 'c' } }),
            turnId: 't',
            messageRefs: new Map(),
          },
          ...{ resumed: false, saveMessageRef: async () => {}, lease, locale: 'en' },
        },
        {
          ...{ limit: 2_000, intervalMs: 1_000, firstPostDelayMs: 300, typingRefreshMs: 8_000, nonceTrustMs: 0 },
          ...{
            cursor: '',
            clock,
            timers: clock,
            unreconciled() {},
            log: createLogger({ level: 'silent', secrets: [] }),
          },
          prepare(text) {
            prepared += 1;
            return text;
          },
        },
      );
      const text = await say(length, (grown) => reply.update(grown), clock);
      await reply.end({ kind: 'answered', text, stopped: false });
      expect(prepared).toBeLessThanOrEqual(writes + 1);
      costs.push(counted.read);
    }
    const [once = 0, twice = 0] = costs;
    expect(twice / once).toBeLessThan(2.4);
  });

  it('as a native stream: the cost of a write does not depend on how much is pending', () => {
    const costs = [40_000, 80_000].map((length) => {
      counted.read = 0;
      cutStream('', textOf(length), false);
      return counted.read;
    });
    expect(costs[0]).toBe(costs[1]);
    expect(costs[0]).toBeLessThan(40_000);
  });

  it('as a native stream without lines: its end is found by binary search', () => {
    counted.read = 0;
    const { used } = cutStream('', '漢'.repeat(40_000), false);
    expect(used).toBe(3_000);
    expect(counted.read).toBeLessThan(40_000);
  });

  it.each([' a', 'a', ' '])('in parts, also where a code fence is opened by a line of thousands of %j', (unit) => {
    const text = `\`\`\`js${unit.repeat(40_000 / unit.length)}`;
    counted.read = 0;
    splitMarkdown(text, { limit: 9_000 });
    // Of each part a few hundred places are weighed, not all of its thousands.
    expect(counted.read / text.length).toBeLessThan(600);
  });
});
