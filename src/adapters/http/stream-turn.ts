/** Writes a turn as server-sent events (schemas.ts names them) while it is being answered. */

import type { SSEStreamingApi } from 'hono/streaming';
import type { Logger } from '../../core/ports.ts';
import type { Locale, UnreadFile } from '../../core/types.ts';
import type { ErrorCode } from '../../errors.ts';
import { beginsWith } from '../../lib/begins-with.ts';
import { keepAlive } from '../../lib/keep-alive.ts';
import type { FollowedTurn } from './follow-turn.ts';
import { type AnswerNotes, refusalOf, refusalOfTurn, renderChat, renderPending } from './render.ts';
import type { StreamEvents } from './schemas.ts';

export interface StreamTurnOptions {
  readonly stream: Pick<SSEStreamingApi, 'write' | 'writeSSE'>;
  readonly turn: FollowedTurn;
  readonly user: string;
  /** Aborts when the caller has gone or the server stops. */
  readonly signal: AbortSignal;
  readonly heartbeatMs: number;
  readonly locale: Locale;
  /** The notes under an answer that was made without `unread`. */
  readonly notes: (unread: readonly UnreadFile[] | undefined) => Promise<AnswerNotes>;
  /** What happened, by the code, in the person's language. */
  readonly phrase: (code: ErrorCode) => string;
  readonly logger: Logger;
}

/** Resolves when the last event is written, or the caller has gone. Never rejects. */
export async function streamTurn(options: StreamTurnOptions): Promise<void> {
  const { stream, turn, user, signal, phrase } = options;
  const stopHeartbeat = keepAlive(stream, options.heartbeatMs);
  let shown = '';

  function send<Name extends keyof StreamEvents>(event: Name, data: StreamEvents[Name]): Promise<void> {
    return stream.writeSSE({ event, data: JSON.stringify(data) });
  }

  /** Brings what the caller has put together from the deltas to `text`. */
  async function show(text: string): Promise<void> {
    if (!beginsWith(text, shown)) {
      shown = '';
      await send('reset', {});
    }
    if (text === shown) return;
    await send('delta', { text: text.slice(shown.length) });
    shown = text;
  }

  try {
    await send('turn', { turn_id: turn.turnId, user_id: user });
    let news = await turn.next(signal);
    while (news?.kind === 'text') {
      await show(news.text);
      news = await turn.next(signal);
    }
    if (news === undefined) {
      await send('pending', renderPending(user, turn.turnId));
    } else if (news.kind === 'answered') {
      await show(news.text);
      await send('done', renderChat(user, news, options.locale, await options.notes(news.unread)));
    } else {
      const { status, detail } = refusalOfTurn(news, phrase);
      await send('error', { status, detail });
    }
  } catch (error) {
    options.logger.error({ turn: turn.turnId, err: error }, 'could not stream an answer');
    const { status, detail } = refusalOf(error);
    await send('error', { status, detail });
  } finally {
    stopHeartbeat();
  }
}
