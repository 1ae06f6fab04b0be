/**
 * Every order in which an answer that begins anew can meet a platform: attempts of the model that die in mid-answer, writes
 * that are on their way meanwhile and end in any way there is, a worker that dies. Calls wait until the script lets them go,
 * on a clock that only the script moves.
 */
import type { Reply, ReplyContext } from '../../src/core/ports.ts';
import { encodeSession } from '../../src/core/session.ts';
import type { MessageRef, ReplyEnd } from '../../src/core/types.ts';
import { BotError, toBotError } from '../../src/errors.ts';
import { createManualClock, type ManualClock } from '../support/manual-clock.ts';

/**
 * What becomes of a write. `ok`; `lost`: done, and its answer lost; `cut`: not done, and nobody says so; `limited`: 429, not
 * done; `dead`: the platform has ended the stream before.
 */
export type Fate = 'ok' | 'lost' | 'cut' | 'limited' | 'dead';
export const FAULTS: readonly Fate[] = ['lost', 'cut', 'limited', 'dead'];

/** `first`, `second`: the next piece of an attempt of the model. `die`: the worker does, and another one goes on. */
export type Step = 'first' | 'second' | 'time' | 'answer' | 'die';

export interface Script {
  /** What the two attempts say, growing; the whole of the one that came last is what is committed. */
  readonly first: readonly string[];
  readonly second: readonly string[];
  readonly steps: readonly Step[];
  /** Of the writes in their order; those behind are `ok`. */
  readonly fates: readonly Fate[];
  /** Default: answered. `stopped`: with what people can read at that moment. */
  readonly end?: End;
}

export type End = 'answered' | 'stopped' | 'failed' | 'forgotten';
const FAILED = 'It went wrong.';
const FORGOTTEN = 'Forgotten.';

/** Calls that wait until they are let go. */
export interface Gate {
  /** Runs `call` when it is its turn, with the fate that it meets. */
  pass<T>(call: (fate: Fate) => T): Promise<T>;
}

export interface Stage {
  open(context: ReplyContext): Reply;
  /** What people read now, message by message. */
  visible(): readonly string[];
  /** What must not be at the end, in words. */
  leftovers(): readonly string[];
}

export interface Played {
  readonly end: ReplyEnd;
  readonly visible: readonly string[];
  readonly leftovers: readonly string[];
  /** What the last writer of the reply did, for a failure that has to be read. */
  readonly trail: readonly string[];
}

const SESSION = encodeSession({ place: { platform: 'recording', channel: 'c1' }, user: 'u1' });
/** Milliseconds: longer than any pace of a reply. */
const TICK_MS = 1_300;
/** Workers and ticks after which a reply that has not come to its end is given up. */
const MOST_WORKERS = 8;
const MOST_TICKS = 60;

