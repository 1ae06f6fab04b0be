import { describe, expect, test } from 'vitest';
import { contextOf, parse, sessionOf, toMessage } from '../../../src/adapters/web/normalize.ts';
import { actionBody, messageBody } from '../../../src/adapters/web/schemas.ts';
import { BotError } from '../../../src/errors.ts';

const ID = 'abcdefghij0123456_-Z';
const BODY = { user: 'Ada', channel: 'general', id: ID, text: 'Hello' };

describe('what the page sends', () => {
  test('becomes a message whose id, turn and idempotency key are the one the page made', () => {
    expect(toMessage(parse(messageBody, BODY), 'user', 7)).toMatchObject({
      ...{ id: ID, turnId: ID, idempotencyKeys: [ID], platform: 'web', text: 'Hello', sentAt: 7, locale: 'en' },
      sessionId: '{web:playground:general}:u-Ada',
      author: { id: 'Ada', name: 'Ada' },
      replyTo: { platform: 'web' },
    });
  });

  test('names one conversation a person and channel, or one a channel', () => {
    expect(sessionOf(BODY, 'channel')).toBe('{web:playground:general}');
    const ids = [
      sessionOf({ user: 'a:b', channel: 'c' }, 'user'),
      sessionOf({ user: 'a', channel: 'c}:u-b' }, 'user'),
      sessionOf({ user: 'b', channel: 'c' }, 'user'),
    ];
    expect(new Set(ids).size).toBe(3);
  });

  test.each([
    ['no user', { ...BODY, user: undefined }],
    ['a blank channel', { ...BODY, channel: '  ' }],
    ['a long user', { ...BODY, user: 'x'.repeat(41) }],
    ['a lone surrogate', { ...BODY, user: '\ud800' }],
    ['an ill-formed text', { ...BODY, text: '\udfff' }],
    ['a short id', { ...BODY, id: 'abc' }],
    ['an id with a colon', { ...BODY, id: 'abcdefghij0123456_-:' }],
    ['another language', { ...BODY, locale: 'tlh' }],
    ['a list', []],
    ['nothing', undefined],
  ])('is refused: %s', (_, body) => {
    expect(() => parse(messageBody, body)).toThrow(expect.objectContaining({ code: 'bad_input' }));
    expect(() => parse(messageBody, body)).toThrow(BotError);
  });

  test('asks commands for the person in this seat; a time zone that nobody knows is left out', () => {
    const asker = parse(actionBody, { ...BODY, action: 'x', can_manage: true, time_zone: 'Mars/Olympus' });
    expect(contextOf(asker, 'user', 'action')).toMatchObject({
      place: { platform: 'web', workspace: 'playground', channel: 'general' },
      person: { platform: 'web', workspace: 'playground', user: 'Ada' },
      ...{ canManage: true, surface: 'action', hasButtons: true, isDirect: false },
    });
    expect(contextOf(asker, 'user', 'action').timeZone).toBeUndefined();
    expect(contextOf({ ...asker, time_zone: 'Asia/Shanghai' }, 'user', 'text').timeZone).toBe('Asia/Shanghai');
  });
});
