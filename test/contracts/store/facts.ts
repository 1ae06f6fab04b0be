/** Facts: kept, proposed, confirmed, listed and removed; seen by every turn at their place, and by nobody elsewhere. */
import { describe, expect, it } from 'vitest';
import {
  MAX_FACT_LENGTH,
  MAX_FACTS,
  MAX_PROPOSALS,
  type NewFact,
  newFactId,
  PROPOSAL_MS,
} from '../../../src/core/facts.ts';
import { encodeSession, parseSessionId, personOf, type SessionId } from '../../../src/core/session.ts';
import {
  type AgingFixture,
  answerOf,
  type Harness,
  LIMITS,
  messageOf,
  newToken,
  offerNew,
  runTurn,
  sessionOf,
  shorten,
  takeHead,
  untilForgotten,
} from './support.ts';

const base = sessionOf();
const thread = sessionOf({ thread: '17.1' });
const ada = personOf(base, 'ada');
const TTL_MS = LIMITS.factsTtl * 1_000;

/** Said now by the store's own clock: one that lies ahead counts as now. */
const NOW = Number.MAX_SAFE_INTEGER;
const saying = (text: string, saidAt = NOW): NewFact => ({ id: newFactId(), text, saidAt });

export function describeFacts(harness: Harness): void {
  const texts = async (of: SessionId) => (await harness.store.facts.list(of)).map(({ text }) => text);

  describe('facts', () => {
    it('are kept for FACTS_TTL from when they were said, and listed oldest first, for other instances too', async () => {
      const now = Date.now();
      const [tea, cat] = [saying('I drink tea.\nGreen tea.', now - 60_000), saying('我的猫叫豆豆 🐈', now - 120_000)];
      const kept = await harness.store.facts.keep(base, ada, tea);
      expect(kept).toEqual({ kind: 'kept', fact: { ...tea, expiresAt: tea.saidAt + TTL_MS } });
      expect(await harness.store.facts.keep(base, ada, cat)).toMatchObject({ kind: 'kept' });
      const { facts } = await harness.fixture.open();
      expect(await facts.list(base)).toEqual([cat, tea].map((fact) => ({ ...fact, expiresAt: fact.saidAt + TTL_MS })));
    });

    it.each([
      ['a NUL', '\u0000'],
      ['a lone surrogate', '\ud800'],
      ['what is special in a script', '%s {*} "\'\\ ]] -- \n\n'],
      ['a blank', ' '],
      ['the greatest length', 'x'.repeat(MAX_FACT_LENGTH)],
      ['the greatest length in Chinese', '忆'.repeat(MAX_FACT_LENGTH)],
    ])('keep their text as it is: %s', async (_, text) => {
      await harness.store.facts.keep(base, ada, saying(text));
      expect(await texts(base)).toEqual([text]);
    });

    it('that were said in the future count as said now', async () => {
      const before = Date.now();
      const result = await harness.store.facts.keep(base, ada, saying('ahead', before + 3_600_000));
      if (result.kind !== 'kept') throw new Error(result.kind);
      expect(result.fact.saidAt).toBeLessThanOrEqual(Date.now() + 1_000);
      expect(result.fact.expiresAt).toBe(result.fact.saidAt + TTL_MS);
    });

    it('are for one person and one place, with all its threads', async () => {
      const elsewhere = [
        sessionOf({ user: 'bob' }),
        sessionOf({ channel: 'C2' }),
        sessionOf({ user: undefined }),
        sessionOf({ place: { platform: 'slack', workspace: 'T2', channel: 'C1' } }),
        sessionOf({ place: { platform: 'discord', workspace: 'T1', channel: 'C1' } }),
      ];
      await harness.store.facts.keep(base, ada, saying('mine'));
      for (const other of elsewhere) {
        expect(await texts(other)).toEqual([]);
        expect((await harness.store.open(other, 20)).facts).toEqual([]);
      }
      for (const here of [base, thread, sessionOf({ thread: 't-1:u-bob' })]) {
        expect((await harness.store.open(here, 20)).facts).toMatchObject([{ text: 'mine' }]);
      }
    });

    it('are given with each claim of a turn, and not a message of the conversation', async () => {
      const fact = saying('mine', Date.now());
      await harness.store.facts.keep(base, ada, fact);
      await harness.store.facts.propose(base, ada, saying('not confirmed'));
      const facts = [{ ...fact, expiresAt: fact.saidAt + TTL_MS }];
      for (const session of [base, thread]) {
        const [first, second] = [messageOf(session, `${session.length}-1`), messageOf(session, `${session.length}-2`)];
        const token = newToken();
        const enqueued = await harness.store.enqueue(first, { token });
        expect(enqueued).toMatchObject({ kind: 'claimed', turn: { facts, messages: [] } });
        expect(await harness.store.enqueue(first, { token })).toMatchObject({ kind: 'claimed', turn: { facts } });
        await offerNew(harness.store, second);
        const taken = await takeHead(harness.store, session);
        expect(taken.facts).toEqual(facts);
        await harness.store.commit(taken.lease, taken.message, answerOf('one'));
        const next = newToken();
        const completed = await harness.store.complete(taken.lease, next);
        expect(completed).toMatchObject({ kind: 'claimed', turn: { facts, message: { id: second.id } } });
        expect(await harness.store.complete(taken.lease, next)).toEqual(completed);
        expect(await harness.store.open(session, 20)).toMatchObject({ facts, messages: [{}, {}] });
      }
    });

    it('are known by their id and by their text, and then kept for as long as one that is said now', async () => {
      const { facts } = harness.store;
      const [first, again] = [saying('mine', Date.now() - 60_000), saying('mine', Date.now() - 30_000)];
      await facts.keep(base, ada, first);
      const renewed = { ...again, id: first.id, expiresAt: again.saidAt + TTL_MS };
      expect(await facts.keep(base, ada, again)).toEqual({ kind: 'known', fact: renewed });
      for (let times = 0; times < 2; times += 1) {
        expect(await facts.keep(base, ada, first)).toEqual({ kind: 'known', fact: renewed });
        expect(await facts.propose(base, ada, first)).toEqual({ kind: 'known', fact: renewed });
      }
      expect(await facts.list(base)).toEqual([renewed]);
      expect(await facts.keep(base, ada, saying('Mine'))).toMatchObject({ kind: 'kept' });
    });

    it(`are ${MAX_FACTS} at most, and one that is removed makes room`, async () => {
      const { facts } = harness.store;
      for (let n = 0; n < MAX_FACTS; n += 1)
        await facts.keep(base, ada, saying(`fact ${n}`, 1_000_000 * n + Date.now() - 50_000_000));
      const full = { kind: 'full', max: MAX_FACTS };
      expect(await facts.keep(base, ada, saying('one more'))).toEqual(full);
      expect(await facts.propose(base, ada, saying('one more'))).toEqual(full);
      expect(await facts.keep(base, ada, saying('fact 7'))).toMatchObject({ kind: 'known' });
      const listed = await facts.list(base);
      expect(listed).toHaveLength(MAX_FACTS);
      expect(await facts.remove(base, listed[0]?.id ?? '')).toBe(true);
      expect(await facts.keep(base, ada, saying('one more'))).toMatchObject({ kind: 'kept' });
      expect(await facts.keep(base, ada, saying('yet another'))).toEqual(full);
    });

    it('are removed one by one or all at once, and no text of them is left', async () => {
      const { facts } = harness.store;
      const said = ['first secret', 'second secret', 'third secret'].map((text) => saying(text));
      for (const fact of said) await facts.keep(base, ada, fact);
      await facts.propose(base, ada, saying('proposed secret'));
      const [first] = said;
      expect(await facts.remove(base, first?.id ?? '')).toBe(true);
      expect(await facts.remove(base, first?.id ?? '')).toBe(false);
      expect(await texts(base)).toEqual(expect.arrayContaining(['second secret', 'third secret']));
      expect(await harness.fixture.dumpText()).not.toContain('first secret');
      expect(await facts.removeAll(base)).toBe(2);
      expect(await facts.removeAll(base)).toBe(0);
      expect(await texts(base)).toEqual([]);
      expect(await harness.fixture.dumpText()).not.toContain('secret');
    });

    it('are not reached by what is no id of theirs', async () => {
      const { facts } = harness.store;
      const fact = saying('mine');
      await facts.keep(base, ada, fact);
      await facts.propose(base, ada, saying('proposed'));
      for (const id of ['', '*', 'proposed', `proposed:${fact.id}`, fact.id.toUpperCase(), `${fact.id} `, 'zzzzzzzz']) {
        expect(await facts.remove(base, id)).toBe(false);
        expect(await facts.confirm(base, id)).toEqual({ kind: 'unknown' });
      }
      expect(await facts.remove(sessionOf({ user: 'bob' }), fact.id)).toBe(false);
      expect(await texts(base)).toEqual(['mine']);
    });

    it('outlive the conversation and /forget', async () => {
      await harness.store.facts.keep(base, ada, saying('mine'));
      await runTurn(harness.store, messageOf(base, 'm1'));
      expect(await harness.store.forget(base)).toMatchObject({ messages: 2, facts: 0 });
      expect(await texts(base)).toEqual(['mine']);
      await runTurn(harness.store, messageOf(base, 'm2'));
      await shorten(harness.store, base);
      await untilForgotten(harness.store, base);
      expect(await texts(base)).toEqual(['mine']);
      expect(await harness.store.removeTurns(base, { authorId: 'ada' })).toMatchObject({ facts: 0 });
      expect(await harness.store.export(ada)).toMatchObject([
        { sessionId: base, messages: [], facts: [{ text: 'mine' }] },
      ]);
    });
  });

  describe('a proposed fact', () => {
    it('is shown to nobody until it is confirmed', async () => {
      const { facts } = harness.store;
      const fact = saying('perhaps', Date.now());
      const kept = { ...fact, expiresAt: fact.saidAt + TTL_MS };
      for (let times = 0; times < 2; times += 1) {
        expect(await facts.propose(base, ada, fact)).toEqual({ kind: 'kept', fact: kept });
      }
      expect(await facts.list(base)).toEqual([]);
      expect((await harness.store.open(base, 20)).facts).toEqual([]);
      expect(await harness.store.export(ada)).toEqual([]);
      expect(await facts.confirm(base, fact.id)).toEqual({ kind: 'kept', fact: kept });
      for (let times = 0; times < 2; times += 1) {
        expect(await facts.confirm(base, fact.id)).toEqual({ kind: 'known', fact: kept });
        expect(await facts.propose(base, ada, fact)).toEqual({ kind: 'known', fact: kept });
      }
      expect(await facts.list(base)).toEqual([kept]);
    });

    it('can be confirmed in a direct conversation, and after /forget', async () => {
      const { facts } = harness.store;
      const direct = encodeSession({ place: { platform: 'slack', workspace: 'T1', channel: 'D1' } });
      for (const each of [direct, base]) {
        const fact = saying('perhaps');
        await facts.propose(each, ada, fact);
        await harness.store.forget(each);
        expect(await facts.confirm(each, fact.id)).toMatchObject({ kind: 'kept', fact: { text: 'perhaps' } });
      }
      expect(await harness.store.erase(ada)).toMatchObject({ facts: 2 });
      expect(await harness.fixture.dumpText()).not.toContain('perhaps');
    });

    it('that says what is kept already renews that, and goes', async () => {
      const { facts } = harness.store;
      const [one, other] = [saying('mine', Date.now() - 60_000), saying('mine', Date.now() - 30_000)];
      await facts.propose(base, ada, one);
      await facts.propose(base, ada, other);
      await facts.confirm(base, one.id);
      const renewed = { ...other, id: one.id, expiresAt: other.saidAt + TTL_MS };
      expect(await facts.confirm(base, other.id)).toEqual({ kind: 'known', fact: renewed });
      expect(await facts.confirm(base, other.id)).toEqual({ kind: 'unknown' });
      expect(await facts.list(base)).toEqual([renewed]);
    });

    it('waits while there is no room', async () => {
      const { facts } = harness.store;
      const fact = saying('perhaps');
      await facts.propose(base, ada, fact);
      const kept = Array.from({ length: MAX_FACTS }, (_, n) => saying(`fact ${n}`));
      for (const each of kept) await facts.keep(base, ada, each);
      expect(await facts.confirm(base, fact.id)).toEqual({ kind: 'full', max: MAX_FACTS });
      await facts.remove(base, kept[0]?.id ?? '');
      expect(await facts.confirm(base, fact.id)).toMatchObject({ kind: 'kept' });
    });

    it('can be removed, and is replaced when there are too many', async () => {
      const { facts } = harness.store;
      const proposed = Array.from({ length: MAX_PROPOSALS + 1 }, (_, n) => saying(`perhaps ${n}.`));
      for (const fact of proposed) {
        await facts.propose(base, ada, fact);
        // So that each expires later than the one before.
        const before = Date.now();
        while (Date.now() === before);
      }
      expect(await facts.confirm(base, proposed[0]?.id ?? '')).toEqual({ kind: 'unknown' });
      expect(await harness.fixture.dumpText()).not.toContain('perhaps 0.');
      expect(await facts.confirm(base, proposed[1]?.id ?? '')).toMatchObject({ kind: 'kept' });
      expect(await facts.remove(base, proposed[2]?.id ?? '')).toBe(true);
      expect(await facts.confirm(base, proposed[2]?.id ?? '')).toEqual({ kind: 'unknown' });
      expect(await harness.fixture.dumpText()).not.toContain('perhaps 2.');
    });
  });

  describe('erasing', () => {
    const direct = encodeSession({ place: { platform: 'slack', workspace: 'T1', channel: 'D1' } });
    const bobs = sessionOf({ user: 'bob' });
    const { place } = parseSessionId(base);
    const team = { platform: 'slack', workspace: 'T1' };

    const tell = async () => {
      const { facts } = harness.store;
      for (const each of [base, direct]) await facts.keep(each, ada, saying('secret of ada'));
      await facts.propose(base, ada, saying('proposed secret of ada'));
      await facts.keep(bobs, { ...ada, user: 'bob' }, saying('secret of bob'));
    };

    it('a person removes their facts, those of direct conversations too, and nobody else’s', async () => {
      await tell();
      const exported = await harness.store.export(ada);
      expect(exported.map(({ sessionId, messages, facts }) => [sessionId, messages.length, facts[0]?.text])).toEqual(
        expect.arrayContaining([
          [base, 0, 'secret of ada'],
          [direct, 0, 'secret of ada'],
        ]),
      );
      expect(await harness.store.erase(ada)).toEqual({ conversations: 0, messages: 0, waiting: 0, facts: 2 });
      expect(await harness.fixture.dumpText()).not.toContain('secret of ada');
      expect(await texts(bobs)).toEqual(['secret of bob']);
      expect(await harness.store.erase(ada)).toMatchObject({ facts: 0 });
      expect(await harness.store.export(ada)).toEqual([]);
    });

    it('a person can leave their facts, which are found again later', async () => {
      await tell();
      for (const each of [base, direct]) await runTurn(harness.store, messageOf(each, `m-${each.length}`));
      const erased = await harness.store.erase(ada, { keepFacts: true, keepChoices: true });
      expect(erased).toMatchObject({ messages: 4, facts: 0 });
      expect(await texts(direct)).toEqual(['secret of ada']);
      expect(await harness.store.erase(ada, { keepFacts: true })).toMatchObject({ messages: 0, facts: 0 });
      expect(await harness.store.erase(ada)).toMatchObject({ messages: 0, facts: 2 });
      expect(await harness.fixture.dumpText()).not.toContain('secret of ada');
    });

    it('a workspace and a channel remove the facts of everybody there; a thread removes none', async () => {
      await tell();
      expect(await harness.store.erase({ place, thread: '17.1' })).toMatchObject({ facts: 0 });
      expect(await harness.store.erase({ place })).toMatchObject({ facts: 2 });
      expect(await texts(direct)).toEqual(['secret of ada']);
      await tell();
      expect(await harness.store.export(team)).toHaveLength(3);
      expect(await harness.store.erase(team)).toMatchObject({ facts: 3 });
      expect(await harness.fixture.dumpText()).not.toContain('secret');
    });

    it('leaves nothing that is told at the same moment and cannot be found afterwards', async () => {
      const { facts } = harness.store;
      for (let round = 0; round < 10; round += 1) {
        await facts.keep(base, ada, saying(`raced ${round}`));
        await Promise.all([harness.store.erase(ada), facts.keep(base, ada, saying(`also raced ${round}`))]);
        await harness.store.erase(ada);
        expect(await harness.fixture.dumpText()).not.toContain('raced');
      }
    });
  });
}

