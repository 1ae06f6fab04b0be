import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import * as actionId from '../../src/commands/action-id.ts';
import { COMMANDS } from '../../src/commands/registry.ts';
import type { PressedAction } from '../../src/core/commands.ts';
import { encodePerson } from '../../src/core/session.ts';
import { runs } from '../support/tier.ts';
import { memoryCommand, person, sessionId } from './arbitraries.ts';

const { MAX_ACTION_ID, targetHashOf } = actionId;
const encodeAction = (action: PressedAction) => actionId.encodeAction(action, COMMANDS);
const decodeAction = (id: string) => actionId.decodeAction(id, COMMANDS);

describe('the id of a button', () => {
  it('gives back the command and the target hash, and fits Discord', () => {
    fc.assert(
      fc.property(memoryCommand, person, fc.option(sessionId, { nil: undefined }), (command, who, session) => {
        const targetHash = targetHashOf(who, session);
        const id = encodeAction({ command, targetHash });
        expect(id.length).toBeLessThanOrEqual(MAX_ACTION_ID);
        expect(id).toMatch(/^[!-~]+$/);
        expect(decodeAction(id)).toEqual({ command, targetHash });
      }),
    );
  });

  it('is read in its one spelling only', () => {
    const part = fc.stringMatching(/^[a-z0-9]{1,12}$/);
    const targetHash = 'AbCdEf-_0123';
    const text = fc.oneof(
      fc.string({ unit: 'binary' }),
      part.map((encoded) => `memory:${encoded}:${targetHash}`),
      fc.stringMatching(/^memory:[hftmprk][a-z]?\d{0,3}[a-z]?\d{0,3}[a-z]?:[A-Za-z0-9_-]{11,13}$/),
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
    'memory:rq1234567:AbCdEf-_0123',
    'memory:rx12345678:AbCdEf-_0123',
    'memory:kr1234567:AbCdEf-_0123',
    'memory:ko007:AbCdEf-_0123',
    'other:m:AbCdEf-_0123',
  ])('%j is none', (id) => {
    expect(decodeAction(id)).toBeUndefined();
  });

  it('is refused for numbers that would come back as others', () => {
    const targetHash = 'AbCdEf-_0123';
    for (const limit of [-1, 1.5, Number.NaN, 1e21]) {
      expect(() => encodeAction({ command: { name: 'history', limit }, targetHash })).toThrow(/No button/);
    }
    // A text is in no button, however short it is.
    expect(() => encodeAction({ command: { name: 'remember', text: 'a' }, targetHash })).toThrow(/No button/);
    expect(() => encodeAction({ command: { name: 'ttl', value: -60 }, targetHash })).toThrow(/No button/);
    expect(() => encodeAction({ command: { name: 'help' }, targetHash: 'no hash' })).toThrow(/No button/);
  });
});

describe('the target hash of a button', () => {
  it('differs for different people and different conversations', () => {
    const asked = fc.tuple(person, fc.option(sessionId, { nil: undefined }));
    fc.assert(
      fc.property(asked, asked, ([oneWho, oneSession], [otherWho, otherSession]) => {
        const same = encodePerson(oneWho) === encodePerson(otherWho) && oneSession === otherSession;
        expect(targetHashOf(oneWho, oneSession) === targetHashOf(otherWho, otherSession)).toBe(same);
      }),
      { numRuns: runs(1000) },
    );
  });
});
