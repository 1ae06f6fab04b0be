/**
 * Erasure is closed: whatever removes something removes everything that is derived from it, in every companion, and nothing else;
 * and whoever erases later finds all the rest. Each text and name carries a tag, and the whole store is searched for tags.
 */
import { describe, expect, it } from 'vitest';
import { newFactId } from '../../../src/core/facts.ts';
import { encodeSession, parseSessionId, type SessionId } from '../../../src/core/session.ts';
import type { ConversationStore } from '../../../src/core/store.ts';
import type { IncomingMessage } from '../../../src/core/types.ts';
import {
  type AgingFixture,
  answerOf,
  finish,
  type Harness,
  look,
  messageOf,
  offerNew,
  runTurn,
  sessionOf,
  takeHead,
  tryClaim,
  until,
} from './support.ts';

const DAY = 86_400_000;
const [ADA, BOB] = ['UADA', 'UBOB'];
const own = sessionOf({ user: ADA });
const thread = sessionOf({ user: ADA, thread: '17.1' });
const shared = sessionOf({ user: undefined });
const direct = encodeSession({ place: { platform: 'slack', workspace: 'T1', channel: 'D1' } });
const bobs = sessionOf({ user: BOB });
const team = { platform: 'slack', workspace: 'T1' };
const ada = { ...team, user: ADA };
const bob = { ...team, user: BOB };
const { place } = parseSessionId(own);

/** What Ada said, by where; what she had the bot keep; what Bob said and had the bot keep. */
const IN_THREAD = ['thread', 'thread-running'];
const IN_DIRECT = ['direct', 'direct-asked', 'direct-waiting'];
const SAID = ['own', ...IN_THREAD, 'shared', ...IN_DIRECT];
const TOLD = ['fact', 'proposal', 'direct-fact', 'direct-proposal'];
const BOBS = ['bob', 'bob-shared', 'bob-fact'];
const ALL = [...SAID, ...TOLD, ...BOBS].sort();

const tagged = (tag: string) => `<<${tag}>>`;
const tagsIn = (text: string) => [...new Set([...text.matchAll(/<<([a-z-]+)>>/g)].map(([, tag = '']) => tag))].sort();

/** A message whose text, author's name, quote and attachment carry the tag. */
function saying(sessionId: SessionId, id: string, tag: string, more: Partial<IncomingMessage> = {}): IncomingMessage {
  return messageOf(sessionId, id, {
    author: { id: tag.startsWith('bob') ? BOB : ADA, name: tagged(tag) },
    text: `${tagged(tag)} said`,
    quotes: [{ author: tagged(tag), text: tagged(tag) }],
    attachments: [{ name: `${tagged(tag)}.pdf` }],
    ...more,
  });
}

