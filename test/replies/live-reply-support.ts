/** A platform in memory and a turn around it, so that a live reply can be watched write by write on a clock of its own. */

import { createLogger } from '../../src/app/log.ts';
import type { Reply } from '../../src/core/ports.ts';
import { encodeSession } from '../../src/core/session.ts';
import type { MessageRef } from '../../src/core/types.ts';
import { BotError, type ErrorCode } from '../../src/errors.ts';
import { createLiveReply, type LiveReplyOptions } from '../../src/replies/live-reply.ts';
import type { ReplyWriter } from '../../src/replies/writer.ts';
import { createManualClock, type ManualClock } from '../support/manual-clock.ts';

export const CURSOR = ' ▌';
const SESSION = encodeSession({ place: { platform: 'recording', channel: 'c1' }, user: 'u1' });

/** `queue`: the way of a post through the client's own queue, before its bytes leave. */
type Operation = 'queue' | 'post' | 'edit' | 'remove' | 'find' | 'think' | 'intent' | 'id';

interface Message {
  readonly part: number;
  readonly nonce: string;
  text: string;
  live: boolean;
}

export interface Bench {
  readonly reply: Reply;
  readonly clock: ManualClock;
  /** What was done, in order: `post 1 Hello`, `edit a Hello you`, `intent 1`, `id 1 a`, `think` … */
  readonly log: string[];
  /** Monotonic milliseconds of each entry of the log. */
  readonly at: number[];
  /** What is to be seen now, by id. */
  readonly messages: Map<string, Message>;
  readonly texts: () => readonly string[];
  /** The next `times` operations of this kind fail: not done, or (`lost`) done without an answer. */
  fail(operation: Operation, error: BotError | 'lost', times?: number): void;
  /** Holds operations of this kind on their way until the returned function is called. */
  hold(operation: Operation): () => void;
  /** The lease: `late` while it is not renewed, `lost` for good. */
  readonly lease: { late: boolean; lose(): void };
  readonly unreconciled: () => number;
}

export interface BenchOptions extends Partial<LiveReplyOptions> {
  readonly messageRefs?: Record<number, MessageRef>;
  /** Messages that are on the platform from before: id -> part and text. */
  readonly before?: Record<string, { readonly part: number; readonly text: string }>;
  /** The platform tells no nonces, or can't look for messages. Default: it can do both. */
  readonly nonces?: boolean;
  readonly finds?: boolean;
  readonly startsAt?: number;
}

export function failure(code: ErrorCode, options: { retryable?: boolean; retryAfterMs?: number } = {}): BotError {
  return new BotError(code, code, options);
}
export const unavailable = failure('platform_unavailable', { retryable: true });
export const refused = failure('platform_refused');
export const limited = (retryAfterMs: number) => failure('platform_rate_limited', { retryable: true, retryAfterMs });

export function openBench(options: BenchOptions = {}): Bench {
  const { messageRefs = {}, before = {}, nonces = true, finds = true, startsAt = 1_000_000, ...live } = options;
  const clock = createManualClock(startsAt);
  const controller = new AbortController();
  const lease = { late: false, lose: () => controller.abort() };
  const log: string[] = [];
  const at: number[] = [];
  const failures: { operation: Operation; error: BotError | 'lost' }[] = [];
  const holds = new Map<Operation, Promise<void>>();
  const messages = new Map<string, Message>();
  for (const [id, { part, text }] of Object.entries(before)) {
    messages.set(id, { part, text, nonce: `t1:${part}`, live: false });
  }
  let posted = 0;
  let unreconciled = 0;

  async function operate<T>(operation: Operation, entry: string, run: () => T): Promise<T> {
    log.push(entry);
    at.push(clock.monotonic());
    const index = failures.findIndex((failing) => failing.operation === operation);
    const failing = index === -1 ? undefined : failures.splice(index, 1)[0]?.error;
    await holds.get(operation);
    if (failing instanceof BotError) throw failing;
    const result = run();
    if (failing === 'lost') throw new TypeError('terminated');
    return result;
  }

  const transport: ReplyWriter = {
    async post(part, text, { nonce, live: isLive, check }) {
      await holds.get('queue');
      check();
      return await operate('post', `post ${part} ${text}`, () => {
        const earlier = [...messages].find(([, message]) => nonces && message.nonce === nonce);
        if (earlier !== undefined) return earlier[0];
        const id = 'abcdefgh'.charAt(posted);
        posted += 1;
        messages.set(id, { part, text, nonce, live: isLive });
        return id;
      });
    },
    edit: (id, text, { live: isLive }) =>
      operate('edit', `edit ${id} ${text}`, () => {
        const message = messages.get(id);
        if (message === undefined) return 'gone';
        Object.assign(message, { text, live: isLive });
        return 'edited';
      }),
    remove: (id) => operate('remove', `remove ${id}`, () => void messages.delete(id)),
    showTyping: () => operate('think', 'think', () => undefined),
    stopTyping: () => operate('think', 'stop thinking', () => undefined),
  };
  if (finds) {
    transport.find = (part, { after }) =>
      operate(
        'find',
        `find ${part}${after === undefined ? '' : ` after ${after}`}`,
        () => [...messages].find(([, message]) => message.part === part)?.[0],
      );
  }

  const reply = createLiveReply(
    transport,
    {
      sessionId: SESSION,
      turnId: 't1',
      messageRefs: new Map(Object.entries(messageRefs).map(([part, ref]) => [Number(part), ref])),
      resumed: Object.keys(messageRefs).length > 0,
      saveMessageRef: (part, { id }) =>
        operate(id === undefined ? 'intent' : 'id', id === undefined ? `intent ${part}` : `id ${part} ${id}`, () => {}),
      lease: { signal: controller.signal, alive: () => !lease.late && !controller.signal.aborted },
      locale: 'en',
    },
    {
      limit: 100,
      intervalMs: 1_000,
      firstPostDelayMs: 0,
      typingRefreshMs: 8_000,
      nonceTrustMs: nonces ? 120_000 : 0,
      cursor: CURSOR,
      clock,
      timers: clock,
      log: createLogger({ level: 'silent', secrets: [] }),
      unreconciled: () => {
        unreconciled += 1;
      },
      random: () => 0,
      ...live,
    },
  );

  return {
    reply,
    clock,
    log,
    at,
    messages,
    texts: () => [...messages.values()].toSorted((a, b) => a.part - b.part).map(({ text }) => text),
    fail(operation, error, times = 1) {
      for (let time = 0; time < times; time += 1) failures.push({ operation, error });
    },
    hold(operation) {
      let release = () => {};
      holds.set(
        operation,
        new Promise((resolve) => {
          release = resolve;
        }),
      );
      return () => {
        holds.delete(operation);
        release();
      };
    },
    lease,
    unreconciled: () => unreconciled,
  };
}

/** Whether a promise has settled by now. */
export async function isSettled(promise: Promise<unknown>, clock: ManualClock): Promise<boolean> {
  let settled = false;
  const done = () => {
    settled = true;
  };
  promise.then(done, done);
  await clock.settle();
  return settled;
}
