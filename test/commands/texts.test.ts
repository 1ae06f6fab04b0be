import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Locale } from '../../src/core/types.ts';
import { ERROR_CODES } from '../../src/errors.ts';
import { createFormats } from '../../src/i18n/formats.ts';
import { localeOf } from '../../src/i18n/locale.ts';
import { createCoreMessages, localised, messagesIn } from '../../src/i18n/messages.ts';

const HAN = /\p{Script=Han}/u;

/** Every text of a language; those with values are given numbers, lists or records that serve for all of them. */
function everyText(node: unknown, path = ''): readonly (readonly [string, string])[] {
  if (typeof node === 'string') return [[path, node]];
  if (typeof node === 'function') {
    const takesList = path.endsWith('platforms');
    const takesRecord = ['forget.done', 'forget.removedMine'].some((name) => path.endsWith(name));
    const erased = { conversations: 2, messages: 12, waiting: 1, facts: 0 };
    const server = { store: 'redis', version: '7.0.15' };
    const shown = {
      ...{ system: 44, facts: { count: 1, tokens: 10 }, recall: { of: 2, tokens: 100 } },
      window: { count: 4, of: 6, tokens: 72, end: 'messages' },
    };
    const records = [
      ['memstats.store', server],
      ['memstats.shown', shown],
      ['history.files', ['plan.pdf']],
      ['filesUnread', [{ name: 'plan.pdf', why: 'gone' }]],
    ] as const;
    const record = takesRecord ? erased : records.find(([name]) => path.endsWith(name))?.[1];
    const first = takesList ? ['a', 'b'] : (record ?? 7200);
    const second = path.endsWith('platformOff') ? ['SETTING'] : 3600;
    return [[path, String(node(first, second, 7200, 7200))]];
  }
  if (typeof node !== 'object' || node === null) throw new Error(`${path} is no text`);
  return Object.entries(node).flatMap(([name, value]) => everyText(value, `${path}.${name}`));
}

describe('the texts', () => {
  const english = new Map(everyText(messagesIn('en')));
  const chinese = new Map(everyText(messagesIn('zh-CN')));

  it('are there in every language, whole', () => {
    expect([...chinese.keys()].sort()).toEqual([...english.keys()].sort());
    for (const text of [...english.values(), ...chinese.values()]) {
      expect(text.trim()).not.toBe('');
      expect(text).not.toMatch(/undefined|NaN|\[object|null/);
    }
  });

  it('are translated: Chinese ones are in Chinese, English ones are not', () => {
    // Made of figures and what the person wrote alone.
    const wordless = new Set(['.commands.history.header', '.commands.pickEntry']);
    // A command is named alike everywhere.
    const isCommand = (text: string) => /^!\w+$/.test(text);
    for (const [path, text] of chinese) if (!wordless.has(path) && !isCommand(text)) expect(text, path).toMatch(HAN);
    for (const [path, text] of english) expect(text, path).not.toMatch(HAN);
  });

  it('say for every error what the person can do, in both languages', () => {
    const core = createCoreMessages();
    for (const code of ERROR_CODES) {
      expect(core.failed(code, 'en')).toMatch(/[.]$/);
      expect(core.failed(code, 'zh-CN')).toMatch(/。$/);
    }
  });

  it('name the time after which to go on', () => {
    const core = createCoreMessages();
    expect(core.rateLimited(11_200, 'en')).toContain('Try again in 12 seconds');
    expect(core.rateLimited(11_200, 'zh-CN')).toContain('12秒钟后重试');
    expect(core.rateLimited(0, 'en')).toContain('in 1 second.');
    expect(core.inboxFull(50, 'en')).toContain('50 messages are still waiting');
    expect(core.inboxFull(50, 'zh-CN')).toContain('50 条消息');
    expect(core.tooLong(8000, 'en')).toContain('8,000 characters');
    expect([core.forgotten('en'), core.forgotten('zh-CN')]).toEqual(['Forgotten.', '已忘记。']);
    expect([core.empty('en'), core.empty('zh-CN')]).toEqual([messagesIn('en').empty, messagesIn('zh-CN').empty]);
  });

  it('tell one from many in English', () => {
    const { done } = messagesIn('en').commands.forget;
    expect(done({ conversations: 1, messages: 2, waiting: 0, facts: 0 })).toBe(
      'Forgotten: 1 conversation, 2 messages.',
    );
    expect(done({ conversations: 2, messages: 1, waiting: 1, facts: 0 })).toBe(
      'Forgotten: 2 conversations, 1 message. 1 message that was still waiting will not be answered.',
    );
  });

  it('come in all languages at once where a platform wants them so', () => {
    expect(localised((texts) => texts.buttons.older)).toEqual({ en: 'Older', 'zh-CN': '更早' });
  });
});

describe('the language of a tag', () => {
  const chinese = [
    'zh',
    'zh-CN',
    'zh_CN',
    'zh_CN.UTF-8',
    'ZH-cn',
    'zh-Hans',
    'zh-Hans-HK',
    'zh-SG',
    'zh-MY',
    'cmn',
    'zh-CN,en;q=0.5',
  ];
  it.each(chinese)('%s is Chinese', (tag) => expect(localeOf(tag)).toBe('zh-CN'));

  const english = [
    undefined,
    '',
    'en',
    'en-US',
    'de',
    'ja',
    'zh-TW',
    'zh-HK',
    'zh-Hant-CN',
    'yue',
    'C',
    'POSIX',
    '*',
    '-',
    'zhongwen zh',
  ];
  it.each(english)('%s is English', (tag) => expect(localeOf(tag)).toBe('en'));

  it('is found for whatever a platform sends', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (tag) => void expect(['en', 'zh-CN']).toContain(localeOf(tag))),
    );
  });
});

