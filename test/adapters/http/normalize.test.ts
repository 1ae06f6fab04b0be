import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  asksTheSame,
  type ChatContext,
  type ChatRequest,
  MAX_KEY_LENGTH,
  parseChat,
  parseNewTtl,
  parsePathUser,
  preferredLocale,
  sessionOf,
  toMessage,
  wantsStream,
} from '../../../src/adapters/http/normalize.ts';
import { historyPath } from '../../../src/adapters/http/render.ts';
import { chatRequestSchema } from '../../../src/adapters/http/schemas.ts';
import { parseSessionId } from '../../../src/core/session.ts';
import { MAX_TURN_ID_LENGTH } from '../../../src/core/types.ts';
import { BotError } from '../../../src/errors.ts';
import { LIMITS, NOW } from './support.ts';

const schema = chatRequestSchema(LIMITS);

function codeOf(action: () => unknown): string | undefined {
  try {
    action();
    return undefined;
  } catch (error) {
    return error instanceof BotError ? error.code : String(error);
  }
}

function message(request: Partial<ChatRequest> = {}, context: Partial<ChatContext> = {}) {
  return toMessage(
    { userId: 'grace', text: 'Hello', ...request },
    { idempotencyKey: undefined, locale: 'en', now: NOW, random: 'AAAAAAAAAAAA', ...context },
  );
}

describe('the body of POST /chat', () => {
  test('is taken as it is, spaces and all', () => {
    const body = { user_id: ' a:b{*}? ', message: ' hi ', ttl: 5, other: 1 };
    expect(parseChat(schema, body)).toEqual({ userId: ' a:b{*}? ', text: ' hi ', ttl: 5 });
  });

  test('may say that there is no ttl', () => {
    expect(parseChat(schema, { user_id: 'a', message: 'b', ttl: null })).toEqual({ userId: 'a', text: 'b' });
  });

  test.each([
    ['nothing', undefined],
    ['a list', []],
    ['a text', 'x'],
    ['no user_id', { message: 'b' }],
    ['no message', { user_id: 'a' }],
    ['a number as user_id', { user_id: 1, message: 'b' }],
    ['a list as message', { user_id: 'a', message: ['b'] }],
    ['an empty user_id', { user_id: '', message: 'b' }],
    ['a user_id that no path can carry', { user_id: '..', message: 'b' }],
    ['a user_id of 129 characters', { user_id: 'a'.repeat(129), message: 'b' }],
    ['a lone surrogate in user_id', { user_id: 'a\ud83d', message: 'b' }],
    ['a lone surrogate in message', { user_id: 'a', message: '\udc00b' }],
    ['an empty message', { user_id: 'a', message: ' \n\t ' }],
    ['a message that is too long', { user_id: 'a', message: 'b'.repeat(LIMITS.maxMessageChars + 1) }],
    ['a wrong message beside a wrong ttl', { user_id: 'a', message: 1, ttl: 0 }],
  ])('is refused with %s', (_, body) => {
    expect(codeOf(() => parseChat(schema, body))).toBe('bad_input');
  });

  test.each([0, -1, 1.5, 2_592_001, 1e300, '60', true, [], {}])(
    'is refused with the ttl %s, and the bounds named',
    (ttl) => {
      const parse = () => parseChat(schema, { user_id: 'a', message: 'b', ttl });
      expect(codeOf(parse)).toBe('ttl_out_of_bounds');
      expect(parse).toThrow('ttl must be a whole number of seconds from 1 to 2592000.');
    },
  );

  test.each([1, 59, 60, 2_592_000])('may have the ttl %i', (ttl) => {
    expect(parseChat(schema, { user_id: 'a', message: 'b', ttl }).ttl).toBe(ttl);
  });
});

describe('the user_id of a path', () => {
  /** What may be a user_id, with everything that means something to a router, a key pattern or an encoder in it. */
  const anyUser = fc
    .string({
      unit: fc.oneof(
        fc.constantFrom(...'%/\\?#:{}*[]+ .;&=\n\u0000'),
        fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }),
      ),
      minLength: 1,
      maxLength: 20,
    })
    .filter((id) => id !== '.' && id !== '..');

  test('is the one that was encoded, whatever it is made of', () => {
    fc.assert(
      fc.property(anyUser, (id) => {
        expect(parsePathUser(`http://localhost${historyPath(id)}`)).toBe(id);
      }),
    );
  });

  test('is decoded once only', () => {
    expect(parsePathUser('http://localhost/history/a%252Fb')).toBe('a%2Fb');
  });

  test.each(['%ED%A0%80', '%ff', '%', 'a'.repeat(129)])('is refused when it is %s', (segment) => {
    expect(codeOf(() => parsePathUser(`http://localhost/history/${segment}`))).toBe('bad_input');
  });
});

