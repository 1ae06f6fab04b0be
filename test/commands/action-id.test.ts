import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeAction, encodeAction, MAX_ACTION_ID, markOf } from '../../src/commands/action-id.ts';
import { encodePerson } from '../../src/core/session.ts';
import { runs } from '../support/tier.ts';
import { memoryCommand, person, sessionId } from './arbitraries.ts';

describe('the id of a button', () => {
  it('gives back the command and the mark, and fits Discord', () => {
    fc.assert(
      fc.property(memoryCommand, person, fc.option(sessionId, { nil: undefined }), (command, who, session) => {
        const mark = markOf(who, session);
        const id = encodeAction({ command, mark });
        expect(id.length).toBeLessThanOrEqual(MAX_ACTION_ID);
        expect(id).toMatch(/^[!-~]+$/);
        expect(decodeAction(id)).toEqual({ command, mark });
      }),
    );
  });

  it('is read in its one spelling only', () => {
    const part = fc.stringMatching(/^[a-z0-9]{1,12}$/);
    const mark = 'AbCdEf-_0123';
    const text = fc.oneof(
      fc.string({ unit: 'binary' }),
      part.map((encoded) => `memory:${encoded}:${mark}`),
      fc.stringMatching(/^memory:[hftmp][a-z]?\d{0,3}[a-z]?\d{0,3}[a-z]?:[A-Za-z0-9_-]{11,13}$/),
    );
    fc.assert(
      fc.property(text, (id) => {
        const action = decodeAction(id);
        expect(action === undefined || encodeAction(action) === id).toBe(true);
      }),
      { numRuns: runs(2000) },
    );
  });

  it.each([
    '',
    'memory',
    'memory:m',
    'memory:m:short',
    'memory:m:AbCdEf-_01234',
    'memory:m:AbCdEf-_0123 ',
    'memory:hl05:AbCdEf-_0123',
    'memory:fhcc:AbCdEf-_0123',
    'memory:fx:AbCdEf-_0123',
    'memory:t007:AbCdEf-_0123',
    'other:m:AbCdEf-_0123',
  ])('%j is none', (id) => {
    expect(decodeAction(id)).toBeUndefined();
  });

  it('is refused for numbers that would come back as others', () => {
    const mark = 'AbCdEf-_0123';
    for (const limit of [-1, 1.5, Number.NaN, 1e21]) {
      expect(() => encodeAction({ command: { name: 'history', limit }, mark })).toThrow(/No button/);
    }
    expect(() => encodeAction({ command: { name: 'ttl', value: -60 }, mark })).toThrow(/No button/);
    expect(() => encodeAction({ command: { name: 'help' }, mark: 'no mark' })).toThrow(/No button/);
  });
});

describe('the mark of a button', () => {
  it('differs for different people and different conversations', () => {
    const asked = fc.tuple(person, fc.option(sessionId, { nil: undefined }));
    fc.assert(
      fc.property(asked, asked, ([oneWho, oneSession], [otherWho, otherSession]) => {
        const same = encodePerson(oneWho) === encodePerson(otherWho) && oneSession === otherSession;
        expect(markOf(oneWho, oneSession) === markOf(otherWho, otherSession)).toBe(same);
      }),
      { numRuns: runs(1000) },
    );
  });
});
