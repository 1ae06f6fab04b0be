/** Ids as platforms, people and attackers make them. */
import fc from 'fast-check';
import { FORGET_SCOPES } from '../../src/commands/forget.ts';
import type { MemoryCommand } from '../../src/core/commands.ts';
import { encodeSession, MAX_COMPONENT_LENGTH, type Person, type Place, type Session } from '../../src/core/session.ts';

/** Few and similar, so that two draws are often equal or nearly so; with everything that an encoding could trip over. */
const id = fc
  .oneof(
    fc.constantFrom(
      '1',
      '2',
      'a',
      'A',
      'a:b',
      'a:u-1',
      't-1',
      'u-1',
      '{1}',
      '%',
      '%3A',
      '*',
      '?',
      '1\n',
      ' 1',
      '😀',
      'é',
      'e\u0301',
    ),
    fc.string({ unit: 'grapheme', minLength: 1, maxLength: MAX_COMPONENT_LENGTH }),
  )
  .filter((text) => text.length <= MAX_COMPONENT_LENGTH);

const optional = (value: fc.Arbitrary<string>) => fc.option(value, { nil: undefined });

const platform = fc.constantFrom('discord', 'slack', 'http', 'web');

export const place: fc.Arbitrary<Place> = fc
  .record({ platform, workspace: optional(id), channel: id })
  .map(({ workspace, ...rest }) => (workspace === undefined ? rest : { ...rest, workspace }));

export const person: fc.Arbitrary<Person> = fc
  .record({ platform, workspace: optional(id), user: id })
  .map(({ workspace, ...rest }) => (workspace === undefined ? rest : { ...rest, workspace }));

export const session: fc.Arbitrary<Session> = fc
  .record({ place, thread: optional(id), user: optional(id) })
  .map(({ thread, user, ...rest }) => ({
    ...rest,
    ...(thread === undefined ? {} : { thread }),
    ...(user === undefined ? {} : { user }),
  }));

export const sessionId = session.map(encodeSession);

const factId = fc.stringMatching(/^[a-z0-9]{8}$/);

export const memoryCommand: fc.Arbitrary<MemoryCommand> = fc.oneof(
  fc
    .record(
      {
        limit: fc.integer({ min: 1, max: 50 }),
        offset: fc.nat({ max: 200 }),
        newerThan: fc.nat({ max: 200 }),
        export: fc.constant(true as const),
      },
      { requiredKeys: [] },
    )
    .map((options) => ({ name: 'history' as const, ...options })),
  fc.record({
    name: fc.constant('forget' as const),
    scope: fc.constantFrom(...FORGET_SCOPES),
    confirmed: fc.boolean(),
  }),
  fc
    .oneof(
      fc.record({ outcome: fc.constantFrom('long', 'full', 'known') }, { requiredKeys: [] }),
      fc.record({ proposed: factId, confirmed: fc.constant(true as const) }, { requiredKeys: ['proposed'] }),
    )
    .map((args) => ({ name: 'remember' as const, ...args })),
  fc
    .oneof(
      fc.record({ offset: fc.nat({ max: 999 }) }, { requiredKeys: [] }),
      fc.record({ remove: factId }),
      fc.record({ remove: fc.constant('all'), confirmed: fc.constant(true as const) }, { requiredKeys: ['remove'] }),
    )
    .map((args) => ({ name: 'facts' as const, ...args })),
  fc.oneof(
    fc.constant({ name: 'ttl' as const }),
    fc
      .oneof(fc.constant('default' as const), fc.nat(), fc.integer({ min: 0, max: 9_999_999_999 * 86_400 }))
      .map((value) => ({ name: 'ttl' as const, value })),
  ),
  fc.constant({ name: 'memstats' as const }),
  fc.constant({ name: 'help' as const }),
);
