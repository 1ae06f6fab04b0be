/** One turn, from the claim to the last write on the platform. */
import { BotError, type ErrorCode, toBotError } from '../errors.ts';
import { backoff } from '../lib/backoff.ts';
import { delay } from '../lib/delay.ts';
import { DELIVERY_BUDGET_MS, MAX_ATTEMPTS, MAX_BACKOFF_MS, MAX_TAKEOVERS } from './limits.ts';
import type { ReadOlderMessages } from './older-messages.ts';
import type {
  Chain,
  Clock,
  CoreMessages,
  FileReader,
  Lease,
  Logger,
  ReadFiles,
  Reply,
  ReplyOpener,
  TurnMetrics,
} from './ports.ts';
import type { Held } from './pulse.ts';
import { type AnswerBounds, type ModelAnswer, readAnswer } from './read-answer.ts';
import { withRememberHint } from './remember-hint.ts';
import { isOwn } from './session.ts';
import type { ClaimedTurn, ConversationStore, OpenConversation } from './store.ts';
import { estimateTokens } from './tokens.ts';
import type { RunningTurns, TurnWatch } from './turn-watch.ts';
import type { ChatMessage, ReplyEnd, UnreadFile, UsedMemory } from './types.ts';
import { withVisionNoteOnce } from './vision-note.ts';

export interface TurnDeps {
  readonly store: ConversationStore;
  readonly chain: Chain;
  readonly replies: ReplyOpener;
  readonly coreMessages: CoreMessages;
  readonly metrics: TurnMetrics;
  readonly running: RunningTurns;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly bounds: AnswerBounds & {
    /** Milliseconds for a whole run of a turn, and from the first claim to the start of the last attempt (ANSWER_TIMEOUT). */
    readonly answerMs: number;
    /** Longest message of a person, in UTF-16 units; a waiting message may have been edited since it was received (MAX_MESSAGE_LENGTH). */
    readonly maxMessageLength: number;
  };
  /** Newest messages the model is shown (MEMORY_WINDOW). */
  readonly window: number;
  /** Reads the older messages, which are searched for recall; undefined: recall is off. */
  readonly older?: ReadOlderMessages | undefined;
  readonly files: FileReader;
  /** Returns a token for the next turn of the conversation; undefined if other conversations take precedence. */
  readonly hold: () => Held | undefined;
}

export type TurnEnd =
  /** `waiting`: messages that still wait. `next`: the next turn, if it was claimed already. */
  | {
      readonly kind: 'finished';
      readonly waiting: number;
      readonly next: { readonly held: Held; readonly turn: ClaimedTurn } | undefined;
    }
  /** Requeued: the platform does not accept the answer now. */
  | { readonly kind: 'later' }
  /** Requeued, for any worker. */
  | { readonly kind: 'unowned' }
  /** Another worker has the turn, or will take it over. */
  | { readonly kind: 'lost' };

/** Runs a claimed turn: determines its outcome, writes it to the platform and completes the turn. */
export async function runTurn(taken: ClaimedTurn, lease: Lease, deps: TurnDeps): Promise<TurnEnd> {
  const logger = deps.logger.child({ session: taken.lease.sessionId, turn: taken.lease.turnId });
  let turn: RunningTurn;
  try {
    turn = await openTurn(taken, lease, { ...deps, logger });
  } catch (thrown) {
    return await giveUpUnopened(taken, { ...deps, lease, logger }, toBotError(thrown));
  }
  try {
    const settled = settledEnd(turn) ?? (await answer(turn));
    const told = await withVisionNoteOnce(settled, taken.lease, deps.store.flags);
    const end = await withRememberHint(told, taken.message, taken.lease, deps.store.flags);
    const delivered = await deliver(turn, end);
    return delivered ? await finish(turn, end) : await giveBack(turn);
  } catch (thrown) {
    if (isLost(turn, thrown)) return await detach(turn);
    await turn.reply.detach();
    throw thrown;
  } finally {
    turn.watch.end();
  }
}

interface RunningTurn extends TurnDeps {
  readonly taken: ClaimedTurn;
  readonly lease: Lease;
  readonly watch: TurnWatch;
  readonly reply: Reply;
  /** What the model was last shown of older memory, and the files that it was not, for the answer's element. */
  readonly shown: { used: UsedMemory | undefined; unread: readonly UnreadFile[] };
  /** Monotonic milliseconds at the beginning of this run. */
  readonly since: number;
}

