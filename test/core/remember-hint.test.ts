import { describe, expect, it } from 'vitest';
import { asksToRemember, hasRememberHint, withRememberHint } from '../../src/core/remember-hint.ts';
import { encodeSession } from '../../src/core/session.ts';
import type { ReplyEnd } from '../../src/core/types.ts';
import { BotError } from '../../src/errors.ts';
import { useStore } from '../contracts/store/support.ts';
import { makeSqliteFixture } from '../memory/sqlite-fixture.ts';

const PLACE = { platform: 'slack', workspace: 'T1', channel: 'C1' };
const OWN = encodeSession({ place: PLACE, user: 'ada' });
const THREAD = encodeSession({ place: PLACE, user: 'ada', thread: '1.1' });
const SHARED = encodeSession({ place: PLACE });
const ASKED = { text: 'Remember that I live in Oslo', isDirect: false };
const ANSWERED: ReplyEnd = { kind: 'answered', text: 'I will.', stopped: false };
const HINTED: ReplyEnd = { ...ANSWERED, rememberHint: true };

describe('a message that asks to be remembered', () => {
  it.each([
    'Remember that I live in Oslo',
    '  remember that my son is called Tom.',
    'Please remember that I am vegetarian',
    'Hey, can you remember that I live in Oslo?',
    'Don’t forget that I am on holiday next week',
    '记住我住在奥斯陆',
    '请记住：我吃素',
    '请你一定要记住，我对花生过敏',
    '记得我下周休假',
  ])('%j is one', (text) => {
    expect(asksToRemember(text)).toBe(true);
  });

  it.each([
    'Remember this',
    'Do you remember that film?',
    'Remember that time in Oslo?',
    'I remember that I was there',
    'What do you remember?',
    'remember that',
    'Remembering that I was there',
    '你记住了吗',
    '你记得我叫什么吗？',
    '记得吗',
    '我记住了',
    '',
  ])('%j is none', (text) => {
    expect(asksToRemember(text)).toBe(false);
  });

  it('is looked at in no more time the longer it is', () => {
    for (const text of [
      'please '.repeat(100_000),
      `${' '.repeat(100_000)}记记`,
      `remember that ${'x'.repeat(1_000_000)}`,
    ]) {
      expect(typeof asksToRemember(text)).toBe('boolean');
    }
  });
});

describe('the note about /remember', () => {
  const harness = useStore(makeSqliteFixture);
  const at = (turnId: string, sessionId = OWN) => ({ sessionId, turnId });
  const end = (turnId: string, sessionId = OWN, given: ReplyEnd = ANSWERED, message = ASKED) =>
    withRememberHint(given, message, at(turnId, sessionId), harness.store.flags);

  it('is shown once per person and place, threads included', async () => {
    expect(await end('t1', THREAD)).toEqual(HINTED);
    expect(await end('t2')).toEqual(ANSWERED);
    expect(await end('t3', THREAD)).toEqual(ANSWERED);
    expect(await end('t4', encodeSession({ place: PLACE, user: 'bob' }))).toEqual(HINTED);
  });

  it('is shown again by a worker that takes the turn over, and found by those who fetch the answer', async () => {
    expect(await hasRememberHint(ASKED, at('t1'), harness.store.flags)).toBe(false);
    expect(await end('t1')).toEqual(HINTED);
    expect(await end('t1')).toEqual(HINTED);
    expect(await hasRememberHint(ASKED, at('t1'), harness.store.flags)).toBe(true);
    expect(await hasRememberHint(ASKED, at('t2'), harness.store.flags)).toBe(false);
  });

  it('is left away after a death between the two notes that are made of it, and never doubled', async () => {
    const { flags } = harness.store;
    let writes = 0;
    const dying = {
      ...flags,
      async set(...args: Parameters<typeof flags.set>) {
        writes += 1;
        if (writes > 1) throw new BotError('store_unavailable', 'away', { retryable: true });
        return flags.set(...args);
      },
    };
    expect(await withRememberHint(ANSWERED, ASKED, at('t1'), dying)).toEqual(ANSWERED);
    expect(await end('t1')).toEqual(ANSWERED);
    expect(await end('t2')).toEqual(ANSWERED);
  });

  it('is not shown under what is no whole answer, nor where people share one conversation', async () => {
    for (const given of [
      { ...ANSWERED, stopped: true },
      { ...ANSWERED, cut: 'length' },
      { kind: 'failed', text: 'x' },
      { kind: 'forgotten', text: 'x' },
    ] satisfies ReplyEnd[]) {
      expect(await end('t1', OWN, given)).toEqual(given);
    }
    expect(await end('t1', SHARED)).toEqual(ANSWERED);
    expect(await end('t1', OWN, ANSWERED, { ...ASKED, text: 'Hello' })).toEqual(ANSWERED);
    expect(await end('t1', SHARED, ANSWERED, { ...ASKED, isDirect: true })).toEqual(HINTED);
  });

  it('goes with the conversation: nothing is left of it', async () => {
    await end('t1');
    await harness.store.forget(OWN);
    expect(await harness.store.flags.has(OWN, 'remember-hint')).toBe(false);
  });
});
