/** What recall costs on the real store, and what it shows after something was forgotten. */
import { createOlderMessages } from '../../src/core/older-messages.ts';
import { encodeSession, type SessionId } from '../../src/core/session.ts';
import type { ChatMessage } from '../../src/core/types.ts';
import { percentile } from '../figures.ts';
import { openStore } from '../memory/recollect.ts';
import { infoNumber, withRedis } from '../memory/world.ts';
import type { BenchContext } from '../report.ts';
import type { LongConversation } from './locomo.ts';
import { composer, WINDOW } from './ways.ts';

type Store = Awaited<ReturnType<typeof openStore>>['store'];

export interface Speed {
  /** Milliseconds added to one question, one at a time. */
  readonly p50: number;
  readonly p99: number;
  readonly messages: number;
  /** With 32 conversations asked at once. */
  readonly questionsPerSecond: number;
  readonly redisCpuMs: number;
  /** Answers that went on without in the time that they had. */
  readonly skipped: number;
  /** Requests with a message that was removed before. */
  readonly leaks: number;
  readonly removed: number;
}

const AT_ONCE = 32;

export async function measureSpeed(context: BenchContext, conversations: readonly LongConversation[]): Promise<Speed> {
  const longest = conversations.toSorted((one, other) => other.messages.length - one.messages.length)[0];
  if (longest === undefined) throw new TypeError('There is no conversation in the data.');
  return await withRedis(context, async ({ url, admin }) => {
    const { store } = await openStore(url);
    try {
      const sessions = Array.from({ length: AT_ONCE }, (_, index) => sessionOf(index));
      for (const session of sessions) await fill(store, session, longest.messages);
      const [first = sessionOf(0)] = sessions;
      let skipped = 0;
      const older = createOlderMessages({
        store,
        maxMessages: 2_000,
        metrics: { recallSkipped: () => (skipped += 1) },
      });
      const withRecall = composer(1_950);
      const without = composer(0);
      const questions = longest.questions.slice(0, context.short ? 10 : 300).map(({ text }) => text);

      const added: number[] = [];
      for (const text of questions) {
        const { messages } = await store.open(first, WINDOW);
        const started = performance.now();
        without(messages, text);
        const between = performance.now();
        withRecall((await older(first)) ?? messages, text);
        added.push(performance.now() - between - (between - started));
      }
      added.sort((one, other) => one - other);

      const cpu = async () =>
        (await infoNumber(admin, 'cpu', 'used_cpu_user_main_thread')) +
        (await infoNumber(admin, 'cpu', 'used_cpu_sys_main_thread'));
      const [cpuBefore, started] = [await cpu(), performance.now()];
      skipped = 0;
      await Promise.all(
        sessions.map(async (session) => {
          for (const text of questions.slice(0, 20)) withRecall((await older(session)) ?? [], text);
        }),
      );
      const asked = AT_ONCE * Math.min(20, questions.length);
      const seconds = (performance.now() - started) / 1_000;
      const redisCpuMs = ((await cpu()) - cpuBefore) * (1_000 / asked);
      const atOnce = skipped;

      let leaks = 0;
      const removed = longest.questions.slice(0, context.short ? 3 : 50);
      for (const { text, evidence } of removed) {
        const gone = evidence.flatMap((index) => longest.messages[index] ?? []);
        for (const { source } of gone) await store.removeTurns(first, { source });
        const request = JSON.stringify(withRecall((await store.open(first, 2_000)).messages, text));
        leaks += gone.filter(({ content }) => request.includes(JSON.stringify(content).slice(1, -1))).length;
      }
      return {
        ...{ p50: percentile(added, 50), p99: percentile(added, 99), messages: longest.messages.length },
        ...{ questionsPerSecond: asked / seconds, redisCpuMs, skipped: atOnce, leaks, removed: removed.length },
      };
    } finally {
      await store.close();
    }
  });
}

function sessionOf(index: number): SessionId {
  return encodeSession({ place: { platform: 'discord', workspace: '1', channel: String(index) }, user: 'asker' });
}

async function fill(store: Store, sessionId: SessionId, messages: readonly ChatMessage[]): Promise<void> {
  for (let index = 0; index + 1 < messages.length; index += 2) {
    const [question, answer] = [messages[index], messages[index + 1]];
    if (question === undefined || answer === undefined) continue;
    const author = { id: question.authorId, name: question.author ?? '' };
    await store.append(
      {
        id: question.source,
        turnId: question.turn,
        sessionId,
        author,
        text: question.content,
        sentAt: question.timestamp,
        isDirect: false,
      },
      { text: answer.content, timestamp: answer.timestamp, stopped: false, tokens: 1 },
    );
  }
}
