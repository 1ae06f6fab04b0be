/** POST /chat: stores the message first, then waits for its answer together with the caller. */
import { randomBytes } from 'node:crypto';
import type { Context, Hono } from 'hono';
import { streamSSE } from 'hono/streaming';
import { hasRememberHint } from '../../core/remember-hint.ts';
import type { IncomingMessage, UnreadFile } from '../../core/types.ts';
import { hasUnreadNote } from '../../core/vision-note.ts';
import type { ErrorCode } from '../../errors.ts';
import { bodyLimit, withLargeJson } from '../../lib/json-body.ts';
import { MAX_FILES_JSON } from '../attachments.ts';
import { answerCommand } from './commands.ts';
import type { HttpDeps } from './deps.ts';
import { type FollowedTurn, followTurn } from './follow-turn.ts';
import { asksTheSame, parseChat, preferredLocale, toMessage, wantsStream } from './normalize.ts';
import { refuse, refuseAs } from './refuse.ts';
import {
  type AnswerNotes,
  historyPath,
  refusalOfMessage,
  refusalOfTurn,
  renderChat,
  renderPending,
  retryAfter,
} from './render.ts';
import { chatRequestSchema } from './schemas.ts';
import { streamTurn } from './stream-turn.ts';
import type { Caller } from './waiting-callers.ts';

export function addChatRoute(app: Hono, deps: HttpDeps): void {
  const schema = chatRequestSchema(deps.limits);
  const small = bodyLimit(deps.limits.maxMessageChars);
  const limits = { small, large: small + MAX_FILES_JSON, field: 'attachments', room: deps.bodies };

  app.post('/chat', async (c) => {
    // What waits for the answer keeps nothing of the files.
    const { response, message, turn } = await withLargeJson(c.req.raw, limits, (body) => takeIn(c, body));
    if (response !== undefined) return response;
    const answer = wantsStream(c.req.header('accept')) ? streamAnswer : awaitAnswer;
    return answer(c, deps, message, turn);
  });

  /** Runs a command, or stores the message. */
  async function takeIn(c: Context, body: unknown): Promise<TakenIn> {
    const { attachments, ...message } = toMessage(parseChat(schema, body), {
      idempotencyKey: c.req.header('idempotency-key'),
      locale: preferredLocale(c.req.header('accept-language')),
      now: deps.clock.now(),
      random: randomBytes(9).toString('base64url'),
    });
    if (!deps.callers.open) throw refuse(503, 'The bot is shutting down. Please try again.', retryAfter(1000));
    const command = await answerCommand(c, deps, message);
    if (command !== undefined) return { response: command };
    const turn = await enqueue(deps, attachments === undefined ? message : { ...message, attachments });
    return { message, turn };
  }
}

type TakenIn =
  | { readonly response: Response; readonly message?: never; readonly turn?: never }
  | { readonly response?: never; readonly message: IncomingMessage; readonly turn: FollowedTurn };

/**
 * Stores the message and follows its turn; of a repeated one, the turn it was first stored as.
 * @throws BotError `store_unavailable` or `store_full`, HTTPException 422 or 429: then it is not stored.
 */
async function enqueue(deps: HttpDeps, message: IncomingMessage): Promise<FollowedTurn> {
  const { bot, clock, timings } = deps;
  const followOptions = { pollMs: timings.pollMs, clock };
  const turn = await followTurn(bot, message.sessionId, message.turnId, followOptions);
  const result = await bot.receive(message).catch(async (error: unknown) => {
    await turn.close();
    throw error;
  });
  if (result.kind !== 'queued' && result.kind !== 'duplicate') {
    await turn.close();
    throw refuseAs(refusalOfMessage(result));
  }
  if (result.kind === 'queued') return turn;
  await turn.close();
  if (result.turnId !== turn.turnId && !asksTheSame(message, result.turnId)) {
    throw refuse(422, 'This Idempotency-Key was used with another body in the last 24 hours. Use a new key.');
  }
  return followTurn(bot, message.sessionId, result.turnId, { ...followOptions, stored: 'stored' });
}

async function awaitAnswer(
  c: Context,
  deps: HttpDeps,
  message: IncomingMessage,
  turn: FollowedTurn,
): Promise<Response> {
  const user = message.author.id;
  const caller = deps.callers.join(c.req.raw.signal, deps.timings.answerMs);
  try {
    let news = await turn.next(caller.signal);
    while (news?.kind === 'text') news = await turn.next(caller.signal);
    if (news === undefined) return c.json(renderPending(user, turn.turnId), 202, { Location: historyPath(user) });
    if (news.kind === 'answered') {
      return c.json(renderChat(user, news, message.locale, await notesOf(deps, message, turn, news.unread)));
    }
    throw refuseAs(refusalOfTurn(news, phraseFor(deps, message)));
  } finally {
    part(caller, turn);
  }
}

function streamAnswer(c: Context, deps: HttpDeps, message: IncomingMessage, turn: FollowedTurn): Response {
  const { heartbeatMs } = deps.timings;
  const caller = deps.callers.join(c.req.raw.signal);
  // nginx would hold the events back otherwise.
  c.header('X-Accel-Buffering', 'no');
  return streamSSE(c, async (stream) => {
    stream.onAbort(caller.hangUp);
    await streamTurn({
      stream,
      turn,
      user: message.author.id,
      signal: caller.signal,
      heartbeatMs,
      locale: message.locale,
      notes: (unread) => notesOf(deps, message, turn, unread),
      phrase: phraseFor(deps, message),
      logger: deps.logger,
    });
    part(caller, turn);
  });
}

/** The notes that the worker put under the answer. A store that cannot be asked means those that are not shown once only. */
async function notesOf(
  { bot }: HttpDeps,
  message: IncomingMessage,
  { turnId }: FollowedTurn,
  unread: readonly UnreadFile[] | undefined,
): Promise<AnswerNotes> {
  const turn = { sessionId: message.sessionId, turnId };
  const [rememberHint, noteUnread] = await Promise.all([
    hasRememberHint(message, turn, bot.flags).catch(() => false),
    hasUnreadNote(unread, turn, bot.flags).catch(() => true),
  ]);
  return { rememberHint, noteUnread };
}

/** The caller goes; the turn is none of their business any more. The answer does not wait for a store that is slow to hear it. */
function part(caller: Caller, turn: FollowedTurn): void {
  caller.leave();
  void turn.close();
}

function phraseFor({ coreMessages }: HttpDeps, { locale }: IncomingMessage): (code: ErrorCode) => string {
  return (code) => coreMessages.failed(code, locale);
}
