/**
 * People on the real platforms in a crash run: Slack with its streams, Discord with its edits, callers over HTTP. They talk
 * like those on the recording platform, and the judge of the soak runs speaks of them.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { ConversationStore } from '../../src/core/store.ts';
import type { ChatMessage } from '../../src/core/types.ts';
import type { Said } from '../soak/conversation.ts';
import { isSettled, judge, type Verdict } from '../soak/judge.ts';
import { createDiscordSurface } from '../soak/on-discord.ts';
import { createHttpSurface } from '../soak/on-http.ts';
import { createSlackSurface } from '../soak/on-slack.ts';
import type { Outcome, PlatformName, Surface, Talk } from '../soak/surface.ts';
import type { FakeDiscord } from '../support/fake-discord/fake-discord.ts';
import type { FakeSlack } from '../support/fake-slack/fake-slack.ts';
import { cutReply, type FakeModel, type ModelCall } from '../support/model.ts';

export interface Guests {
  /** Messages without a reply that has come to its end, and signs of work that are not taken away yet. */
  open(): number;
  readonly count: number;
  /** One more conversation; resolves when all of it is said. */
  talk(platform: PlatformName, messages: number, pauseMs: number): Promise<void>;
  /** Whether this call was about something that they said. */
  asked(call: ModelCall): boolean;
  judge(store: ConversationStore): Promise<Verdict>;
  close(): void;
}

export interface GuestsOptions {
  readonly slack: FakeSlack;
  readonly discord: FakeDiscord;
  /** Where replicas listen for HTTP. */
  readonly urls: () => readonly string[];
  readonly model: FakeModel;
  readonly random: () => number;
}

/** Takes longer than Slack and Discord wait with the first post, so that the answer is seen to grow. */
const GROWING = { pieces: 12, betweenMs: 120 };
/** Share of the messages whose first attempt dies in mid-answer. */
const CUT_SHARE = 0.4;
const LOOK_MS = 50;
/** Every other message is answered with a note about /remember, unless it was shown there before. */
const asking = (count: number) => (count % 2 === 0 ? 'remember that this is ' : '');

interface Conversation {
  readonly number: number;
  readonly talk: Talk;
}

export function createGuests({ slack, discord, urls, model, random }: GuestsOptions): Guests {
  const http = createHttpSurface(urls);
  const surfaces: Readonly<Record<PlatformName, Surface>> = {
    slack: createSlackSurface(slack),
    discord: createDiscordSurface(discord),
    http,
  };
  const said: Said[] = [];
  const texts = new Set<string>();
  const conversations: Conversation[] = [];

  function look(): (one: Said) => Outcome {
    const looks = { slack: surfaces.slack.look(), discord: surfaces.discord.look(), http: surfaces.http.look() };
    return (one) => looks[one.platform](one.id);
  }

  function openOf(some: readonly Said[]): number {
    const seen = look();
    return some.filter((one) => !isSettled(one, seen(one))).length;
  }

  return {
    open: () => openOf(said) + surfaces.slack.complaints().length,
    get count() {
      return said.length;
    },
    async talk(platform, messages, pauseMs) {
      const number = conversations.length + 1;
      const talk = surfaces[platform].begin(number);
      conversations.push({ number, talk });
      for (let count = 1; count <= messages; count += 1) {
        await sleep(random() * pauseMs);
        const text = `${asking(count)}message ${count}. of ${platform} conversation ${number}.`;
        texts.add(text);
        model.script(text, ...(random() < CUT_SHARE ? [cutReply(random())] : []), GROWING);
        while (!talk.mayBegin()) await sleep(LOOK_MS);
        const { id, taken } = talk.say(text);
        const one: Said = {
          ...{ conversation: number, number: count, platform, id, text, at: Date.now() },
          ...{ forgotten: false, erased: false, taken: false, settledAt: undefined },
        };
        said.push(one);
        await taken;
        // Until it is answered, only the process that has it knows of a place in Discord.
        if (platform === 'discord' && count === 1) while (openOf([one]) > 0) await sleep(LOOK_MS);
      }
    },
    asked: ({ text }) => texts.has(text),
    async judge(store) {
      const memory = new Map<number, readonly ChatMessage[]>();
      for (const { number, talk } of conversations) {
        memory.set(number, (await store.history(talk.sessionId()))?.messages ?? []);
      }
      const calls = model.journal().filter(({ text }) => texts.has(text));
      const verdict = judge({ said, seen: look(), memory, calls });
      const manners = Object.values(surfaces).flatMap((surface) => surface.complaints());
      return { ...verdict, complaints: [...verdict.complaints, ...manners] };
    },
    close: () => http.stop(),
  };
}
