import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeSession, parseSessionId, personOf, placeTag, type Session } from '../../src/core/session.ts';
import { memberOf, placeMember, sessionAtPlace, sessionOfMember } from '../../src/memory/redis/index-encoding.ts';
import { runs } from '../support/tier.ts';

/** Ids with everything in them that a member is cut by. */
const component = fc
  .array(fc.constantFrom('u', 't', ':', ':u', ':u-', '}', '{', '-', '%', 'ada', '1', 'é'), {
    minLength: 1,
    maxLength: 5,
  })
  .map((parts) => parts.join(''));

const session: fc.Arbitrary<Session> = fc.record(
  {
    place: fc.record(
      { platform: fc.constantFrom('discord', 'http', 'u'), workspace: component, channel: component },
      { requiredKeys: ['platform', 'channel'] },
    ),
    thread: component,
    user: component,
  },
  { requiredKeys: ['place'] },
);

describe('how a session stands in an index', () => {
  it('tells which session it is: of its place, of anybody who took part, of its workspace', () => {
    fc.assert(
      fc.property(session, component, (parts, author) => {
        const id = encodeSession(parts);
        expect(sessionAtPlace(placeTag(id), placeMember(id))).toBe(id);
        const { platform, workspace } = parseSessionId(id).place;
        const listed = [personOf(id, author), personOf(id, parts.user ?? author)];
        for (const person of listed) expect(sessionOfMember(person, memberOf(person, id))).toBe(id);
        if (workspace === undefined) return;
        const team = { platform, workspace };
        expect(sessionOfMember(team, memberOf(team, id))).toBe(id);
      }),
      { numRuns: runs(2_000) },
    );
  });

  it('fits in a block of Redis with ids as long as those of the platforms', () => {
    const snowflake = '1234567890123456789';
    const id = encodeSession({
      place: { platform: 'discord', workspace: snowflake, channel: snowflake },
      thread: snowflake,
      user: snowflake,
    });
    expect(id.length).toBeGreaterThan(64);
    expect(placeMember(id).length).toBeLessThanOrEqual(64);
    expect(memberOf(personOf(id, snowflake), id).length).toBeLessThanOrEqual(64);
  });
});