export function describeClosedErasure(harness: Harness<AgingFixture>): void {
  /** The ids of the facts that were kept, by their tags. */
  let factIds = new Map<string, string>();

  const tell = async (base: SessionId, tag: string, how: 'keep' | 'propose' = 'keep') => {
    const fact = { id: newFactId(), text: `${tagged(tag)} told`, saidAt: Number.MAX_SAFE_INTEGER };
    factIds.set(tag, fact.id);
    await harness.store.facts[how](base, tag.startsWith('bob') ? bob : ada, fact);
  };

  /** Everything that the store can hold, in every state: remembered, answered, running, waiting, noted, chosen, kept. */
  async function fill(store: ConversationStore): Promise<void> {
    factIds = new Map();
    for (const [id, tag] of [
      [own, 'own'],
      [thread, 'thread'],
      [shared, 'shared'],
      [direct, 'direct'],
      [shared, 'bob-shared'],
      [bobs, 'bob'],
    ] as const) {
      const text = tag === 'direct' ? tagged('direct-asked') : `${tagged(tag)} said`;
      await runTurn(store, saying(id, `m-${tag}`, tag, { text }), answerOf(`${tagged(tag)} answered`));
      await store.flags.set(id, 'followed', 30 * DAY);
    }
    for (const id of [own, direct, bobs]) await store.setTtl(id, 7200);

    await offerNew(store, saying(own, 'a-own', 'own'));
    const answered = await takeHead(store, own);
    await store.commit(answered.lease, answered.message, answerOf(`${tagged('own')} not delivered`));
    await offerNew(store, saying(own, 'w-own', 'own'));
    await offerNew(store, saying(thread, 'r-thread', 'thread', { text: tagged('thread-running') }));
    await takeHead(store, thread);
    await offerNew(store, saying(thread, 'w-thread', 'thread'));
    await offerNew(store, saying(shared, 'r-bob-shared', 'bob-shared'));
    await takeHead(store, shared);
    await offerNew(store, saying(shared, 'w-shared', 'shared'));
    await offerNew(store, saying(direct, 'w-direct', 'direct', { text: tagged('direct-waiting') }));

    await tell(own, 'fact');
    await tell(own, 'proposal', 'propose');
    await tell(direct, 'direct-fact');
    await tell(direct, 'direct-proposal', 'propose');
    await tell(bobs, 'bob-fact');
  }

  /** As the bot does it for a message that its author deleted. */
  const deleteMessage = async (sessionId: SessionId, source: string) => {
    if ((await harness.store.amend(sessionId, source, null)) === 'amended') return;
    await harness.store.removeTurns(sessionId, { source });
  };

  /** Asked again where files were moved between the reading of one and the next. */
  const expectTags = (tags: readonly string[]) =>
    until(async () => expect(tagsIn(await harness.fixture.dumpText())).toEqual(tags));

  const letPass = async (days: number) => {
    await harness.fixture.advance(days * DAY);
    // Sweeps.
    await harness.store.stats();
  };

  /** What waits is brought to its end, and the days pass for which ids are kept. */
  async function settle(): Promise<string> {
    const { store } = harness;
    for (const id of [own, thread, shared, direct, bobs]) {
      for (let taken = await tryClaim(store, id); taken !== undefined; taken = await tryClaim(store, id)) {
        if (taken.record.state === 'running') await store.fail(taken.lease, 'internal');
        await finish(store, taken.lease);
      }
    }
    await harness.fixture.advance(8 * DAY);
    await look(store);
    // Both sweep.
    await (await harness.fixture.open()).stats();
    return await harness.fixture.dumpText();
  }

  const operations: readonly (readonly [
    name: string,
    act: (store: ConversationStore) => Promise<unknown>,
    gone: string[],
  ])[] = [
    ['/forget', (store) => store.forget(own), ['own']],
    ['/forget in a thread', (store) => store.forget(thread), IN_THREAD],
    ['/forget in a direct conversation', (store) => store.forget(direct), IN_DIRECT],
    ['/forget of a whole shared conversation', (store) => store.forget(shared), ['shared', 'bob-shared']],
    [
      'removing one’s part of a shared conversation',
      (store) => store.removeTurns(shared, { authorId: ADA }),
      ['shared'],
    ],
    [
      '/forget everywhere',
      async (store) => {
        await store.forget(direct);
        await store.erase(ada, { keepChoices: true });
      },
      [...SAID, ...TOLD],
    ],
    ['erasing a person', (store) => store.erase(ada), [...SAID, ...TOLD]],
    ['erasing a person but for their facts', (store) => store.erase(ada, { keepFacts: true }), SAID],
    [
      'DELETE /history',
      async (store) => {
        await store.forget(direct);
        await store.facts.removeAll(direct);
      },
      [...IN_DIRECT, 'direct-fact', 'direct-proposal'],
    ],
    [
      'deleting each message',
      async () => {
        for (const source of ['m-own', 'a-own', 'w-own']) await deleteMessage(own, source);
        for (const source of ['m-thread', 'r-thread', 'w-thread']) await deleteMessage(thread, source);
        for (const source of ['m-shared', 'w-shared']) await deleteMessage(shared, source);
        for (const source of ['m-direct', 'w-direct']) await deleteMessage(direct, source);
      },
      SAID,
    ],
    ['editing a message that waits', (store) => store.amend(direct, 'w-direct', 'edited'), ['direct-waiting']],
    [
      'editing a message that is being answered',
      (store) => store.amend(thread, 'r-thread', 'edited'),
      ['thread-running'],
    ],
    ['editing an answered message', (store) => store.amend(direct, 'm-direct', 'edited'), ['direct-asked']],
    ['removing a fact', (store) => store.facts.remove(own, factIds.get('fact') ?? ''), ['fact']],
    ['rejecting a proposed fact', (store) => store.facts.remove(own, factIds.get('proposal') ?? ''), ['proposal']],
    ['removing all facts', (store) => store.facts.removeAll(own), ['fact', 'proposal']],
    ['expiry', () => letPass(3), [...SAID, 'proposal', 'direct-proposal', 'bob', 'bob-shared']],
    ['expiry of facts', () => letPass(31), ALL],
    ['deleting a thread', (store) => store.erase({ place, thread: '17.1' }), IN_THREAD],
    [
      'deleting a channel',
      (store) => store.erase({ place }),
      ['own', ...IN_THREAD, 'shared', 'fact', 'proposal', ...BOBS],
    ],
    ['uninstalling', (store) => store.erase(team), ALL],
  ];

  describe('erasure is closed:', () => {
    it.each(operations)('%s', async (_, act, gone) => {
      const { store } = harness;
      await fill(store);
      await expectTags(ALL);
      await act(store);
      const left = ALL.filter((tag) => !gone.includes(tag));
      expect(tagsIn(await harness.fixture.dumpText()).filter((tag) => gone.includes(tag))).toEqual([]);
      await expectTags(left);

      // Whatever an operation leaves is still found, by those whose it is.
      const exported = (await store.export(ada)).flatMap(({ messages, facts }) => [
        ...messages.map(({ content }) => content),
        ...facts.map(({ text }) => text),
      ]);
      const shown = [...SAID, ...TOLD].filter((tag) => left.includes(tag) && !/waiting|running|proposal/.test(tag));
      expect(tagsIn(exported.join(' '))).toEqual(shown.sort());
      for (const person of [ada, bob]) await store.erase(person);
      expect(tagsIn(await harness.fixture.dumpText())).toEqual([]);
      const dump = await settle();
      for (const id of [ADA, BOB]) expect(dump).not.toContain(id);
    });
  });
}
