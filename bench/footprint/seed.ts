/** Fills a store with live conversations of one turn each, by the same calls that the bot makes for a turn. */
import { encodeSession } from '../../src/core/session.ts';
import type { ConversationStore, StoreOptions } from '../../src/core/store.ts';
import type { IncomingMessage } from '../../src/core/types.ts';
import { ANSWER } from '../bots/answer.ts';
import { finish, tryClaim } from '../claiming.ts';

/** They live longer than the benchmark takes; the rest is the product's defaults. */
export const SEED_OPTIONS: StoreOptions = {
  ...{ defaultTtl: 86_400, minTtl: 60, maxTtl: 2_592_000, factsTtl: 2_592_000, maxMessages: 200, maxWaiting: 20 },
  observer: { badElement() {}, error() {} },
};

const AT_ONCE = 128;

/** @returns turns a second */
export async function seed(store: ConversationStore, conversations: number): Promise<number> {
  const startedAt = performance.now();
  let next = 0;
  const fill = async () => {
    for (let index = next; index < conversations; index = next) {
      next += 1;
      await runTurn(store, messageOf(index));
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, fill));
  return (conversations / (performance.now() - startedAt)) * 1_000;
}

async function runTurn(store: ConversationStore, message: IncomingMessage): Promise<void> {
  await store.enqueue(message);
  const taken = await tryClaim(store, message.sessionId);
  if (taken === undefined) throw new Error('A message that was offered is not there.');
  const answer = { text: ANSWER, timestamp: Date.now(), stopped: false, tokens: 200 };
  const committed = await store.commit(taken.lease, taken.message, answer);
  if (committed !== 'committed') throw new Error(`A turn was not committed: ${committed}.`);
  await finish(store, taken.lease);
}

/** DMs of as many people, as Discord's are. */
function messageOf(index: number): IncomingMessage {
  const id = String(1_400_000_000_000_000_000n + BigInt(index));
  const channel = String(1_300_000_000_000_000_000n + BigInt(index));
  const user = String(1_200_000_000_000_000_000n + BigInt(index));
  return {
    ...{ id, turnId: id, idempotencyKeys: [id], platform: 'discord' },
    sessionId: encodeSession({ place: { platform: 'discord', channel } }),
    author: { id: user, name: `Person ${index}` },
    text: 'What did we talk about?',
    ...{ sentAt: Date.now(), isDirect: true, isMention: false, locale: 'en' },
    replyTo: { platform: 'discord', channel },
  };
}
