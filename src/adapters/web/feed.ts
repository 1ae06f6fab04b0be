/** Shows one conversation to one page for as long as it is connected. */

import type { BotPort } from '../../core/bot-port.ts';
import type { CoreMessages, Logger } from '../../core/ports.ts';
import { isOwn, type SessionId } from '../../core/session.ts';
import type { ChatMessage, JsonValue, Locale, TurnId } from '../../core/types.ts';
import { type BotError, toBotError } from '../../errors.ts';
import { beginsWith } from '../../lib/begins-with.ts';
import { createSignal } from '../../lib/signal.ts';
import { joinText, type LiveText, liveEvent, NOTHING_SEEN } from '../../replies/live-text.ts';
import { announcement, CONVERSATION } from './announcements.ts';
import { renderMessage, renderUsed } from './render.ts';
import { type FeedEvents, SHOWN_MESSAGES } from './schemas.ts';

export interface FeedOptions {
  readonly bot: Pick<BotPort, 'follow' | 'record' | 'waiting' | 'memory' | 'facts'>;
  readonly sessionId: SessionId;
  readonly locale: Locale;
  /** Turns that the page waits for, or has sent without learning what became of it. */
  readonly tracked: readonly TurnId[];
  readonly send: <Name extends keyof FeedEvents>(event: Name, data: FeedEvents[Name]) => Promise<void>;
  readonly coreMessages: Pick<CoreMessages, 'failed' | 'forgotten'>;
  /** Milliseconds between looks when nothing is announced. */
  readonly pollMs: number;
  /** Aborts when the page has gone or the server stops. */
  readonly signal: AbortSignal;
  readonly logger: Logger;
}

interface Followed {
  live: LiveText;
  /** What the page has of it. */
  sent: string;
  unfollow: () => Promise<void>;
}

type Settled = FeedEvents['state']['settled'][number];

/**
 * Sends the conversation whenever it has changed, and its answers while they are written, until the signal aborts. The store
 * is the truth and is looked at whole; announcements only wake, so that none of them is missed when one is lost.
 */
