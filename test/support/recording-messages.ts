/** The messages of the bot that a recording platform holds, and what a person would see of them. */
import { MARK, type PrivateAnswer } from './recording-protocol.ts';

export interface BotMessage {
  readonly id: string;
  /** The person's message that it answers. */
  readonly trigger: string;
  readonly part: number;
  readonly channel: string;
  readonly notice: boolean;
  readonly actions: PrivateAnswer['actions'];
  text: string;
  deleted: boolean;
  /** Unix milliseconds. */
  readonly postedAt: number;
  changedAt: number;
  /** The replica that wrote last. */
  by: string;
}

/** What became of the reply to one message of a person, as its readers see it. */
export interface Outcome {
  /** Replies to be seen: the most copies of any one part. 1 is what is promised. */
  readonly replies: number;
  /** The parts in their order, joined. */
  readonly text: string;
  /** It still says that more is to come, or a part is missing. */
  readonly half: boolean;
}

export interface Messages {
  /** `known`: an earlier post with this nonce, within the platform's window. */
  post(message: NewMessage): { readonly message: BotMessage; readonly known: boolean };
  get(id: string): BotMessage | undefined;
  /** All of one reply that are to be seen, by part, then by time. */
  visible(trigger: string): readonly BotMessage[];
  notices(trigger: string): readonly BotMessage[];
  outcome(trigger: string): Outcome;
}

export interface NewMessage {
  readonly trigger: string;
  readonly part: number;
  readonly channel: string;
  readonly text: string;
  readonly notice: boolean;
  readonly actions: PrivateAnswer['actions'];
  readonly nonce: string | undefined;
  readonly by: string;
}

export function createMessages(nonceWindowMs: number): Messages {
  const byId = new Map<string, BotMessage>();
  const byTrigger = new Map<string, BotMessage[]>();
  const byNonce = new Map<string, BotMessage>();

  const seen = (trigger: string, notice: boolean) =>
    (byTrigger.get(trigger) ?? [])
      .filter((message) => !message.deleted && message.notice === notice)
      .toSorted((a, b) => a.part - b.part || a.postedAt - b.postedAt);

  return {
    post({ nonce, ...message }) {
      const now = Date.now();
      const nonceKey = `${message.channel} ${nonce}`;
      const earlier = nonce === undefined ? undefined : byNonce.get(nonceKey);
      if (earlier !== undefined && now - earlier.postedAt < nonceWindowMs) return { message: earlier, known: true };
      const posted = { ...message, id: `b${byId.size + 1}`, deleted: false, postedAt: now, changedAt: now };
      byId.set(posted.id, posted);
      byTrigger.set(posted.trigger, [...(byTrigger.get(posted.trigger) ?? []), posted]);
      if (nonce !== undefined) byNonce.set(nonceKey, posted);
      return { message: posted, known: false };
    },
    get: (id) => byId.get(id),
    visible: (trigger) => seen(trigger, false),
    notices: (trigger) => seen(trigger, true),
    outcome(trigger) {
      const parts = seen(trigger, false);
      const numbers = new Set(parts.map(({ part }) => part));
      const copies = [...numbers].map((number) => parts.filter(({ part }) => part === number).length);
      return {
        replies: Math.max(0, ...copies),
        text: parts.map(({ text }) => text).join(''),
        half: parts.some(({ text }) => text.includes(MARK)) || Math.max(0, ...numbers) !== numbers.size,
      };
    },
  };
}