describe('the new_ttl of PUT /ttl', () => {
  test.each([
    ['60', 60],
    ['300', 300],
    ['2592000', 2_592_000],
  ])('%s is taken', (text, seconds) => {
    expect(parseNewTtl(text, LIMITS)).toBe(seconds);
  });

  test.each([
    ['59', 'TTL must be at least 60 seconds'],
    ['0', 'TTL must be at least 60 seconds'],
    ['-5', 'TTL must be at least 60 seconds'],
    ['2592001', 'TTL must be at most 2592000 seconds'],
    ['9'.repeat(400), 'TTL must be at most 2592000 seconds'],
    ['59.5', 'new_ttl must be a whole number of seconds.'],
    ['1e3', 'new_ttl must be a whole number of seconds.'],
    ['', 'new_ttl must be a whole number of seconds.'],
    ['forever', 'new_ttl must be a whole number of seconds.'],
    [undefined, 'new_ttl must be a whole number of seconds.'],
  ])('%s is refused: %s', (text, detail) => {
    expect(() => parseNewTtl(text, LIMITS)).toThrow(new BotError('ttl_out_of_bounds', detail));
  });
});

describe('the message made of it', () => {
  test('belongs to a place of the HTTP platform, whatever the user_id looks like', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1, maxLength: 40 }), (id) => {
        expect(parseSessionId(sessionOf(id))).toEqual({ place: { platform: 'http', channel: id } });
      }),
    );
  });

  test('is a direct one of its user', () => {
    expect(message({ ttl: 5 }, { locale: 'zh-CN' })).toMatchObject({
      platform: 'http',
      sessionId: '{http:grace}',
      author: { id: 'grace', name: 'grace' },
      text: 'Hello',
      sentAt: NOW,
      isDirect: true,
      isMention: false,
      locale: 'zh-CN',
      replyTo: { platform: 'http' },
      ttl: 5,
    });
  });

  test('has a turn id that the store takes', () => {
    const { turnId } = message();
    expect(turnId).toHaveLength(MAX_TURN_ID_LENGTH);
    expect(turnId).toMatch(/^[A-Za-z0-9._-]+$/);
  });

  test('without an Idempotency-Key is known under its own turn id only', () => {
    const one = message({}, { random: 'aaaaaaaaaaaa' });
    const other = message({}, { random: 'bbbbbbbbbbbb' });
    expect(one.idempotencyKeys).toEqual([one.turnId]);
    expect(other.idempotencyKeys).toEqual([other.turnId]);
    expect(one.turnId).not.toBe(other.turnId);
  });

  test('with an Idempotency-Key is known under it, whatever its turn id', () => {
    const one = message({}, { idempotencyKey: 'k', random: 'aaaaaaaaaaaa' });
    const again = message({}, { idempotencyKey: 'k', random: 'bbbbbbbbbbbb' });
    const other = message({}, { idempotencyKey: 'K', random: 'bbbbbbbbbbbb' });
    expect(again.idempotencyKeys).toEqual(one.idempotencyKeys);
    expect(other.idempotencyKeys).not.toEqual(one.idempotencyKeys);
    expect(again.turnId).not.toBe(one.turnId);
  });

  test('tells by the turn id whether a repeat asks the same', () => {
    const { turnId } = message({ text: 'a', ttl: 60 }, { random: 'aaaaaaaaaaaa' });
    expect(asksTheSame(message({ text: 'a', ttl: 60 }, { random: 'bbbbbbbbbbbb' }), turnId)).toBe(true);
    expect(asksTheSame(message({ text: 'b', ttl: 60 }), turnId)).toBe(false);
    expect(asksTheSame(message({ text: 'a', ttl: 61 }), turnId)).toBe(false);
    expect(asksTheSame(message({ text: 'a' }), turnId)).toBe(false);
  });

  test.each(['', 'k'.repeat(MAX_KEY_LENGTH + 1)])(
    'is refused with an Idempotency-Key of a wrong length',
    (idempotencyKey) => {
      expect(codeOf(() => message({}, { idempotencyKey }))).toBe('bad_input');
    },
  );
});

describe('what the caller would like', () => {
  test.each([
    [undefined, 'en'],
    ['', 'en'],
    ['de', 'en'],
    ['zh', 'zh-CN'],
    ['zh-CN,zh;q=0.9,en;q=0.8', 'zh-CN'],
    ['en;q=0.5, zh-Hans-SG', 'zh-CN'],
    ['en, zh-CN;q=0.9', 'en'],
    ['de, zh-CN;q=0.8, en;q=0.5', 'zh-CN'],
    ['zh-CN;q=0, *', 'en'],
    ['\u0000;;,,q=', 'en'],
  ])('Accept-Language %j is answered in %s', (header, locale) => {
    expect(preferredLocale(header)).toBe(locale);
  });

  test.each([
    [undefined, false],
    ['*/*', false],
    ['application/json', false],
    ['text/event-stream', true],
    ['text/event-stream, */*', true],
    ['application/json;q=0.5, text/event-stream', true],
    ['application/json, text/event-stream;q=0.5', false],
    ['text/event-stream;q=0', false],
  ])('Accept %j as a stream: %s', (header, stream) => {
    expect(wantsStream(header)).toBe(stream);
  });
});
