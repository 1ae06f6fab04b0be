/** Nothing that a command is given can reach somebody else's conversation. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isCoherent, mayReach } from '../../../src/commands/access.ts';
import { targetHashOf } from '../../../src/commands/action-id.ts';
import { CATALOGUE } from '../../../src/commands/registry.ts';
import type { CommandContext } from '../../../src/core/commands.ts';
import {
  encodePlace,
  encodeSession,
  type Person,
  personOf,
  type Session,
  type SessionId,
} from '../../../src/core/session.ts';
import { messagesIn } from '../../../src/i18n/messages.ts';
import { contents, type Harness } from '../../contracts/store/support.ts';
import { runs } from '../../support/tier.ts';
import { memoryCommand, person, place, session } from '../arbitraries.ts';
import { asking, BOB, contextOf, here, LOCALES, talk, unknownThread } from './support.ts';

/** Conversations of others: on every platform, with and without workspace, thread and user, and with treacherous ids. */
const VICTIMS: readonly Session[] = ['discord', 'slack', 'http', 'web'].flatMap((platform) => [
  { place: { platform, workspace: '1', channel: 'a' }, user: 'victim' },
  { place: { platform, workspace: '1', channel: 'a' }, user: 'victim', thread: '1' },
  { place: { platform, workspace: '1', channel: 'victim' } },
  { place: { platform, channel: 'victim' } },
  { place: { platform, channel: 'victim' }, thread: 'u-1' },
  { place: { platform, workspace: '1', channel: 'a' }, user: '1:u-a' },
  { place: { platform, channel: 'a:u-1' } },
]);

export function describeReach(harness: Harness): void {
  const bot = asking(harness);

  describe('the reach of a command', () => {
    it('is one’s own conversations, and what is shared in the place where one is', () => {
      fc.assert(
        fc.property(person, place, session, (who, where, other) => {
          const reached = mayReach({ person: who, place: where }, encodeSession(other));
          const own =
            other.user === who.user && other.place.platform === who.platform && other.place.workspace === who.workspace;
          const samePlace = encodePlace(other.place) === encodePlace(where);
          expect(reached).toBe(other.user === undefined ? samePlace : own);
        }),
        { numRuns: runs(2000) },
      );
    });

    it.each(LOCALES)('refuses the conversation of somebody else, in the person’s language (%s)', async (locale) => {
      await talk(bot.store, here(), 'm1', { text: 'secret' });
      for (const { name } of CATALOGUE) {
        const bob = contextOf({ locale, person: BOB, sessionId: here() });
        const { kind, text } = await bot.ask(`/${name}`, bob);
        expect([kind, text]).toEqual(['refused', messagesIn(locale).commands.notYours]);
      }
      expect(await contents(bot.store, here())).toEqual(['secret', 'answer to m1']);
    });

    it('refuses a person of another platform or workspace than the place', async () => {
      for (const stranger of [
        { ...BOB, workspace: 'T2' },
        { ...BOB, platform: 'discord' },
        { platform: 'slack', user: 'bob' },
      ]) {
        expect(isCoherent(contextOf({ person: stranger }))).toBe(false);
        expect((await bot.ask('/help', unknownThread({ person: stranger }))).kind).toBe('refused');
      }
    });

    it('holds for whatever ids, hashes and commands anybody comes with', async () => {
      const victims = VICTIMS.map((parts) => ({ parts, id: encodeSession(parts) }));
      for (const [n, { id, parts }] of victims.entries()) {
        const user = parts.user ?? 'victim';
        await talk(bot.store, id, `m${n}`, { text: 'secret', author: { id: user, name: 'V' } });
      }
      const victimsAs = ({ id, parts }: { id: SessionId; parts: Session }): Person =>
        personOf(id, parts.user ?? 'victim');
      const anyVictim = fc.constantFrom(...victims);
      // An attacker comes as themselves, from a place that the adapter vouches for: mostly right beside a victim.
      const attack = fc
        .record({
          beside: anyVictim,
          where: fc.option(place),
          user: fc.constantFrom('1', 'a', 'attacker', 'u-victim', 'victim:u-1', 'Victim'),
        })
        .map(({ beside, where, user }) => ({ place: where ?? beside.parts.place, user }))
        // In a DM or a shared channel there is nobody but those who may be there.
        .filter(
          (it) =>
            !victims.some(
              ({ parts }) => parts.user === undefined && encodePlace(parts.place) === encodePlace(it.place),
            ),
        );
      const goal = fc.record({
        victim: anyVictim,
        byId: fc.boolean(),
        byHash: fc.constantFrom('none', 'own', 'victim', 'alone'),
      });
      const texts = new Set<string>();
      await fc.assert(
        fc.asyncProperty(
          attack,
          goal,
          memoryCommand,
          fc.boolean(),
          async (attacker, { victim, byId, byHash }, command, rights) => {
            const { platform, workspace } = attacker.place;
            const who: Person =
              workspace === undefined
                ? { platform, user: attacker.user }
                : { platform, workspace, user: attacker.user };
            const context: CommandContext = {
              place: attacker.place,
              person: who,
              ...(byId ? { sessionId: victim.id } : {}),
              locale: 'en',
              isDirect: rights,
              canManage: rights,
              surface: 'action',
              hasButtons: !rights,
            };
            const hashes = {
              none: {},
              own: { targetHash: targetHashOf(who, victim.id) },
              victim: { targetHash: targetHashOf(victimsAs(victim), victim.id) },
              alone: { targetHash: targetHashOf(victimsAs(victim), undefined) },
            };
            const asked = command.name === 'forget' ? { ...command, confirmed: true } : command;
            const result = await bot.commands.run({ command: asked, context, ...hashes[byHash] });
            texts.add(result.kind);
            expect(JSON.stringify(result)).not.toContain('secret');
            if (byId || byHash === 'own' || byHash === 'victim') expect(result.kind).toBe('refused');
          },
        ),
        { numRuns: runs(300) },
      );
      // The confirmations concern facts, which are a person's own wherever they are told.
      expect(['confirm', 'done', 'refused']).toEqual(expect.arrayContaining([...texts]));
      expect([...texts]).toContain('refused');
      // Not because everything is refused.
      expect((await bot.ask('/history', contextOf())).kind).toBe('done');
      for (const { id } of victims) {
        expect((await contents(bot.store, id)).length, id).toBe(2);
        expect((await bot.store.ttl(id)).choice, id).toBeUndefined();
      }
    });
  });
}