async function openTurn(taken: ClaimedTurn, lease: Lease, deps: TurnDeps): Promise<RunningTurn> {
  const { store, replies, running, clock, metrics, logger } = deps;
  const { sessionId, turnId } = taken.lease;
  const { attempt, state, takeovers } = taken.record;
  logger.debug({ attempt, state }, 'turn claimed');
  if (takeovers > 0) {
    metrics.takeover();
    logger.warn({ takeovers, state }, 'turn taken over');
  }
  const reply = await replies.openReply(taken.message.replyTo, {
    sessionId,
    turnId,
    messageRefs: taken.record.messageRefs,
    resumed: taken.record.attempt > 1,
    locale: taken.message.locale,
    lease,
    async saveMessageRef(part, ref) {
      if (!(await untilLost({ lease }, () => store.saveMessageRef(taken.lease, part, ref)))) throw lostError();
    },
  });
  const watch = running.watch(taken.lease, lease, {
    check: () => store.check(taken.lease),
    followers: taken.followers,
    repeat: () => reply.repeat?.(),
  });
  return { ...deps, taken, lease, watch, reply, shown: { used: undefined, unread: [] }, since: clock.monotonic() };
}

/**
 * Gives up a reply that cannot be opened, because its platform is not enabled here or its target is malformed: it must not block the
 * messages after it. If the platform is merely not ready yet, requeues the turn.
 */
async function giveUpUnopened(
  taken: ClaimedTurn,
  deps: TurnDeps & { readonly lease: Lease },
  error: BotError,
): Promise<TurnEnd> {
  const { store, metrics, logger } = deps;
  if (error.retryable) {
    logger.warn({ code: error.code, err: error.message }, 'reply could not be opened; will retry');
    await untilLost(deps, () => store.requeue(taken.lease));
    return { kind: 'later' };
  }
  logger.error({ code: error.code, err: error.message }, 'reply could not be opened');
  await untilLost(deps, () => store.fail(taken.lease, error.code));
  metrics.undelivered(taken.message.platform);
  metrics.turn('failed', 0);
  return await complete(taken, deps);
}

/** Completes the turn in the store, and claims the conversation's next turn. */
async function complete(taken: ClaimedTurn, deps: TurnDeps & { readonly lease: Lease }): Promise<TurnEnd> {
  const held = deps.hold();
  try {
    const completed = await untilLost(deps, () => deps.store.complete(taken.lease, held?.token));
    if (completed.kind === 'claimed' && held !== undefined) {
      return { kind: 'finished', waiting: 1, next: { held, turn: completed.turn } };
    }
    held?.release();
    if (completed.kind === 'fenced') return { kind: 'lost' };
    return { kind: 'finished', waiting: completed.kind === 'left' ? completed.waiting : 1, next: undefined };
  } catch (thrown) {
    held?.release();
    throw thrown;
  }
}

/** The outcome of a turn that was settled before this run: by a worker that died after its commit, or by /forget. */
function settledEnd({ taken: { record, message }, coreMessages }: RunningTurn): ReplyEnd | undefined {
  switch (record.state) {
    case 'answered':
      return answeredEnd({ text: record.answer ?? '', cut: record.cut }, record.stopped ?? false, record.unread);
    case 'failed':
      return { kind: 'failed', text: coreMessages.failed(record.code ?? 'internal', message.locale) };
    case 'forgotten':
      return { kind: 'forgotten', text: coreMessages.forgotten(message.locale) };
    case 'queued':
    case 'running':
    case 'finished':
      return undefined;
  }
}

