/**
 * The right to run turns. An incarnation of this process (`<process>.<k>`) sends a heartbeat ("beat") every second, which lists the
 * turns that it runs. A token (`<incarnation>:<n>`) is the right to run one turn, and is never reused.
 *
 *     none -> beginning -> beating -> ended (then the next one begins)
 *
 * An incarnation ends permanently when its beat has expired or a beat is late. A token is orphaned, permanently, if its incarnation
 * has no beat or has released it; then its turn may be taken over. The holder of an orphaned token has stopped writing, because its
 * lease ends a second before its beat expires.
 */
import { BotError, toBotError } from '../errors.ts';
import type { Heartbeat } from './heartbeat.ts';
import type { Clock, Lease, Logger } from './ports.ts';
import type { Beats } from './store.ts';
import type { Token } from './types.ts';

/** A token of this process, with the lease of its turn. */
export interface Held {
  readonly token: Token;
  readonly lease: Lease;
  /** Gives up the token: its turn writes no more, or it is unknown whether it owns a turn. It is orphaned from the next beat on. */
  release(): void;
  /** Ends the lease of a turn that runs for too long, and releases the token. */
  revoke(): void;
}

export interface Pulse {
  /** Returns a new token, which is listed before it is used. Undefined while no incarnation is alive. */
  hold(): Held | undefined;
  /** Sends the next beat. The first beat of an incarnation precedes its first token. Never rejects. */
  beat(): Promise<void>;
  /** Returns the tokens that are orphaned. @throws BotError `store_unavailable`: then nothing is known about them */
  orphans(tokens: readonly Token[]): Promise<ReadonlySet<Token>>;
  /** Ends all leases because the process is shutting down. The turns are requeued. */
  abortAll(): void;
  /** Ends the incarnation: its remaining tokens are orphaned at once. */
  end(): Promise<void>;
}

export interface PulseDeps {
  readonly beats: Beats;
  /** The name of this process. Names are never reused. */
  readonly process: string;
  readonly clock: Clock;
  readonly heartbeat: Heartbeat;
  /** Called when an incarnation other than the first begins. */
  readonly onRenewed: () => void;
  readonly logger: Logger;
}

interface Incarnation {
  readonly name: string;
  /** The running turns, by n. */
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
    logger.warn({ turns: incarnation.running.size }, 'heartbeat lost: giving up the turns of this process');
    abort(incarnation, 'The heartbeat of this process was late.');
  };

  /** Ends the leases in time even if no beat returns, so that no request is sent later. */
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
    // Acknowledged, but sent too long after the previous beat, which may have expired in between.
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
          controller.abort(new BotError('turn_lost', 'The turn has run for too long.'));
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
        logger.warn({ code: error.code, err: error.message }, 'could not send the heartbeat');
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

/** `<next>;<n>,<n>…`: the first unused number, and the numbers of running turns. */
function listingOf({ next, running }: Incarnation): string {
  return `${next};${[...running.keys()].join(',')}`;
}

/** Whether an incarnation with this listing runs its turn n, or may still use n. */
function isListed(listing: string | undefined, n: number): boolean {
  const [next = '', numbers = ''] = listing?.split(';') ?? [];
  return listing !== undefined && (n >= Number(next) || numbers.split(',').includes(String(n)));
}

/** A malformed token belongs to nobody. */
function parseToken(token: Token): { readonly incarnation: string; readonly n: number } {
  const colon = token.lastIndexOf(':');
  const n = Number(token.slice(colon + 1));
  return { incarnation: colon < 0 ? '' : token.slice(0, colon), n: Number.isInteger(n) ? n : 0 };
}
