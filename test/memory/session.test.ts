import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  baseSession,
  encodeComponent,
  encodePerson,
  encodePlace,
  encodeSession,
  encodeTeam,
  isOwn,
  MAX_COMPONENT_LENGTH,
  type Person,
  type Place,
  parseSessionId,
  personOf,
  placeTag,
  type Session,
  toSessionId,
} from '../../src/core/session.ts';
import { BotError } from '../../src/errors.ts';
import { runs } from '../support/tier.ts';

/** What separates, matches or names something in a key, a pattern or a session id. */
const SPECIALS = [
  '{',
  '}',
  '*',
  '?',
  '[',
  ']',
  '\\',
  ':',
  ' ',
  '\n',
  '%',
  '%3A',
  '/',
  "'",
  '!',
  '(',
  ')',
  '~',
  't-',
  'u-',
];

/** Text as people and platforms give it, with everything that could break out of its place. */
const component: fc.Arbitrary<string> = fc
  .oneof(
    fc.string({ unit: 'binary', minLength: 1, maxLength: 20 }),
    fc.string({ unit: 'grapheme', minLength: 1, maxLength: 8 }),
    fc
      .array(fc.constantFrom(...SPECIALS, 'a', 'meta', 'gen', 'ttl', 'inbox', 'turn:1', '😀'), {
        minLength: 1,
        maxLength: 6,
      })
      .map((parts) => parts.join('')),
    fc.constantFrom('u-ada', 't-1', ':meta', ':turn:1', '}:u-ada', '{slack:T1:C1}:u-ada', 'ada:meta', '%7Bx%7D'),
  )
  .filter((text) => text.length <= MAX_COMPONENT_LENGTH);

const platform = fc.constantFrom('discord', 'slack', 'http', 'web', 'a', 'a1');

const place: fc.Arbitrary<Place> = fc
  .record({ platform, workspace: fc.option(component, { nil: undefined }), channel: component })
  .map(withoutUndefined);

const session: fc.Arbitrary<Session> = fc
  .record({
    place,
    thread: fc.option(component, { nil: undefined }),
    user: fc.option(component, { nil: undefined }),
  })
  .map(withoutUndefined);

/** Sessions out of few names, so that two of them are often nearly the same. */
const similarSession: fc.Arbitrary<Session> = (() => {
  const name = fc.constantFrom('a', 'b', 'a:b', 't-a', 'u-a', 'a:u-b', '}', 'a}:u-b');
  const some = fc.option(name, { nil: undefined });
  return fc
    .record({
      place: fc.record({ platform: fc.constantFrom('a', 'b'), workspace: some, channel: name }).map(withoutUndefined),
      thread: some,
      user: some,
    })
    .map(withoutUndefined);
})();

function withoutUndefined<T extends object>(value: T): T {
  return JSON.parse(JSON.stringify(value));
}

const invalid = { name: 'BotError', code: 'session_invalid' };

