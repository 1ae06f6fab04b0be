/** How the bot comes into threads and leaves them: called in by whoever names it, sent out by `/forget`. */
import type { BotPort } from '../../core/bot-port.ts';
import { type Person, parseSessionId } from '../../core/session.ts';
import type { IncomingMessage } from '../../core/types.ts';
import { type ChannelAbout, placeOf, sessionOf } from './places.ts';
import type { ThreadContext } from './thread-context.ts';

/** Milliseconds that a thread it was sent out of is known; for far less it goes on by itself where nobody talks to it. */
const SENT_OUT_MS = 30 * 86_400_000;
/** Milliseconds that it is known who talked to the bot in a thread, from the last time: longer than a thread goes on by itself. */
const TALKED_MS = 30 * 86_400_000;
/** What is noted of a person's conversation in a thread; with every scope of their own, so that it goes with the person. */
const TALKED = 'talked';

export interface Thread {
  readonly id: string;
  readonly about: ChannelAbout;
}

export interface Threads {
  /** Whether it was sent out, and not called in again. @throws BotError `store_unavailable` */
  wasSentOut(thread: string, about: ChannelAbout): Promise<boolean>;
  /** It does not go on here before it is named. Nothing for what is no thread. @throws BotError `store_*` */
  sendOut(thread: string, about: ChannelAbout): Promise<void>;
  /** Where this person talked to the bot. Their `/forget everywhere` erases that, so it is asked for before. @throws as `wasSentOut` */
  talkedIn(person: Person): Promise<readonly Thread[]>;
  /**
   * A message by which it may be called in. Where it was not talked to before, what was written there goes with the message; but
   * not behind a `/forget`: what was forgotten still stands in the thread. @throws as `sendOut`
   */
  callIn(message: IncomingMessage, thread: string, about: ChannelAbout, isFirst: boolean): Promise<IncomingMessage>;
}

export function createThreads({ flags }: Pick<BotPort, 'flags'>, context: ThreadContext): Threads {
  const nameOf = (thread: string) => `sent-out:${thread}`;
  return {
    wasSentOut: (thread, about) => flags.noted(placeOf(thread, about), nameOf(thread)),
    async sendOut(thread, about) {
      if (about.parent !== undefined) await flags.note(placeOf(thread, about), nameOf(thread), SENT_OUT_MS);
    },
    async talkedIn(person) {
      return (await flags.ofPerson(person, TALKED)).flatMap((session) => {
        const { place, thread: id } = parseSessionId(session);
        if (id === undefined) return [];
        const guild = place.workspace === undefined ? {} : { guild: place.workspace };
        return [{ id, about: { ...guild, parent: place.channel, direct: false } }];
      });
    },
    async callIn(message, thread, about, isFirst) {
      if (about.parent === undefined) return message;
      await flags.note(sessionOf(thread, about, message.author.id, 'user'), TALKED, TALKED_MS);
      const place = placeOf(thread, about);
      const wasSentOut = await flags.noted(place, nameOf(thread));
      if (wasSentOut) await flags.drop(place, nameOf(thread));
      if (wasSentOut || !isFirst) return message;
      const quotes = [...(await context.before(thread, about, message.id)), ...(message.quotes ?? [])];
      return quotes.length === 0 ? message : { ...message, quotes };
    },
  };
}
