/** The files of a turn, from the store to the chain and the end of the reply. */
import { describe, expect, it } from 'vitest';
import { createLogger } from '../../src/app/log.ts';
import { createMetrics } from '../../src/app/metrics.ts';
import { createHeartbeat } from '../../src/core/heartbeat.ts';
import { TURN_BUDGET_MS } from '../../src/core/limits.ts';
import type { Chain, FileContent, FileReader } from '../../src/core/ports.ts';
import { createRunningTurns } from '../../src/core/turn-watch.ts';
import type { FileRef, ReplyEnd } from '../../src/core/types.ts';
import { createWorker } from '../../src/core/worker.ts';
import { createCoreMessages } from '../../src/i18n/messages.ts';
import { messageOf, sessionOf, useStore } from '../contracts/store/support.ts';
import { makeSqliteFixture } from '../memory/sqlite-fixture.ts';

const clock = { now: () => Date.now(), monotonic: () => performance.now() };
const SESSION = sessionOf({ user: 'ada' });
const WINDOW = 4;

describe('a turn', () => {
  const harness = useStore((options) => makeSqliteFixture({ ...options, window: WINDOW }));

  /** Answers messages with one file each; returns which files the chain got with each, and how the replies ended. */
  async function answerAll(ids: readonly string[]) {
    const { store } = harness;
    const shown: (readonly string[])[] = [];
    const ended: ReplyEnd[] = [];
    let held = 0;
    const chain: Chain = {
      async *stream({ history, message, files = new Map() }) {
        const refs = [...history.flatMap((earlier) => earlier.files ?? []), ...(message.attachments ?? [])];
        shown.push(refs.filter((ref) => files.has(ref)).map(({ name }) => name));
        const unread = (message.attachments ?? []).map(({ name }) => ({ name, why: 'no_vision' as const }));
        yield { kind: 'shown', used: { turns: [], facts: [] }, unread };
        yield { kind: 'text', text: 'An answer' };
      },
    };
    const files: FileReader = {
      async read(_, groups) {
        const read = groups.flatMap((group) => group.files);
        held += 1;
        return {
          contents: new Map(read.map((file): [FileRef, FileContent] => [file, { kind: 'text', text: 'x' }])),
          release() {
            held -= 1;
          },
        };
      },
    };
    const worker = createWorker({
      ...{ store, chain, clock, files, concurrency: 1, window: WINDOW, process: 'p1' },
      logger: createLogger({ level: 'silent', secrets: [] }),
      replies: {
        openReply: async () => ({
          showTyping() {},
          update() {},
          shown: () => '',
          async end(end) {
            ended.push(end);
          },
          async detach() {},
        }),
      },
      coreMessages: createCoreMessages(),
      metrics: createMetrics().turns,
      running: createRunningTurns('p1'),
      heartbeat: createHeartbeat(clock),
      bounds: {
        firstTokenMs: 60_000,
        betweenTokensMs: 60_000,
        answerMs: TURN_BUDGET_MS,
        maxMessageLength: 8_000,
        maxLength: 40_000,
      },
      older: async (sessionId) => (await store.open(sessionId, 100)).messages,
      onPending() {},
    });
    await worker.start();
    try {
      for (const [index, id] of ids.entries()) {
        await worker.enqueue({ ...messageOf(SESSION, id), attachments: [{ name: `${id}.png`, ref: { id } }] });
        await expect.poll(() => ended.length, { timeout: 60_000, interval: 10 }).toBe(index + 1);
        await expect.poll(() => store.waiting(SESSION), { timeout: 60_000, interval: 10 }).toEqual([]);
      }
    } finally {
      await worker.stop(0);
    }
    // The contents are released when the answer is there.
    expect(held).toBe(0);
    return { shown, ended };
  }

  it('has the files of the window also when older messages are searched', async () => {
    const { shown } = await answerAll(['m1', 'm2', 'm3', 'm4']);
    expect(shown).toEqual([
      ['m1.png'],
      ['m1.png', 'm2.png'],
      ['m1.png', 'm2.png', 'm3.png'],
      ['m2.png', 'm3.png', 'm4.png'],
    ]);
  });

  it('says once that the model cannot see images, and stores it with each answer', async () => {
    const { ended } = await answerAll(['m1', 'm2']);
    expect(ended.map((end) => end.kind === 'answered' && end.unread)).toEqual([
      [{ name: 'm1.png', why: 'no_vision' }],
      undefined,
    ]);
    const { messages } = await harness.store.open(SESSION, 10);
    expect(messages.map(({ unread = [] }) => unread.length)).toEqual([0, 1, 0, 1]);
  });
});
