/** Facts: what a person told the bot to keep, for one place. They outlive the conversation and `/forget`, and depend on no message. */
import { randomInt } from 'node:crypto';
import type { Person, SessionId } from './session.ts';

/** Longest fact, in UTF-16 units. */
export const MAX_FACT_LENGTH = 500;
/** Most facts of a person in a place. */
export const MAX_FACTS = 50;
/** Most facts of a person in a place that wait to be confirmed; one more replaces the oldest. */
export const MAX_PROPOSALS = 10;
/** Milliseconds in which a proposed fact can be confirmed. */
export const PROPOSAL_MS = 600_000;

export interface Fact {
  /** Stable within its place: eight characters of `[a-z0-9]`, chosen at random, so that it tells nothing of the text. */
  readonly id: string;
  /** At most {@link MAX_FACT_LENGTH}; may have several lines. */
  readonly text: string;
  /** When the person told the bot to keep it, in Unix milliseconds. */
  readonly saidAt: number;
  /** Unix milliseconds: FACTS_TTL after `saidAt`. */
  readonly expiresAt: number;
}

/** A fact to be kept. A `saidAt` ahead of the store's clock counts as now. */
export type NewFact = Pick<Fact, 'id' | 'text' | 'saidAt'>;

export type KeepFactResult =
  | { readonly kind: 'kept'; readonly fact: Fact }
  /** A fact with the same text, or this very one, is kept already. It now expires as one said now would. */
  | { readonly kind: 'known'; readonly fact: Fact }
  | { readonly kind: 'full'; readonly max: number };

/**
 * The facts of one person in one place. `base` is the person's conversation there outside any thread (`baseSession`). Where people
 * share one conversation there are no facts, and callers must not ask.
 *
 * Erasing the person, the workspace or the area removes them; `/forget` and expiry of the conversation do not. Every call may be
 * made again. All reject with a BotError as {@link ConversationStore} says.
 */
export interface Facts {
  keep(base: SessionId, person: Person, fact: NewFact): Promise<KeepFactResult>;
  /** Stores a fact that the person has yet to confirm. It is shown to nobody and expires after {@link PROPOSAL_MS}. */
  propose(base: SessionId, person: Person, fact: NewFact): Promise<KeepFactResult>;
  /** Keeps a proposed fact. `unknown`: it was not proposed, or has expired. */
  confirm(base: SessionId, id: string): Promise<KeepFactResult | { readonly kind: 'unknown' }>;
  /** Oldest first, without proposed ones. */
  list(base: SessionId): Promise<readonly Fact[]>;
  /** Removes a fact, a proposed one too. False: there is none with that id. */
  remove(base: SessionId, id: string): Promise<boolean>;
  /** Removes them all, proposed ones too. Gives how many were kept. */
  removeAll(base: SessionId): Promise<number>;
}

const ID_ALPHABET = 'abcdefghijklmnopqrstuvwxyz0123456789';
const FACT_ID = /^[a-z0-9]{8}$/;

/** A random id for a fact. */
export function newFactId(): string {
  return Array.from({ length: 8 }, () => ID_ALPHABET[randomInt(ID_ALPHABET.length)]).join('');
}

/** Whether a text (typed, or from a button) has the form of a fact's id. */
export function isFactId(text: string): boolean {
  return FACT_ID.test(text);
}

/** Oldest first; those said at the same instant in the order of their ids. */
export function inOrder(facts: readonly Fact[]): readonly Fact[] {
  return facts.toSorted((a, b) => a.saidAt - b.saidAt || (a.id < b.id ? -1 : 1));
}
