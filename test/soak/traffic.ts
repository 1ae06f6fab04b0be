/** Everybody who talks: so many messages a second, in many conversations that come and go. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { FakeModel } from '../support/model.ts';
import { type Conversation, createConversation, type Habit, type Said } from './conversation.ts';
import type { PlatformName, Surface } from './surface.ts';

export interface Traffic {
  readonly said: readonly Said[];
  readonly conversations: readonly Conversation[];
  readonly complaints: readonly string[];
  /** Times that nobody was free to say anything. */
  readonly missed: number;
  /** Talks until `over`. */
  run(over: () => boolean): Promise<void>;
}

export interface TrafficOptions {
  readonly surfaces: Readonly<Record<PlatformName, Surface>>;
  /** Messages per second. */
  readonly rate: number;
  readonly random: () => number;
  readonly model: FakeModel;
}

/** Of the conversations. */
const HTTP_SHARE = 0.3;
const SLACK_SHARE = 0.2;
/** Messages per second: a whole workspace may begin about 20 streams, and change 50 messages and 50 Stop buttons, a minute. */
const MOST_ON_SLACK = 1;
/** Conversations at a time, for each message a second: so each has some seconds from one message to the next. */
const CONVERSATIONS_PER_RATE = 6;
const FEWEST = 12;
const HABITS: readonly Habit[] = ['plain', 'forget', 'plain', 'ttl', 'plain', 'history', 'plain', 'plain'];
/** Messages of a conversation. */
const SHORTEST = 4;
const LONGEST = 14;

export function createTraffic({ surfaces, rate, random, model }: TrafficOptions): Traffic {
  const said: Said[] = [];
  const conversations: Conversation[] = [];
  const complaints: string[] = [];
  const active: Conversation[] = [];
  let missed = 0;

  function platformFor(): PlatformName {
    const drawn = random();
    const slack = Math.min(SLACK_SHARE, MOST_ON_SLACK / rate);
    if (drawn < slack) return 'slack';
    return drawn < slack + HTTP_SHARE ? 'http' : 'discord';
  }

  function begin(): Conversation {
    const number = conversations.length + 1;
    const platform = platformFor();
    const habit = HABITS[number % HABITS.length] ?? 'plain';
    const conversation = createConversation({
      ...{ number, surface: surfaces[platform], random, model },
      // Slack's commands are for its DMs here: in channels they know no thread.
      habit: platform === 'slack' && number % 2 === 1 ? 'plain' : habit,
      length: SHORTEST + Math.floor(random() * (LONGEST - SHORTEST)),
      said: (one) => void said.push(one),
      complain: (what) => void complaints.push(what),
    });
    conversations.push(conversation);
    return conversation;
  }

  function speak(): void {
    for (const [index, conversation] of active.entries()) if (conversation.isDone()) active[index] = begin();
    const free = active.filter((conversation) => conversation.isFree());
    const next = free[Math.floor(random() * free.length)];
    if (next === undefined) missed += 1;
    else next.next();
  }

  return {
    said,
    conversations,
    complaints,
    get missed() {
      return missed;
    },
    async run(over) {
      while (active.length < Math.max(FEWEST, rate * CONVERSATIONS_PER_RATE)) active.push(begin());
      let due = performance.now();
      while (!over()) {
        speak();
        // Jittered, and what a busy moment held up is made up for.
        due += (2 * random() * 1_000) / rate;
        await sleep(Math.max(0, due - performance.now()));
      }
    },
  };
}
