/**
 * The right to run turns. An incarnation of this process (`<process>.<k>`) shows that it lives by a beat every second; the beat
 * lists the turns that it runs. A token (`<incarnation>:<n>`) names the right to one turn, and no token is ever used again.
 *
 *     none -> beginning -> beating -> ended (then the next one begins)
 *
 * An incarnation ends for ever when its beat is gone or a beat comes too late. A token whose incarnation has no beat, or that its
 * incarnation has let go of, is an orphan, and stays one: its turn may be taken over. The holder of an orphan has stopped
 * writing, because its lease ends a second before its beat does.
 */
import { BotError, toBotError } from '../errors.ts';
import type { Heartbeat } from './heartbeat.ts';
import type { Clock, Lease, Logger } from './ports.ts';
import type { Beats } from './store.ts';
import type { Token } from './types.ts';

/** A token of this process, and what its turn may rely on. */
export interface Held {
  readonly token: Token;
  readonly lease: Lease;
  /** Its turn writes no more, or nobody knows whether the token owns one: from the next beat on it is an orphan. */
  release(): void;
  /** Ends the lease of a turn that goes on for too long, and lets go of it. */
  revoke(): void;
}

export interface Pulse {
  /** A new token, listed before it is sent anywhere. Undefined while no incarnation lives. */
  hold(): Held | undefined;
  /** Makes the beat that is due; the first of an incarnation before anything is held. Never rejects. */
  beat(): Promise<void>;
  /** Which of these tokens are orphans. @throws BotError `store_unavailable`: then nothing is decided. */
  orphans(tokens: readonly Token[]): Promise<ReadonlySet<Token>>;
  /** Ends the leases of all turns because the process ends; their turns are given back. */
  abortAll(): void;
  /** Ends the incarnation: what it still holds is orphaned at once. */
  end(): Promise<void>;
}

export interface PulseDeps {
  readonly beats: Beats;
  /** The name of this process, never used again. */
  readonly process: string;
  readonly clock: Clock;
  readonly heartbeat: Heartbeat;
  /** An incarnation began, other than the first one. */
  readonly onRenewed: () => void;
  readonly logger: Logger;
}

interface Incarnation {
  readonly name: string;
  /** The turns that it runs, by n. */
  readonly running: Map<number, AbortController>;
  next: number;
  /** When the newest acknowledged beat was sent. */
  sent: { readonly monotonic: number; readonly wall: number };
  timer: NodeJS.Timeout | undefined;
}

export function createPulse({ beats, process, clock, heartbeat, onRenewed, logger }: PulseDeps): Pulse {
  let current: Incarnation | undefined;
  let begun = 0;
  let beginning = false;
  let ended = false;

  const instant = () => ({ monotonic: clock.monotonic(), wall: clock.now() });
  const isFresh = ({ sent }: Incarnation, at = instant()) =>
    at.monotonic - sent.monotonic < beats.lifeMs && at.wall - sent.wall < beats.lifeMs;

  const abort = (incarnation: Incarnation, why: string) => {
    for (const controller of incarnation.running.values()) controller.abort(new BotError('turn_lost', why));
  };

  const lapse = (incarnation: Incarnation) => {
    if (current !== incarnation) return;
    current = undefined;
    clearTimeout(incarnation.timer);
    logger.warn({ turns: incarnation.running.size }, 'sign of life lost: the turns of this process are given up');
    abort(incarnation, 'This process gave no sign of life in time.');
  };

  /** The leases end by themselves, so that no request of theirs goes out later. */
  const watch = (incarnation: Incarnation) => {
    clearTimeout(incarnation.timer);
    if (!Number.isFinite(beats.lifeMs)) return;
    const leftMs = beats.lifeMs - (clock.monotonic() - incarnation.sent.monotonic);
    incarnation.timer = setTimeout(() => lapse(incarnation), Math.max(0, leftMs));
    incarnation.timer.unref();
  };

  const begin = async () => {
    const incarnation: Incarnation = {
      name: `${process}.${begun + 1}`,
      running: new Map(),
      next: 1,
      sent: instant(),
      timer: undefined,
    };
    begun += 1;
    const listing = listingOf(incarnation);
    if (!(await beats.begin(incarnation.name, listing)) || ended) return;
    heartbeat.wrote();
    if (!isFresh(incarnation)) return;
    current = incarnation;
    watch(incarnation);
    if (begun > 1) onRenewed();
  };

  const renew = async (incarnation: Incarnation) => {
    const sent = instant();
    const outcome = await beats.renew(incarnation.name, listingOf(incarnation));
    if (typeof outcome === 'object') heartbeat.failed(outcome.refused);
    else heartbeat.wrote();
    if (current !== incarnation) return;
    // Acknowledged, but sent too long after the one before: in between the beat may have been gone.
    if (outcome === 'gone' || !isFresh(incarnation, sent)) {
      lapse(incarnation);
      return;
    }
    if (sent.monotonic > incarnation.sent.monotonic) incarnation.sent = sent;
    watch(incarnation);
  };

  return {
    hold() {
      const incarnation = current;
      if (incarnation === undefined || ended || !isFresh(incarnation)) return undefined;
      const n = incarnation.next;
      incarnation.next += 1;
      const controller = new AbortController();
      incarnation.running.set(n, controller);
      const { signal } = controller;
      return {
        token: `${incarnation.name}:${n}`,
        lease: { signal, alive: () => current === incarnation && !signal.aborted && isFresh(incarnation) },
        release: () => void incarnation.running.delete(n),
        revoke() {
          controller.abort(new BotError('turn_lost', 'The turn has gone on for too long.'));
          incarnation.running.delete(n);
        },
      };
    },
    async beat() {
      if (ended || beginning) return;
      try {
        if (current !== undefined) await renew(current);
        if (current === undefined && !ended) {
          beginning = true;
          await begin();
        }
      } catch (thrown) {
        const error = toBotError(thrown);
        heartbeat.failed(error);
        logger.warn({ code: error.code, err: error.message }, 'no sign of life could be given');
      } finally {
        beginning = false;
      }
    },
    async orphans(tokens) {
      const parsed = tokens.map((token) => ({ token, ...parseToken(token) }));
      const names = [...new Set(parsed.map(({ incarnation }) => incarnation))];
      const listings = await beats.read(names);
      const found = new Map(names.map((name, index) => [name, listings[index]]));
      return new Set(
        parsed.filter(({ incarnation, n }) => !isListed(found.get(incarnation), n)).map(({ token }) => token),
      );
    },
    abortAll() {
      if (current !== undefined) abort(current, 'This process is shutting down.');
    },
    async end() {
      ended = true;
      const incarnation = current;
      current = undefined;
      if (incarnation === undefined) return;
      clearTimeout(incarnation.timer);
      await beats.end(incarnation.name);
    },
  };
}

/** `<next>;<n>,<n>…`: the first number that was never given out, and those whose turns run. */
function listingOf({ next, running }: Incarnation): string {
  return `${next};${[...running.keys()].join(',')}`;
}

/** Whether an incarnation with this listing runs its turn n, or may give n out. */
function isListed(listing: string | undefined, n: number): boolean {
  const [next = '', numbers = ''] = listing?.split(';') ?? [];
  return listing !== undefined && (n >= Number(next) || numbers.split(',').includes(String(n)));
}

/** What is no token of any version belongs to nobody. */
function parseToken(token: Token): { readonly incarnation: string; readonly n: number } {
  const colon = token.lastIndexOf(':');
  const n = Number(token.slice(colon + 1));
  return { incarnation: colon < 0 ? '' : token.slice(0, colon), n: Number.isInteger(n) ? n : 0 };
}
