import { describe, expect, it } from 'vitest';
import { encodeSession } from '../../src/core/session.ts';
import type { ReplyEnd, UnreadFile } from '../../src/core/types.ts';
import { hasUnreadNote, withVisionNoteOnce } from '../../src/core/vision-note.ts';
import { BotError } from '../../src/errors.ts';
import { useStore } from '../contracts/store/support.ts';
import { makeSqliteFixture } from '../memory/sqlite-fixture.ts';

const PLACE = { platform: 'slack', workspace: 'T1', channel: 'C1' };
const OWN = encodeSession({ place: PLACE, user: 'ada' });
const THREAD = encodeSession({ place: PLACE, user: 'ada', thread: '1.1' });
const IMAGE: UnreadFile = { name: 'a.png', why: 'no_vision' };
const GONE: UnreadFile = { name: 'b.txt', why: 'gone' };
const PLAIN: ReplyEnd = { kind: 'answered', text: 'A house?', stopped: false };
const NOTED: ReplyEnd = { ...PLAIN, unread: [IMAGE] };

describe('the note that the model cannot see images', () => {
  const harness = useStore(makeSqliteFixture);
  const end = (turnId: string, given: ReplyEnd = NOTED, sessionId = OWN) =>
    withVisionNoteOnce(given, { sessionId, turnId }, harness.store.flags);
  const has = (turnId: string, unread = [IMAGE]) =>
    hasUnreadNote(unread, { sessionId: OWN, turnId }, harness.store.flags);

  it('is shown once per conversation', async () => {
    expect(await end('t1')).toEqual(NOTED);
    expect(await end('t2')).toEqual(PLAIN);
    expect(await end('t3', NOTED, THREAD)).toEqual(NOTED);
  });

  it('is shown again by a worker that takes the turn over, and found by those who fetch the answer', async () => {
    expect(await has('t1')).toBe(false);
    expect(await end('t1')).toEqual(NOTED);
    expect(await end('t1')).toEqual(NOTED);
    expect([await has('t1'), await has('t2')]).toEqual([true, false]);
  });

  it('always stands among the other files that were not read', async () => {
    const both: ReplyEnd = { ...PLAIN, unread: [IMAGE, GONE] };
    await end('t1');
    expect(await end('t2', both)).toEqual(both);
    expect(await has('t2', [IMAGE, GONE])).toBe(true);
    expect(await end('t3', PLAIN)).toEqual(PLAIN);
  });

  it('is shown when the store cannot be asked', async () => {
    const away = async () => {
      throw new BotError('store_unavailable', 'away', { retryable: true });
    };
    expect(await withVisionNoteOnce(NOTED, { sessionId: OWN, turnId: 't1' }, { set: away, has: away })).toEqual(NOTED);
  });

  it('goes with the conversation: it is shown again in the next', async () => {
    await end('t1');
    await harness.store.forget(OWN);
    expect(await end('t2')).toEqual(NOTED);
  });
});
