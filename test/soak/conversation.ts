/** One conversation of a soak run: what its person does next, and what has to come of it. */
import type { FakeModel } from '../support/model.ts';
import { showsAnswer } from '../support/visible-text.ts';
import type { PlatformName, Surface } from './surface.ts';

/** One message of the run. */
export interface Said {
  readonly conversation: number;
  readonly number: number;
  readonly platform: PlatformName;
  readonly id: string;
  readonly text: string;
  /** Unix milliseconds. */
  readonly at: number;
  /** A /forget may have caught it: then it may be answered or not, and remembered or not. */
  forgotten: boolean;
  /** A /forget that ran once and surely behind it: it is remembered no more. */
  erased: boolean;
  /** The bot has surely stored it. */
  taken: boolean;
  /** Unix milliseconds at which its reply was first seen whole. */
  settledAt: number | undefined;
}

/** `plain` people only talk. The others give this command half way through. */
export type Habit = 'plain' | 'forget' | 'ttl' | 'history';

export interface Conversation {
  readonly number: number;
  readonly platform: PlatformName;
  readonly habit: Habit;
  readonly said: readonly Said[];
  readonly sessionId: ReturnType<Surface['begin']>['sessionId'];
  /** The command was answered. */
  readonly commanded: boolean;
  /** It can go on now. */
  isFree(): boolean;
  /** Nothing more will be said. */
  isDone(): boolean;
  /** Goes on by one message or command. */
  next(): void;
}

export interface ConversationOptions {
  readonly number: number;
  readonly surface: Surface;
  readonly habit: Habit;
  /** Messages. */
  readonly length: number;
  readonly random: () => number;
  readonly model: Pick<FakeModel, 'script'>;
  readonly said: (one: Said) => void;
  readonly complain: (what: string) => void;
}

/** Messages without an answer behind which a person waits. */
const MAX_OPEN = 4;
/** Shares of the messages: whose answer the model never gets out, takes its time with, and that need several messages. */
const DOOMED = 0.02;
const SLOW = 0.15;
const LONG = 0.08;
/** As often as the bot asks the model in one turn. */
const ATTEMPTS = 4;
const ROUNDS = 150;

export function createConversation(options: ConversationOptions): Conversation {
  const { number, surface, habit, length, random, model, complain } = options;
  const talk = surface.begin(number);
  const own: Said[] = [];
  let busy = false;
  let commanded = false;
  /** An attempt at a command may run at any time from here on. */
  let unsure = false;

  const open = () => own.filter(({ settledAt }) => settledAt === undefined).length;
  const answered = () => own[0]?.settledAt !== undefined;
  const isDue = () => habit !== 'plain' && !commanded && own.length >= length / 2;

  const isDone = () => own.length >= length && !isDue();

  function textOf(count: number): string {
    const text = `message ${count}. of conversation ${number}.`;
    // In a channel that others talk in too, nobody can tell whose part a further message is.
    const long = surface.name === 'discord' && number % 3 === 0 && random() < LONG;
    return long ? `${text}${' and so it goes on'.repeat(ROUNDS)}` : text;
  }

  function say(): void {
    const text = textOf(own.length + 1);
    if (random() < DOOMED) model.script(text, ...Array.from({ length: ATTEMPTS }, () => ({ status: 500 })));
    else if (random() < SLOW) model.script(text, { pieces: 10, betweenMs: 250 });
    const { id, taken } = talk.say(text);
    const one: Said = {
      ...{ conversation: number, number: own.length + 1, platform: surface.name, id, text, at: Date.now() },
      ...{ forgotten: unsure, erased: false, taken: false, settledAt: undefined },
    };
    own.push(one);
    options.said(one);
    if (taken === undefined) return;
    busy = true;
    taken.then(
      () => {
        one.taken = true;
        busy = false;
      },
      // The run has ended; the judge finds what is missing.
      () => undefined,
    );
  }

  async function command(name: Exclude<Habit, 'plain'>): Promise<void> {
    const before = [...own];
    const seen = surface.look();
    const last = before.findLast((one) => showsAnswer(seen(one.id).text, one.text));
    if (name === 'forget') for (const one of before) one.forgotten = true;
    const { text, sure } = await talk.command(name);
    commanded = true;
    if (name === 'forget') {
      unsure = !sure;
      for (const one of before) one.erased = true;
    }
    if (name === 'history' && surface.name === 'http' && last !== undefined && !text.includes(last.text)) {
      complain(`the history of conversation ${number} lacks what was answered before: ${last.id}`);
    }
  }

  return {
    ...{ number, platform: surface.name, habit, said: own, sessionId: talk.sessionId },
    get commanded() {
      return commanded;
    },
    isFree() {
      if (busy || isDone()) return false;
      if (own.length === 0) return talk.mayBegin();
      // Else it would not be known what the command has caught.
      if (isDue()) return own.every(({ taken, settledAt }) => taken || settledAt !== undefined);
      // Until it is answered, only the process that has it knows of a place in Discord, and another one may hear the next.
      return open() < (answered() ? MAX_OPEN : 1);
    },
    isDone,
    next() {
      if (habit === 'plain' || !isDue()) return say();
      busy = true;
      command(habit)
        .catch((thrown: unknown) => complain(String(thrown)))
        .finally(() => {
          commanded = true;
          busy = false;
        });
    },
  };
}