describe('a session id', () => {
  it('is read back as the session it was made of', () => {
    fc.assert(
      fc.property(session, (one) => {
        expect(parseSessionId(encodeSession(one))).toEqual(one);
        expect(isOwn(encodeSession(one))).toBe(one.user !== undefined);
      }),
    );
  });

  it('belongs to one session only', () => {
    fc.assert(
      fc.property(fc.oneof(session, similarSession), fc.oneof(session, similarSession), (one, other) => {
        const same = encodeSession(one) === encodeSession(other);
        expect(same).toBe(JSON.stringify(sorted(one)) === JSON.stringify(sorted(other)));
      }),
      { numRuns: runs(3000) },
    );
  });

  it('has nothing in its components that separates or matches anything', () => {
    fc.assert(
      fc.property(component, (text) => {
        expect(encodeComponent(text)).toMatch(/^[A-Za-z0-9._%-]+$/);
      }),
    );
  });

  it('keeps a component as one, whatever was typed', () => {
    fc.assert(
      fc.property(session, (one) => {
        const id = encodeSession(one);
        const braces = [...id].filter((character) => character === '{' || character === '}');
        expect(braces).toEqual(['{', '}']);
        const parts = 2 + (one.place.workspace === undefined ? 0 : 1);
        expect(placeTag(id).split(':')).toHaveLength(parts);
        const rest = id.slice(id.indexOf('}') + 1);
        expect(rest.split(':')).toHaveLength(1 + [one.thread, one.user].filter((part) => part !== undefined).length);
      }),
    );
  });

  it('never has a thread where somebody else has a user', () => {
    fc.assert(
      fc.property(place, component, component, (where, thread, user) => {
        expect(encodeSession({ place: where, thread })).not.toBe(encodeSession({ place: where, user }));
        expect(encodeSession({ place: where, thread })).not.toBe(encodeSession({ place: where, thread, user }));
        expect(parseSessionId(encodeSession({ place: where, thread })).user).toBeUndefined();
      }),
    );
  });

  it('with a companion behind it is no session id, whatever was typed', () => {
    const companion = fc.oneof(
      fc.constantFrom(':meta', ':gen', ':ttl', ':inbox', ':fence'),
      component.map((turn) => `:turn:${turn}`),
    );
    fc.assert(
      fc.property(session, session, companion, (one, other, suffix) => {
        const key = `${encodeSession(one)}${suffix}`;
        expect(encodeSession(other)).not.toBe(key);
        expect(() => parseSessionId(key)).toThrow(BotError);
      }),
    );
  });

  it('is accepted in its one spelling only', () => {
    fc.assert(
      fc.property(session, fc.nat(200), fc.constantFrom(...SPECIALS, '%41', 'A'), (one, at, inserted) => {
        const id = encodeSession(one);
        const changed = `${id.slice(0, at % (id.length + 1))}${inserted}${id.slice(at % (id.length + 1))}`;
        let parsed: Session;
        try {
          parsed = parseSessionId(changed);
        } catch (thrown) {
          expect(thrown).toMatchObject(invalid);
          return;
        }
        expect(encodeSession(parsed)).toBe(changed);
        expect(parsed).not.toEqual(one);
      }),
      { numRuns: runs(2000) },
    );
  });

  it.each([
    '',
    'slack:T1:C1',
    '{slack:T1:C1}:',
    '{slack:T1:C1}:u-',
    '{slack}',
    '{slack:}',
    '{:C1}',
    '{Slack:C1}',
    '{slack:T1:C1}:u-ada:t-1',
    '{slack:T1:C1}:u-ada:u-bob',
    '{slack:T1:C1}:ada',
    '{slack:T1:C1}:u-ada ',
    '{slack:T1:C1}:u-ada\n',
    '{slack:T1:C1}:u-%61da',
    '{slack:T1:C1}:u-%3a',
    '{slack:T1:C1}:u-%',
    '{slack:T1:C1}:u-%ff',
    '{slack:T1:C1}:u-a*',
    '{slack:T1:C1:x}',
    '{slack:T1:C1}{slack:T1:C1}',
  ])('is not %j', (text) => {
    expect(() => toSessionId(text)).toThrow(expect.objectContaining(invalid));
  });

  it('is refused for what is empty, too long or ill-formed', () => {
    const surrogate = fc.constantFrom('\ud800', '\udfff', '\ud83d', '\ude00\ud83d');
    fc.assert(
      fc.property(fc.string({ maxLength: 5 }), surrogate, fc.string({ maxLength: 5 }), (before, lone, after) => {
        expect(() => encodeComponent(`${before}${lone}${after}`)).toThrow(expect.objectContaining(invalid));
      }),
    );
    expect(() => encodeComponent('')).toThrow(expect.objectContaining(invalid));
    expect(() => encodeComponent('x'.repeat(MAX_COMPONENT_LENGTH + 1))).toThrow(expect.objectContaining(invalid));
    expect(encodeComponent('x'.repeat(MAX_COMPONENT_LENGTH))).toHaveLength(MAX_COMPONENT_LENGTH);
    expect(() => encodePlace({ platform: 'sl:ack', channel: 'C1' })).toThrow(expect.objectContaining(invalid));
    expect(() => encodePlace({ platform: '', channel: 'C1' })).toThrow(expect.objectContaining(invalid));
  });
});

describe('a place, a person and a team', () => {
  it('are encoded injectively', () => {
    const name = fc.oneof(component, fc.constantFrom('a', 'b', 'a:b'));
    const person: fc.Arbitrary<Person> = fc
      .record({ platform, workspace: fc.option(name, { nil: undefined }), user: name })
      .map(withoutUndefined);
    fc.assert(
      fc.property(person, person, (one, other) => {
        expect(encodePerson(one) === encodePerson(other)).toBe(
          JSON.stringify(sorted(one)) === JSON.stringify(sorted(other)),
        );
      }),
      { numRuns: runs(1000) },
    );
    fc.assert(
      fc.property(platform, component, component, (on, workspace, channel) => {
        const team = encodeTeam({ platform: on, workspace });
        expect(encodePlace({ platform: on, workspace, channel }).startsWith(`${team}:`)).toBe(true);
        expect(encodePlace({ platform: on, channel }).startsWith(`${team}:`)).toBe(false);
      }),
    );
  });

  it('are those of the session', () => {
    fc.assert(
      fc.property(session, component, (one, user) => {
        const id = encodeSession(one);
        expect(placeTag(id)).toBe(encodePlace(one.place));
        const { platform: on, workspace } = one.place;
        expect(personOf(id, user)).toEqual(
          workspace === undefined ? { platform: on, user } : { platform: on, workspace, user },
        );
        expect(parseSessionId(baseSession(id))).toEqual(withoutUndefined({ place: one.place, user: one.user }));
        expect(baseSession(baseSession(id))).toBe(baseSession(id));
      }),
    );
  });
});

/** The same value with its keys in order, to compare what two arbitraries made. */
function sorted(value: Session | Person): unknown {
  const sort = (part: unknown): unknown =>
    typeof part === 'object' && part !== null
      ? Object.fromEntries(
          Object.entries(part)
            .sort(([a], [b]) => a.localeCompare(b))
            .map(([key, inner]) => [key, sort(inner)]),
        )
      : part;
  return sort(value);
}