describe('formats', () => {
  const en = createFormats('en');
  const zh = createFormats('zh-CN', 'Asia/Shanghai');

  it('give a setting exactly', () => {
    expect([60, 90, 1800, 5400, 2_592_000, 90_061].map(en.exactly)).toEqual([
      '1 minute',
      '1 minute, 30 seconds',
      '30 minutes',
      '1 hour, 30 minutes',
      '30 days',
      '1 day, 1 hour, 1 minute, 1 second',
    ]);
    expect([1800, 5400, 604_800].map(zh.exactly)).toEqual(['30分钟', '1小时30分钟', '7天']);
  });

  it('give what is left in two units, rounded up to the second', () => {
    expect([-5, 0, 1, 1001, 59_000, 1_799_001, 3_600_000, 90_061_000, 86_405_000].map(en.roughly)).toEqual([
      '1 second',
      '1 second',
      '1 second',
      '2 seconds',
      '59 seconds',
      '30 minutes',
      '1 hour',
      '1 day, 1 hour',
      '1 day',
    ]);
  });

  it('lose no second of any setting', () => {
    const size: Readonly<Record<string, number>> = { day: 86_400, hour: 3600, minute: 60, second: 1 };
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 2_592_000 }), (seconds) => {
        const parts = en
          .exactly(seconds)
          .split(', ')
          .map((part) => part.split(' '));
        const sum = parts.reduce(
          (total, [n = '', unit = '']) => total + Number(n) * (size[unit.replace(/s$/, '')] ?? 0),
          0,
        );
        expect(sum).toBe(seconds);
      }),
    );
  });

  it('give sizes in the unit that fits', () => {
    expect([0, 1, 999, 8440, 2_500_000].map(en.bytes)).toEqual(['0 bytes', '1 byte', '999 bytes', '8.4 kB', '2.5 MB']);
  });

  it('show times in the person’s zone and language', () => {
    const noon = Date.UTC(2026, 8, 3, 12, 0);
    expect(en.time(noon)).toMatch(/Sep 3, 2026.*12:00\sPM/);
    expect(zh.time(noon)).toMatch(/2026年9月3日.*20:00/);
    expect(zh.timeZone).toBe('Asia/Shanghai');
  });

  it('fall back to UTC for a zone that nobody knows', () => {
    const locales: readonly Locale[] = ['en', 'zh-CN'];
    for (const locale of locales) expect(createFormats(locale, 'Mars/Olympus').timeZone).toBe('UTC');
  });
});
