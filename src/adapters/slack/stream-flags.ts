/**
 * Whose a stream is that carries no mark yet. Slack takes a stream's metadata at its end only, so one whose id was lost looks
 * like any other of the bot's in the thread. Notes in the store tell them apart: of all streams of a thread only one at a time
 * is on its way, and one that has arrived is noted by its id.
 */
import type { Flags } from '../../core/flags.ts';
import type { TurnId } from '../../core/types.ts';
import { placeOf } from './normalize.ts';
import type { SlackTarget } from './target.ts';

/** How long the notes hold: a turn that is gone on with later than this can't rely on them. Milliseconds. */
export const STREAM_NOTES_MS = 3_600_000;
/**
 * What is written lasts longer than what is promised, since clocks differ; and the thread's note longer than the turn's own,
 * so that whoever has that one has the thread's too. Milliseconds.
 */
const OWN_MS = STREAM_NOTES_MS + 60_000;
const THREAD_MS = OWN_MS + 60_000;

/** The notes of one turn. All methods reject with a BotError `store_unavailable`. */
export interface StreamFlags {
  /** Before a stream is begun, and before its intent is saved. False: another one is on its way, and none may be begun. */
  announce(): Promise<boolean>;
  /** This turn has announced a stream, and neither claimed nor withdrawn it. */
  isAnnounced(): Promise<boolean>;
  /** The announced stream is this message, and its id is saved. */
  claim(ts: string): Promise<void>;
  /** The message is a stream whose turn knows it. */
  isClaimed(ts: string): Promise<boolean>;
  /** Nothing came of what was announced. */
  withdraw(): Promise<void>;
}

type Thread = Pick<SlackTarget, 'team' | 'channel' | 'thread'>;

export function createStreamFlags(notes: Flags, { team, channel, thread }: Thread, turnId: TurnId): StreamFlags {
  const place = placeOf(team, channel);
  const onItsWay = `stream:${thread}`;
  const own = `stream:${thread}:${turnId}`;
  const arrived = (ts: string) => `streamed:${ts}`;

  const isAnnounced = () => notes.noted(place, own);

  async function withdraw(): Promise<void> {
    // Who has been replaced by another worker finds nothing of its own, and takes nothing of others away.
    if (!(await isAnnounced())) return;
    await notes.drop(place, own);
    await notes.drop(place, onItsWay);
  }

  return {
    isAnnounced,
    withdraw,
    async announce() {
      if (await isAnnounced()) return true;
      // Asked first: to note it again would make another's last longer.
      if (await notes.noted(place, onItsWay)) return false;
      if (!(await notes.note(place, onItsWay, THREAD_MS))) return false;
      await notes.note(place, own, OWN_MS);
      return true;
    },
    async claim(ts) {
      await notes.note(place, arrived(ts), THREAD_MS);
      await withdraw();
    },
    isClaimed: (ts) => notes.noted(place, arrived(ts)),
  };
}