/** What lasts for minutes and days. */
export function describeFactDeadlines(harness: Harness<AgingFixture>): void {
  const texts = async () => (await harness.store.facts.list(base)).map(({ text }) => text);

  it('a fact expires by itself, whatever is said meanwhile, and its text is gone from the store', async () => {
    const { facts } = harness.store;
    await facts.keep(base, ada, saying('older secret'));
    await harness.fixture.advance(TTL_MS / 2);
    await facts.keep(base, ada, saying('newer secret'));
    await harness.fixture.advance(TTL_MS / 2 - 60_000);
    await runTurn(harness.store, messageOf(base, 'm1'));
    expect(await texts()).toEqual(['older secret', 'newer secret']);
    await harness.fixture.advance(60_001);
    expect(await texts()).toEqual(['newer secret']);
    expect((await harness.store.open(thread, 20)).facts).toMatchObject([{ text: 'newer secret' }]);
    await offerNew(harness.store, messageOf(base, 'm2'));
    expect((await takeHead(harness.store, base)).facts).toMatchObject([{ text: 'newer secret' }]);
    await harness.store.stats();
    expect(await harness.fixture.dumpText()).not.toContain('older secret');
    expect(await harness.store.erase(ada)).toMatchObject({ facts: 1 });
  });

  it('a fact is found by its person, its workspace and its place to its end, though nothing was said since', async () => {
    const { facts } = harness.store;
    const direct = encodeSession({ place: { platform: 'slack', workspace: 'T1', channel: 'D1' } });
    for (const each of [base, direct]) await facts.keep(each, ada, saying('secret'));
    await runTurn(harness.store, messageOf(base, 'm1'));
    await harness.store.forget(base);
    await harness.fixture.advance(TTL_MS - 60_000);
    expect(await harness.store.export(ada)).toMatchObject([{ facts: [{ text: 'secret' }] }, { facts: [{}] }]);
    expect(await harness.store.export({ platform: 'slack', workspace: 'T1' })).toHaveLength(2);
    expect(await harness.store.erase({ place: parseSessionId(base).place })).toMatchObject({ facts: 1 });
    expect(await harness.store.erase(ada)).toMatchObject({ facts: 1 });
    expect(await harness.fixture.dumpText()).not.toContain('secret');
  });

  it('a proposed fact expires after ten minutes, and confirmed in time it lasts', async () => {
    const { facts } = harness.store;
    const [late, inTime] = [saying('late secret'), saying('in time')];
    await facts.keep(base, ada, saying('kept'));
    await facts.propose(base, ada, late);
    await facts.propose(base, ada, inTime);
    await harness.fixture.advance(PROPOSAL_MS - 60_000);
    expect(await facts.confirm(base, inTime.id)).toMatchObject({ kind: 'kept' });
    await harness.fixture.advance(60_001);
    expect(await facts.confirm(base, late.id)).toEqual({ kind: 'unknown' });
    await harness.store.stats();
    expect(await harness.fixture.dumpText()).not.toContain('late secret');
    await harness.fixture.advance(20 * 86_400_000);
    expect(await texts()).toEqual(expect.arrayContaining(['kept', 'in time']));
    expect(await harness.store.erase(ada)).toMatchObject({ facts: 2 });
  });

  it('the room of an expired fact is free', async () => {
    const { facts } = harness.store;
    for (let n = 0; n < MAX_FACTS; n += 1) await facts.keep(base, ada, saying(`fact ${n}`));
    await harness.fixture.advance(TTL_MS + 1);
    expect(await facts.keep(base, ada, saying('fact 1'))).toMatchObject({ kind: 'kept' });
    expect(await texts()).toEqual(['fact 1']);
  });
}