/** Calls the model until it answers, the attempts are used up, or the turn is stopped or forgotten. Stores the outcome. */
async function answer(turn: RunningTurn): Promise<ReplyEnd> {
  const { taken, store, metrics, clock } = turn;
  if (taken.record.takeovers > MAX_TAKEOVERS) return await fail(turn, 'turn_gave_up');
  if (taken.record.stopRequested) return await stopped(turn);
  if (taken.message.text.length > turn.bounds.maxMessageLength) return await fail(turn, 'model_too_long');
  turn.reply.showTyping();
  let newest: OpenConversation | undefined = taken;
  for (;;) {
    try {
      return await commit(turn, await ask(turn, newest), false);
    } catch (thrown) {
      newest = undefined;
      if (turn.watch.interruption() === 'stopped') return await stopped(turn);
      if (turn.watch.interruption() === 'forgotten') return forgottenEnd(turn);
      if (isLost(turn, thrown)) throw thrown;
      const error = toBotError(thrown);
      const failures = await untilLost(turn, () => store.countFailure(taken.lease));
      if (failures === undefined) throw lostError();
      const pause = Math.max(error.retryAfterMs ?? 0, backoff(failures, MAX_BACKOFF_MS));
      const spent = taken.record.startedAt > 0 ? clock.now() - taken.record.startedAt : 0;
      if (!error.retryable || failures >= MAX_ATTEMPTS || spent + pause > turn.bounds.answerMs)
        return await fail(turn, error.code, error);
      turn.logger.warn({ code: error.code, failures, err: error.message }, 'attempt failed, the model is asked again');
      metrics.retry(error.code);
      await pauseFor(turn, pause);
    }
  }
}

/**
 * One attempt to get an answer. `known`: the messages that came with the claim. A later attempt reads them again, so that turns that
 * were removed meanwhile are not shown.
 */
async function ask(turn: RunningTurn, known: OpenConversation | undefined): Promise<ModelAnswer> {
  const { taken, store, chain, reply, watch, metrics, clock, bounds } = turn;
  const { message, lease } = taken;
  const newest = known ?? (await untilLost(turn, () => store.open(lease.sessionId, turn.window)));
  const all = newest.total > newest.messages.length ? await turn.older?.(lease.sessionId) : undefined;
  const shared = !message.isDirect && !isOwn(lease.sessionId);
  const startedAt = clock.monotonic();
  const history = all ?? newest.messages;
  const { contents, release } = await readFiles(turn, history.slice(-turn.window));
  return await readAnswer(
    (signal) => chain.stream({ history, facts: newest.facts, message, files: contents, shared }, signal),
    {
      ...bounds,
      remainingMs: bounds.answerMs - (startedAt - turn.since),
      signal: watch.signal,
      onShown({ used, unread }) {
        turn.shown.used = used;
        turn.shown.unread = unread;
      },
      onFirst: () => metrics.firstToken(clock.monotonic() - startedAt),
      onText: (text) => reply.update(text),
    },
  ).finally(release);
}

/** The files of the message, and those of the newest messages. The model's time starts only afterwards. */
async function readFiles({ taken, files, watch }: RunningTurn, newest: readonly ChatMessage[]): Promise<ReadFiles> {
  const { message } = taken;
  const quoted = (message.quotes ?? []).flatMap((quote) => quote.files ?? []);
  const groups = [
    { files: message.attachments ?? [], quoted: false },
    { files: quoted, quoted: true },
    ...newest.toReversed().map((earlier) => ({ files: earlier.files ?? [], quoted: false })),
  ];
  if (groups.every((group) => group.files.length === 0)) return { contents: new Map(), release() {} };
  return await files.read(message.platform, groups, watch.signal);
}

/** Writes memory and record in one step. From here on the answer is final, whatever happens to this process. */
async function commit(turn: RunningTurn, said: ModelAnswer, wasStopped: boolean): Promise<ReplyEnd> {
  const { store, taken, clock } = turn;
  const tokens = estimateTokens(taken.message.text) + estimateTokens(said.text);
  const { used, unread } = turn.shown;
  const uses = used !== undefined && used.turns.length + used.facts.length > 0 ? { used } : {};
  const written = { ...said, ...uses, unread, timestamp: clock.now(), stopped: wasStopped, tokens };
  const result = await untilLost(turn, () => store.commit(taken.lease, taken.message, written));
  switch (result) {
    case 'committed':
    case 'known':
      return answeredEnd(said, wasStopped, unread);
    case 'forgotten':
      return forgottenEnd(turn);
    case 'fenced':
      throw lostError();
  }
}

const FOR_THE_ADMINISTRATOR: ReadonlySet<ErrorCode> = new Set([
  ...([
    'model_refused_key',
    'model_misconfigured',
    'model_refused_request',
    'model_only_reasoned',
    'internal',
  ] as const),
]);

/** The text that the person saw of a stopped answer is the answer. If they saw nothing, there is none. */
async function stopped(turn: RunningTurn): Promise<ReplyEnd> {
  const seen = turn.reply.shown().trim();
  return seen === '' ? await fail(turn, 'turn_stopped') : await commit(turn, { text: seen }, true);
}