export async function runFeed(options: FeedOptions): Promise<void> {
  const { bot, sessionId, send, signal, pollMs, logger } = options;
  const news = createSignal();
  const followed = new Map<TurnId, Followed>();
  const said = new Map<TurnId, { readonly author: string; readonly text: string; readonly files?: string[] }>();
  const unsettled = new Set(options.tracked);
  let look = true;
  let told = '';

  const unhear = await bot.follow(sessionId, CONVERSATION, (payload) => {
    const event = announcement.safeParse(payload);
    if (event.success && event.data.kind === 'web.said') {
      const { turn, author, text, files } = event.data;
      said.set(turn, { author, text, ...(files === undefined ? {} : { files }) });
    }
    // A choice of TTL changes nothing of what is compared here, but the panel beside it.
    if (event.success && event.data.kind === 'web.changed') told = '';
    look = true;
    news.notify();
  });
  try {
    while (!signal.aborted) {
      if (look) {
        look = false;
        await showState().catch(sayAway);
      }
      await showTexts();
      if ((await news.wait(pollMs, signal)) === 'timeout') look = true;
    }
  } finally {
    // A subscription that cannot be ended does no harm.
    await Promise.allSettled([unhear(), ...[...followed.values()].map(({ unfollow }) => unfollow())]);
  }

  async function showState(): Promise<void> {
    // In this order: a turn that is not waiting any more is in memory already, if it ever will be.
    const waiting = await bot.waiting(sessionId);
    const history = await bot.memory.history(sessionId, { limit: SHOWN_MESSAGES });
    const messages = history?.messages ?? [];
    const facts = isOwn(sessionId) ? await bot.facts.list(sessionId) : [];
    const stored = { facts, messages: await withUsed(messages) };
    for (const turn of waiting) await followTurn(turn);
    const settled = await settle(waiting, messages);
    const state = {
      messages: messages.map((message) => ({
        ...renderMessage(message),
        ...(message.used === undefined ? {} : { used: renderUsed(message.used, stored) }),
      })),
      earlier: Math.max(0, (history?.total ?? 0) - SHOWN_MESSAGES),
      waiting: waiting.map((turn) => ({ turn, ...said.get(turn) })),
    };
    // The panel beside it shows the facts, which may be removed elsewhere, or expire.
    const text = JSON.stringify([state, facts]);
    if (text === told && settled.length === 0) return;
    told = text;
    await send('state', { ...state, settled });
  }

  /** All messages where an answer among these was made with an older one, else these. */
  async function withUsed(messages: readonly ChatMessage[]): Promise<readonly ChatMessage[]> {
    const shown = new Set(messages.map(({ turn }) => turn));
    const isComplete = messages.every(({ used }) => used?.turns.every((turn) => shown.has(turn)) ?? true);
    return isComplete ? messages : ((await bot.memory.history(sessionId))?.messages ?? []);
  }

  async function followTurn(turn: TurnId): Promise<void> {
    unsettled.add(turn);
    if (followed.has(turn)) return;
    // Heard before it can be told: the worker repeats what it has written so far.
    const entry: Followed = { live: NOTHING_SEEN, sent: '', unfollow: async () => {} };
    followed.set(turn, entry);
    try {
      entry.unfollow = await bot.follow(sessionId, turn, (payload) => hear(turn, payload), 'stored');
    } catch (thrown) {
      followed.delete(turn);
      throw thrown;
    }
  }

  function hear(turn: TurnId, payload: JsonValue): void {
    const event = liveEvent.safeParse(payload);
    const entry = followed.get(turn);
    if (entry === undefined || !event.success) return;
    if (event.data.kind === 'live.text') entry.live = joinText(entry.live, event.data);
    else look = true;
    news.notify();
  }

  /** What became of the turns that neither wait nor are in memory; each is told once. */
  async function settle(waiting: readonly TurnId[], messages: readonly ChatMessage[]): Promise<Settled[]> {
    const remembered = new Set(messages.map(({ turn }) => turn));
    const settled: Settled[] = [];
    for (const turn of [...unsettled].filter((candidate) => !waiting.includes(candidate))) {
      const outcome = remembered.has(turn) ? undefined : await outcomeOf(turn);
      if (outcome === 'unfinished') continue;
      if (outcome !== undefined) settled.push(outcome);
      unsettled.delete(turn);
      said.delete(turn);
      const entry = followed.get(turn);
      followed.delete(turn);
      await entry?.unfollow().catch(() => {});
    }
    return settled;
  }

  async function outcomeOf(turn: TurnId): Promise<Settled | 'unfinished'> {
    const record = await bot.record(sessionId, turn);
    if (record === undefined) return { turn, outcome: 'unknown', text: '' };
    switch (record.outcome ?? record.state) {
      case 'failed':
        return {
          turn,
          outcome: 'failed',
          text: options.coreMessages.failed(record.code ?? 'internal', options.locale),
        };
      case 'forgotten':
        return { turn, outcome: 'forgotten', text: options.coreMessages.forgotten(options.locale) };
      case 'answered':
      case 'finished':
        return { turn, outcome: 'answered', text: '' };
      default:
        return 'unfinished';
    }
  }

  async function showTexts(): Promise<void> {
    for (const [turn, entry] of followed) {
      const { text } = entry.live;
      if (text === entry.sent) continue;
      const from = beginsWith(text, entry.sent) ? entry.sent.length : 0;
      entry.sent = text;
      await send('text', { turn, from, text: text.slice(from) });
    }
  }

  async function sayAway(thrown: unknown): Promise<void> {
    const error: BotError = toBotError(thrown);
    const known = error.code === 'store_unavailable';
    if (!known) logger.error({ err: error, session: sessionId }, 'could not show a conversation');
    // So that the next state is told whatever it is, and the page learns that the store is back.
    told = '';
    await send('away', { text: options.coreMessages.failed(known ? error.code : 'internal', options.locale) });
  }
}
