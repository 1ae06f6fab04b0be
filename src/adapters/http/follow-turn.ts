/** Follows one turn on behalf of a caller, until it is settled or the caller has gone. */
import type { BotPort } from '../../core/bot-port.ts';
import type { Clock } from '../../core/ports.ts';
import type { SessionId } from '../../core/session.ts';
import type { AnswerCut, JsonValue, TurnId, TurnRecord, UnreadFile } from '../../core/types.ts';
import { BotError, type ErrorCode, toBotError } from '../../errors.ts';
import { createSignal } from '../../lib/signal.ts';
import { type EndEvent, joinText, type LiveText, liveEvent, NOTHING_SEEN } from '../../replies/live-text.ts';

/** How a turn ended. Times in milliseconds, `timestamp` Unix. */
export type Settlement =
  | {
      readonly kind: 'answered';
      readonly text: string;
      /** Absent: the answer is whole. */
      readonly cut?: AnswerCut | undefined;
      /** Files that the answer was made without. */
      readonly unread?: readonly UnreadFile[] | undefined;
      readonly timestamp: number;
      /** 0: the conversation has expired or was forgotten since. */
      readonly expiresInMs: number;
    }
  | { readonly kind: 'failed'; readonly code: ErrorCode }
  | { readonly kind: 'forgotten' };

/** `text`: the answer so far. */
export type TurnNews = { readonly kind: 'text'; readonly text: string } | Settlement;

export interface FollowedTurn {
  readonly turnId: TurnId;
  /** The next update of the turn; undefined once `signal` has aborted. Waits while the store is away. */
  next(signal: AbortSignal): Promise<TurnNews | undefined>;
  /** Stops following; the turn continues. Never rejects. */
  close(): Promise<void>;
}

export interface FollowOptions {
  /** Milliseconds between looks at the record when nothing is announced: signals may be lost. */
  readonly pollMs: number;
  readonly clock: Clock;
  /** The turn is in the store already. */
  readonly stored?: 'stored';
}

/** Messages of the conversation looked at first: a fresh answer is among the newest. */
const RECENT = 20;

type TurnReader = Pick<BotPort, 'follow' | 'record' | 'memory'>;

/**
 * Subscribes to the turn. Call it before the turn is enqueued: earlier announcements are missed, and then only the slow poll of the
 * record sees them. @throws BotError `store_unavailable`.
 */
export async function followTurn(
  bot: TurnReader,
  sessionId: SessionId,
  turnId: TurnId,
  { pollMs, clock, stored }: FollowOptions,
): Promise<FollowedTurn> {
  const news = createSignal();
  let live: LiveText = NOTHING_SEEN;
  let ended: EndEvent | undefined;
  let newText = false;
  let look = true;

  const hear = (payload: JsonValue) => {
    const event = liveEvent.safeParse(payload);
    if (event.success && event.data.kind === 'live.text') {
      const before = live.text;
      live = joinText(live, event.data);
      newText ||= live.text !== before;
    } else {
      if (event.success && event.data.kind === 'live.end') ended = event.data;
      look = true;
    }
    news.notify();
  };
  // Nothing is stored yet, so after any error the caller can simply try again.
  const unfollow = await bot.follow(sessionId, turnId, hear, stored).catch((cause: unknown) => {
    throw new BotError('store_unavailable', 'The turn could not be followed.', { cause, retryable: true });
  });

  return {
    turnId,
    async next(signal) {
      while (!signal.aborted) {
        if (newText) {
          newText = false;
          return { kind: 'text', text: live.text };
        }
        if (look) {
          look = false;
          const settlement = await settled();
          if (settlement !== undefined) return settlement;
        } else if ((await news.wait(pollMs, signal)) === 'timeout') {
          look = true;
        }
      }
      return undefined;
    },
    // A subscription that cannot be ended does no harm and must not hold up the answer.
    close: () => unfollow().catch(() => {}),
  };

  async function settled(): Promise<Settlement | undefined> {
    try {
      return await readSettlement(await bot.record(sessionId, turnId));
    } catch (error) {
      // The turn is stored, so it will be answered when the store is back: keep waiting.
      if (toBotError(error).code === 'store_unavailable') return undefined;
      throw error;
    }
  }

  async function readSettlement(record: TurnRecord | undefined): Promise<Settlement | undefined> {
    const outcome = record === undefined ? 'unknown' : outcomeOf(record);
    if (outcome === undefined) return undefined;
    if (outcome === 'failed') return { kind: 'failed', code: record?.code ?? 'internal' };
    if (outcome === 'forgotten') return { kind: 'forgotten' };
    const remembered = await findAnswer(bot, sessionId, turnId);
    if (remembered !== undefined) return remembered;
    const text = record?.answer ?? (ended?.outcome === 'answered' ? ended.text : undefined);
    // Answered, and the conversation expired before it could be read: the caller still gets what was written.
    if (outcome === 'answered' && text !== undefined) {
      const about = { cut: record?.cut ?? ended?.cut, unread: record?.unread ?? ended?.unread };
      return { kind: 'answered', text, ...about, timestamp: clock.now(), expiresInMs: 0 };
    }
    return { kind: 'forgotten' };
  }
}

function outcomeOf(record: TurnRecord): TurnRecord['outcome'] {
  if (record.outcome !== undefined) return record.outcome;
  const { state } = record;
  return state === 'answered' || state === 'failed' || state === 'forgotten' ? state : undefined;
}

async function findAnswer(bot: TurnReader, sessionId: SessionId, turnId: TurnId): Promise<Settlement | undefined> {
  for (const options of [{ limit: RECENT }, {}]) {
    const history = await bot.memory.history(sessionId, options);
    if (history === undefined) return undefined;
    const answer = history.messages.find((message) => message.turn === turnId && message.role === 'assistant');
    if (answer !== undefined) {
      const { content, cut, unread, timestamp } = answer;
      return { kind: 'answered', text: content, cut, unread, timestamp, expiresInMs: history.expiresInMs };
    }
    if (history.total <= RECENT) return undefined;
  }
  return undefined;
}