/** `error`: details for the log in addition to `code`. */
async function fail(turn: RunningTurn, code: ErrorCode, error?: BotError): Promise<ReplyEnd> {
  const { store, taken, coreMessages } = turn;
  if (!(await untilLost(turn, () => store.fail(taken.lease, code)))) throw lostError();
  // Errors that the administrator has to fix; others are temporary or caused by the message.
  const level = error !== undefined && FOR_THE_ADMINISTRATOR.has(code) ? 'error' : 'warn';
  turn.logger[level]({ code, ...(error === undefined ? {} : { err: error.message }) }, 'turn failed');
  return { kind: 'failed', text: coreMessages.failed(code, taken.message.locale) };
}

function answeredEnd({ text, cut }: ModelAnswer, stopped: boolean, unread: readonly UnreadFile[] = []): ReplyEnd {
  const cuts = cut === undefined ? {} : { cut };
  return { kind: 'answered', text, stopped, ...cuts, ...(unread.length === 0 ? {} : { unread }) };
}

function forgottenEnd({ coreMessages, taken }: RunningTurn): ReplyEnd {
  return { kind: 'forgotten', text: coreMessages.forgotten(taken.message.locale) };
}

/** Writes the outcome to the platform. False: it failed, but should be retried later. */
async function deliver(turn: RunningTurn, end: ReplyEnd): Promise<boolean> {
  const { reply, taken, clock, logger } = turn;
  try {
    await reply.end(end);
    return true;
  } catch (thrown) {
    if (isLost(turn, thrown)) throw thrown;
    const error = toBotError(thrown);
    const { startedAt } = taken.record;
    const late = startedAt > 0 && clock.now() - startedAt > turn.bounds.answerMs + DELIVERY_BUDGET_MS;
    if (error.retryable && !late) {
      logger.warn({ code: error.code, err: error.message }, 'reply delivery failed; will retry');
      return false;
    }
    logger.error({ code: error.code, err: error.message }, 'reply could not be delivered');
    turn.metrics.undelivered(taken.message.platform);
    return true;
  }
}

async function finish(turn: RunningTurn, end: ReplyEnd): Promise<TurnEnd> {
  const { metrics, clock, logger } = turn;
  const completed = await complete(turn.taken, turn);
  if (completed.kind !== 'finished') return completed;
  const ms = clock.monotonic() - turn.since;
  const outcome = end.kind === 'answered' && end.stopped ? 'stopped' : end.kind;
  metrics.turn(outcome, ms);
  logger.info({ outcome, ms: Math.round(ms), waiting: completed.waiting }, 'turn finished');
  return completed;
}

async function giveBack(turn: RunningTurn): Promise<TurnEnd> {
  await turn.reply.detach();
  await untilLost(turn, () => turn.store.requeue(turn.taken.lease));
  return { kind: 'later' };
}

/** Leaves the turn to another worker: detaches from the reply, and requeues the turn if it is still ours. */
async function detach(turn: RunningTurn): Promise<TurnEnd> {
  const { store, taken, reply, metrics, clock, logger } = turn;
  await reply.detach();
  const handedOver = await store.requeue(taken.lease).catch(() => false);
  metrics.turn(handedOver ? 'handed_over' : 'lost', clock.monotonic() - turn.since);
  logger.info({ handedOver }, 'turn left to another worker');
  return { kind: handedOver ? 'unowned' : 'lost' };
}

function isLost({ watch, lease }: RunningTurn, thrown: unknown): boolean {
  if (thrown instanceof BotError && thrown.code === 'turn_lost') return true;
  return watch.interruption() === 'lost' || !lease.alive();
}

/** Repeats an idempotent store call while the store is down and the lease is alive. */
async function untilLost<T>({ lease }: { readonly lease: Lease }, action: () => Promise<T>): Promise<T> {
  for (let failures = 1; ; failures += 1) {
    try {
      return await action();
    } catch (thrown) {
      const error = toBotError(thrown);
      if (error.code !== 'store_unavailable' || !error.retryable) throw error;
      if (!lease.alive()) throw lostError(error);
      await delay(backoff(failures, 1_000, 200));
    }
  }
}

async function pauseFor({ watch }: RunningTurn, ms: number): Promise<void> {
  await delay(ms, watch.signal);
  // The next attempt finds the signal aborted, and the loop handles it.
}

function lostError(cause?: unknown): BotError {
  return new BotError('turn_lost', 'Another worker has this turn.', { cause });
}