/** Plays one script to its end: whatever happens, the committed answer is brought to the platform last. */
export async function play(script: Script, createStage: (gate: Gate, clock: ManualClock) => Stage): Promise<Played> {
  const clock = createManualClock(Date.now());
  const waiting: (() => void)[] = [];
  const fates = [...script.fates];
  const trail: string[] = [];
  const messageRefs = new Map<number, MessageRef>();
  let free = false;

  const gate: Gate = {
    async pass(call) {
      if (!free) await new Promise<void>((resolve) => waiting.push(resolve));
      const fate = fates.shift() ?? 'ok';
      trail.push(fate);
      return call(fate);
    },
  };
  const stage = createStage(gate, clock);

  function hire(resumed: boolean): { readonly reply: Reply; readonly fire: () => void } {
    const controller = new AbortController();
    const reply = stage.open({
      ...{
        sessionId: SESSION,
        turnId: '1700000000.000001',
        messageRefs: new Map(messageRefs),
        resumed,
        locale: 'en' as const,
      },
      lease: { signal: controller.signal, alive: () => !controller.signal.aborted },
      async saveMessageRef(part, ref) {
        if (controller.signal.aborted) throw new BotError('turn_lost', 'Another worker has this turn.');
        messageRefs.set(part, { ...messageRefs.get(part), ...ref });
      },
    });
    return { reply, fire: () => controller.abort() };
  }

  async function letAllGo(): Promise<void> {
    for (let calls = waiting.splice(0); calls.length > 0; calls = waiting.splice(0)) {
      for (const go of calls) go();
      await clock.settle();
    }
  }

  let worker = hire(false);
  let attempt: readonly string[] = script.first;
  let said = 0;
  async function takeOver(): Promise<void> {
    worker.fire();
    // What had left arrives before the next worker begins: it waits for a lock that is older than any request may be.
    await letAllGo();
    await worker.reply.detach();
    worker = hire(true);
  }

  for (const step of script.steps) {
    trail.push(step);
    if (step === 'time') await clock.advance(TICK_MS);
    else if (step === 'answer') waiting.shift()?.();
    else if (step === 'die') await takeOver();
    else {
      const of = step === 'first' ? script.first : script.second;
      // An attempt that another one has followed says nothing more.
      if (of === script.first && attempt === script.second) continue;
      if (of !== attempt) said = 0;
      attempt = of;
      const text = of[said];
      said += 1;
      if (text !== undefined) worker.reply.update(text);
    }
    await clock.settle();
  }

  const end = endOf(script.end ?? 'answered', attempt.at(-1) ?? '', worker.reply);
  trail.push(end.kind);
  free = true;
  for (let workers = 1; ; workers += 1) {
    const thrown = await bring(worker.reply);
    if (thrown === undefined) break;
    if (!toBotError(thrown).retryable || workers >= MOST_WORKERS) throw thrown;
    trail.push('again');
    await takeOver();
  }
  return { end, visible: stage.visible(), leftovers: stage.leftovers(), trail };

  async function bring(reply: Reply): Promise<unknown> {
    let over = false;
    let failure: unknown;
    const settled = () => {
      over = true;
    };
    reply.end(end).then(settled, (thrown: unknown) => {
      failure = thrown;
      over = true;
    });
    for (let ticks = 0; !over; ticks += 1) {
      if (ticks > MOST_TICKS) return new Error(`The end does not come: ${trail.join(', ')}`);
      await letAllGo();
      if (!over) await clock.advance(TICK_MS);
    }
    return failure;
  }
}

/** As core ends a turn (run-turn.ts): what was read of a stopped answer is the answer, and where nothing was there is none. */
function endOf(end: End, whole: string, reply: Reply): ReplyEnd {
  const seen = reply.shown().trim();
  switch (end) {
    case 'answered':
      return { kind: 'answered', text: whole, stopped: false };
    case 'stopped':
      return seen === '' ? { kind: 'failed', text: FAILED } : { kind: 'answered', text: seen, stopped: true };
    case 'failed':
      return { kind: 'failed', text: FAILED };
    case 'forgotten':
      return { kind: 'forgotten', text: FORGOTTEN };
  }
}

const squeeze = (text: string) => text.replace(/\s+/g, '');

/** Whether people read what they should: the committed answer and nothing else; what was read before a failure stays. */
export function isRight({ end, visible }: Played, stoppedNote = ''): boolean {
  const read = squeeze(visible.join(''));
  if (end.kind === 'failed') return read.endsWith(squeeze(FAILED));
  if (end.kind === 'forgotten') return read === '' || read === squeeze(FORGOTTEN);
  return read === squeeze(end.text + (end.stopped ? stoppedNote : ''));
}

/** All sequences of these steps up to a length that begin with a first word. */
export function* sequences(steps: readonly Step[], length: number): Generator<readonly Step[]> {
  let layer: (readonly Step[])[] = [['first']];
  for (let size = 1; size <= length; size += 1) {
    yield* layer;
    layer = layer.flatMap((before) => steps.map((step) => [...before, step]));
  }
}
