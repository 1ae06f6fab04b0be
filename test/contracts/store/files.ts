/** Files of messages: pointers that live and die with their message, and bytes that live no longer than they are needed. */
import { describe, expect, it } from 'vitest';
import type { SessionId } from '../../../src/core/session.ts';
import { personOf } from '../../../src/core/session.ts';
import type { FileRef, IncomingMessage } from '../../../src/core/types.ts';
import type { Harness } from './support.ts';
import { answerOf, finish, messageOf, offerNew, runTurn, sessionOf, takeHead, until } from './support.ts';

const session = sessionOf();
const EDITED_AT = Date.now();

const photo: FileRef = {
  name: 'photo 😀 "x".png',
  type: 'image/png',
  size: 1_234,
  ref: { channel: 'C1', url: 'https://files.example/pointer-secret', more: { nested: [1, null, []] } },
};
const upload: FileRef = { name: 'notes.txt', type: 'text/plain', size: 9, data: 'bytes-secret' };
const paste: FileRef = { name: 'message.txt', ref: { id: '7' }, longText: true };
const quotes = [{ author: 'Bob', text: 'look', files: [{ name: 'quoted-secret.pdf', ref: { id: '8' } }] }];

const withFiles = (id: string, more: Partial<IncomingMessage> = {}, of: SessionId = session) =>
  messageOf(of, id, { attachments: [photo, upload, paste], quotes, ...more });

export function describeFiles(harness: Harness): void {
  const filesInMemory = async () =>
    (await harness.store.history(session))?.messages.filter(({ role }) => role === 'user').map(({ files }) => files);

  describe('files', () => {
    it('wait with their message as they came, and come to whoever claims it, after a restart too', async () => {
      await offerNew(harness.store, withFiles('m1'));
      const store = await harness.fixture.open();
      const { message } = await takeHead(store, session);
      expect(message.attachments).toEqual([photo, upload, paste]);
      expect(message.quotes).toEqual(quotes);
    });

    it('may have five megabytes', async () => {
      const data = 'QUJD'.repeat(1_750_000);
      await offerNew(harness.store, messageOf(session, 'm1', { attachments: [{ name: 'big.png', data }] }));
      // Whatever finds the parts of a waiting message is linear in its length.
      expect(await harness.store.amend(session, 'm1', 'edited', EDITED_AT)).toBe('amended');
      const { lease, message } = await takeHead(harness.store, session);
      expect(message.attachments?.[0]?.data === data).toBe(true);
      await harness.store.commit(lease, message, answerOf('fine'));
      await finish(harness.store, lease);
      expect(await filesInMemory()).toEqual([[{ name: 'big.png' }]]);
    });

    it('are pointers in memory: without bytes, and without those of quotes', async () => {
      await runTurn(harness.store, withFiles('m1'));
      const { data, ...pointer } = upload;
      expect(await filesInMemory()).toEqual([[photo, pointer, paste]]);
      // SQLite overwrites what was deleted a little later.
      await until(async () => expect(await harness.fixture.dumpText()).not.toMatch(/bytes-secret|quoted-secret/));
      expect(await harness.fixture.dumpText()).toContain('pointer-secret');
    });

    it('that an answer was made without are known with the answer, until its turn ends and in memory', async () => {
      const unread = [{ name: 'photo.png', why: 'gone' as const }];
      await offerNew(harness.store, withFiles('m1'));
      const { lease, message } = await takeHead(harness.store, session);
      await harness.store.commit(lease, message, answerOf('I could not see it.', { unread }));
      // A worker that takes over writes the same note below the answer.
      expect((await takeHead(harness.store, session)).record).toMatchObject({ state: 'answered', unread });
      const { messages } = (await harness.store.history(session)) ?? { messages: [] };
      expect(messages.map((each) => each.unread)).toEqual([undefined, unread]);
    });

    const ways: readonly (readonly [string, () => Promise<unknown>])[] = [
      ['the conversation is forgotten', () => harness.store.forget(session)],
      ['the turn is removed', () => harness.store.removeTurns(session, { source: 'm1' })],
      ['the person is erased', () => harness.store.erase(personOf(session, 'ada'))],
      ['the message is deleted', () => deleted('m1')],
    ];
    const deleted = async (source: string) =>
      (await harness.store.amend(session, source, null)) === 'amended' ||
      (await harness.store.removeTurns(session, { source }));

    describe.each(ways)('when %s', (_, erase) => {
      it.each(['waiting', 'running', 'answered', 'finished'])('a %s message leaves nothing of them', async (state) => {
        const answer = answerOf('fine', { unread: [{ name: 'unread-secret', why: 'gone' }] });
        await offerNew(harness.store, withFiles('m1'));
        const taken = state === 'waiting' ? undefined : await takeHead(harness.store, session);
        if (taken !== undefined && state !== 'running') {
          await harness.store.commit(taken.lease, taken.message, answer);
          if (state === 'finished') await finish(harness.store, taken.lease);
        }
        await erase();
        if (taken !== undefined) {
          await harness.store.commit(taken.lease, taken.message, answerOf('late'));
          await finish(harness.store, taken.lease);
        }
        const dump = await harness.fixture.dumpText();
        for (const secret of ['pointer-secret', 'bytes-secret', 'quoted-secret', 'photo', 'unread-secret']) {
          expect(dump, secret).not.toContain(secret);
        }
      });
    });

    it('of an edited message are replaced while it waits, and stay if the edit does not name them', async () => {
      await offerNew(harness.store, withFiles('m1'));
      expect(await harness.store.amend(session, 'm1', 'only the text', EDITED_AT)).toBe('amended');
      expect(await harness.store.amend(session, 'm1', 'older', EDITED_AT - 1, [])).toBe('amended');
      expect(await harness.store.amend(session, 'm1', 'other files', EDITED_AT + 1, [paste])).toBe('amended');
      expect(await harness.fixture.dumpText()).not.toMatch(/pointer-secret|bytes-secret/);
      const { message } = await takeHead(harness.store, session);
      expect(message).toMatchObject({ text: 'other files', attachments: [paste], quotes });
    });

    it('of a message that is edited while it is answered are those of the edit in memory', async () => {
      await offerNew(harness.store, withFiles('m1'));
      const { lease, message } = await takeHead(harness.store, session);
      expect(await harness.store.amend(session, 'm1', 'edited', EDITED_AT, [paste])).toBe('running');
      await harness.store.commit(lease, message, answerOf('fine'));
      await finish(harness.store, lease);
      expect(await filesInMemory()).toEqual([[paste]]);
    });

    it('of an answered message are those of its last edit', async () => {
      await runTurn(harness.store, withFiles('m1'));
      expect(await harness.store.amend(session, 'm1', 'edited', EDITED_AT, [paste])).toBe('stored');
      expect(await filesInMemory()).toEqual([[paste]]);
      expect(await harness.store.amend(session, 'm1', 'edited', EDITED_AT + 1, [])).toBe('stored');
      expect((await filesInMemory())?.flat()).toEqual([undefined]);
      expect(await harness.fixture.dumpText()).not.toContain('pointer-secret');
    });
  });
}
