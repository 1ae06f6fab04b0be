import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { parseDuration } from '../../src/commands/duration.ts';
import { editDistance } from '../../src/commands/edit-distance.ts';
import { FORGET_SCOPES } from '../../src/commands/forget.ts';
import { createParser } from '../../src/commands/parse.ts';
import { CATALOGUE, COMMANDS } from '../../src/commands/registry.ts';
import type { Command } from '../../src/core/commands.ts';

const { readText, readArguments, readOptions, readMessage } = createParser(COMMANDS);
const COMMAND_NAMES = CATALOGUE.map(({ name }) => name);
/** To the others everything that follows belongs. */
const SHORT_NAMES = CATALOGUE.filter(({ options }) => options.every(({ kind }) => kind !== 'text')).map(
  ({ name }) => name,
);
const words = [...COMMAND_NAMES, 'memory', 'stats'];

describe('a typed message', () => {
  const understood: readonly (readonly [string, Command])[] = [
    ['/history', { name: 'history' }],
    ['!history 5', { name: 'history', limit: 5 }],
    ['/history export', { name: 'history', export: true }],
    ['/history export 50', { name: 'history', limit: 50, export: true }],
    ['/forget', { name: 'forget', scope: 'here', confirmed: false }],
    ['  !Forget  ', { name: 'forget', scope: 'here', confirmed: false }],
    ['／forget', { name: 'forget', scope: 'here', confirmed: false }],
    ['！forget　everywhere', { name: 'forget', scope: 'everywhere', confirmed: false }],
    ['/forget EVERYWHERE', { name: 'forget', scope: 'everywhere', confirmed: false }],
    ['/forget everywhere confirm', { name: 'forget', scope: 'everywhere', confirmed: true }],
    ['/forget whole', { name: 'forget', scope: 'whole', confirmed: false }],
    ['/ttl', { name: 'ttl' }],
    ['/ttl 600', { name: 'ttl', value: 600 }],
    ['/ttl 2H', { name: 'ttl', value: 7200 }],
    ['/ttl default', { name: 'ttl', value: 'default' }],
    ['/ttl 0', { name: 'ttl', value: 0 }],
    ['/memstats', { name: 'memstats' }],
    ['!help', { name: 'help' }],
    ['/memory', { name: 'help' }],
    ['/memory stats', { name: 'memstats' }],
    ['/memory memstats', { name: 'memstats' }],
    ['/memory forget everywhere', { name: 'forget', scope: 'everywhere', confirmed: false }],
    ['/memory ttl 90s', { name: 'ttl', value: 90 }],
    ['/facts', { name: 'facts' }],
    ['/facts remove ab12cd34', { name: 'facts', remove: 'ab12cd34' }],
    ['/facts remove AB12CD34', { name: 'facts', remove: 'ab12cd34' }],
    ['!facts remove all', { name: 'facts', remove: 'all' }],
    ['/memory facts remove all', { name: 'facts', remove: 'all' }],
    ['/facts remove', { name: 'facts' }],
  ];
  it.each(understood)('%j is a command', (text, command) => {
    expect(readText(text)).toEqual(command);
  });

  it.each([
    'history',
    'help',
    'forget',
    'forget it, tell me a joke',
    'ttl 600',
    'please /forget',
    'what does /forget do?',
    '/path/to/file is missing',
    '/shrug hello',
    '/me waves',
    '/chat hello',
    '/story of my life, please',
    '/format this code',
    '/clear my schedule for tomorrow',
    '!important: read this',
    '! forget',
    '/ forget',
    '//forget',
    '!!forget',
    '/',
    '!',
    '',
    '/forget\nand now for something else',
    '/forget here\r\nand now for something else',
    '/forget\u2028here',
    '/etc',
    '/忘记',
    '/forget-me-not',
    '/forget_me',
    '/ttl2',
    '-1',
  ])('%j goes to the model', (text) => {
    expect(readText(text)).toBeUndefined();
  });

  const nearly: readonly (readonly [string, Partial<Command>])[] = [
    ['/forgot', { name: 'hint', near: 'forget', reason: 'unknown', given: '/forgot' }],
    ['/froget everywhere', { name: 'hint', near: 'forget', reason: 'unknown' }],
    ['!histroy', { name: 'hint', near: 'history', reason: 'unknown' }],
    ['/memstat', { name: 'hint', near: 'memstats', reason: 'unknown' }],
    ['/tll 600', { name: 'hint', near: 'ttl', reason: 'unknown' }],
    ['/hepl', { name: 'hint', near: 'help', reason: 'unknown' }],
    ['/memroy', { name: 'hint', near: 'help', reason: 'unknown' }],
    ['/forget!', { name: 'hint', near: 'forget', reason: 'unknown', given: '/forget!' }],
    ['/clear', { name: 'hint', near: 'forget', reason: 'unknown' }],
    ['/stats', { name: 'hint', near: 'memstats', reason: 'unknown' }],
    ['/forget it, tell me a joke', { name: 'hint', near: 'forget', reason: 'option', given: 'it,' }],
    ['/forget here everywhere', { name: 'hint', near: 'forget', reason: 'option', given: 'everywhere' }],
    ['/history 0', { name: 'hint', near: 'history', reason: 'option', given: '0' }],
    ['/history 51', { name: 'hint', near: 'history', reason: 'option' }],
    ['/history 5 5', { name: 'hint', near: 'history', reason: 'option' }],
    ['/help me', { name: 'hint', near: 'help', reason: 'option' }],
    ['/ttl -5', { name: 'hint', near: 'ttl', reason: 'duration', given: '-5' }],
    ['/ttl 1.5h', { name: 'hint', near: 'ttl', reason: 'duration' }],
    ['/ttl 10 minutes', { name: 'hint', near: 'ttl', reason: 'duration', given: 'minutes' }],
    ['/ttl 99999999999', { name: 'hint', near: 'ttl', reason: 'duration' }],
    ['/memory what', { name: 'hint', near: 'help', reason: 'unknown', given: 'what', umbrella: true }],
    ['/memory forgt', { name: 'hint', near: 'forget', reason: 'unknown', umbrella: true }],
    ['/memory ttl -5', { name: 'hint', near: 'ttl', reason: 'duration', umbrella: true }],
    ['/memory memory', { name: 'hint', near: 'help', reason: 'unknown', umbrella: true }],
  ];
  it.each(nearly)('%j gets a hint', (text, hint) => {
    expect(readText(text)).toMatchObject(hint);
  });

  it('is a command only when it is short: nothing of a long one is looked at', () => {
    expect(readText(`/history${' '.repeat(190)}5`)).toEqual({ name: 'history', limit: 5 });
    expect(readText(`/history${' '.repeat(192)}5`)).toBeUndefined();
    expect(readText(`/forget everywhere ${'x'.repeat(200)}`)).toBeUndefined();
    // Blanks around it are no part of it.
    expect(readText(`${' '.repeat(1_000)}/help${'\n'.repeat(1_000)}`)).toEqual({ name: 'help' });
  });

  it('is never a command without its mark, whatever else it says', () => {
    const line = fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom(...words));
    fc.assert(
      fc.property(fc.array(line, { maxLength: 4 }), (parts) => {
        const text = parts.join(' ');
        fc.pre(!/^\s*[/!／！]/u.test(text));
        expect(readText(text)).toBeUndefined();
      }),
    );
  });

  it('never runs anything when something stands before or after a command', () => {
    const outside = fc.string({ unit: 'binary', minLength: 1 }).filter((text) => text.trim() !== '');
    fc.assert(
      fc.property(fc.constantFrom(...SHORT_NAMES), outside, fc.boolean(), (name, more, before) => {
        // Digits, units and the names of options may follow: those are commands.
        fc.pre(
          !/^\s*(\d+[smhd]?|export|here|everywhere|whole|confirm|default|remove|all|[a-z0-9]{8})(\s|$)/i.test(more),
        );
        const command = readText(before ? `${more} /${name}` : `/${name} ${more}`);
        expect(command === undefined || command.name === 'hint').toBe(true);
      }),
      { numRuns: 500 },
    );
  });

  it('gives back every command that can be typed', () => {
    const typed: fc.Arbitrary<readonly [string, Command]> = fc.oneof(
      fc
        .tuple(fc.integer({ min: 1, max: 50 }), fc.boolean())
        .map(([limit, all]): readonly [string, Command] => [
          `history ${all ? `export ${limit}` : limit}`,
          { name: 'history', limit, ...(all ? { export: true } : {}) },
        ]),
      fc
        .tuple(fc.constantFrom(...FORGET_SCOPES), fc.boolean())
        .map(([scope, confirmed]): readonly [string, Command] => [
          `forget ${scope}${confirmed ? ' confirm' : ''}`,
          { name: 'forget', scope, confirmed },
        ]),
      fc.nat().map((value): readonly [string, Command] => [`ttl ${value}`, { name: 'ttl', value }]),
    );
    fc.assert(
      fc.property(typed, fc.constantFrom('/', '!', '/memory ', '  /'), ([text, command], mark) => {
        expect(readText(mark + text)).toEqual(command);
      }),
    );
  });
});

describe('a command that takes a text', () => {
  const kept = (text: string) => ({ name: 'remember', text });

  it.each<readonly [string, Command]>([
    ['/remember I am vegetarian', kept('I am vegetarian')],
    ['  !Remember   two\nlines  \n', kept('two\nlines')],
    ['/remember\nfirst\n\n/second', kept('first\n\n/second')],
    ['/remember: with a colon', kept('with a colon')],
    ['／remember：我叫小明', kept('我叫小明')],
    ['！remember　我叫小明', kept('我叫小明')],
    ['/memory remember here everywhere\n5', kept('here everywhere\n5')],
    ['!MEMORY Remember it', kept('it')],
    ['/remember', { name: 'remember' }],
    ['/remember:', { name: 'remember' }],
    ['/memory remember', { name: 'remember' }],
  ])('has all that follows its name: %j', (typed, command) => {
    expect(readText(typed)).toEqual(command);
  });

  it.each(['remember this', '/remembering', 'please\n/remember me', 'remember: this'])('%j is none', (typed) => {
    expect(readText(typed)).toBeUndefined();
  });

  it.each(['/remeber my pin', '/remember, please', '/memorize'])('%j gets a hint', (typed) => {
    expect(readText(typed)).toMatchObject({ name: 'hint', near: 'remember' });
  });

  it('is given one unit more than it may have of a longer text, on every surface', () => {
    const long = 'x'.repeat(100_000);
    const cut = kept('x'.repeat(501));
    expect(readText(`/remember ${long}`)).toEqual(cut);
    expect(readArguments('remember', long)).toEqual(cut);
    expect(readArguments('memory', `remember ${long}`)).toEqual(cut);
    expect(readOptions('remember', { text: long })).toEqual(cut);
    expect(readMessage('remember', { text: long, author: 'ada' })).toEqual({ ...cut, author: 'ada' });
    expect(readText(`/remember ${' '.repeat(1_000)}${'x'.repeat(500)}${'\n'.repeat(1_000)}`)).toEqual(
      kept('x'.repeat(500)),
    );
  });

  it('keeps line breaks in arguments and options', () => {
    expect(readArguments('remember', ' a\nb ')).toEqual(kept('a\nb'));
    expect(readOptions('remember', { text: 'a\nb' })).toEqual(kept('a\nb'));
    expect(readOptions('remember', { text: '  ' })).toEqual({ name: 'remember' });
    expect(readOptions('remember', {})).toEqual({ name: 'remember' });
    expect(readOptions('remember', { text: 5 })).toMatchObject({ name: 'hint', near: 'remember' });
  });

  it('never loses or changes what was typed', () => {
    const text = fc.string({ unit: 'binary', minLength: 1, maxLength: 500 }).filter((typed) => typed.trim() !== '');
    fc.assert(
      fc.property(text, fc.constantFrom('/remember ', '!memory remember\n', '／REMEMBER\t'), (typed, begin) => {
        expect(readText(begin + typed)).toEqual(kept(typed.trim()));
      }),
    );
  });
});

describe('a command from the menu of a message', () => {
  it('is of its text, with its author, or only says where', () => {
    const message = { text: ' It rains.\n', author: 'bob' };
    expect(readMessage('remember', message)).toEqual({ name: 'remember', text: 'It rains.', author: 'bob' });
    expect(readMessage('remember', { text: 'x', author: undefined })).toEqual({
      name: 'remember',
      text: 'x',
      author: '',
    });
    expect(readMessage('history', message)).toEqual({ name: 'history' });
    expect(readMessage('forget', message)).toEqual({ name: 'forget', scope: 'here', confirmed: false });
    expect(readMessage('constructor', message)).toMatchObject({ name: 'hint', near: 'help' });
  });
});

describe('the arguments of a Slack command', () => {
  it('are read as in text', () => {
    expect(readArguments('history', ' 5  export ')).toEqual({ name: 'history', limit: 5, export: true });
    expect(readArguments('memory', 'forget everywhere')).toEqual({
      name: 'forget',
      scope: 'everywhere',
      confirmed: false,
    });
    expect(readArguments('ttl', '')).toEqual({ name: 'ttl' });
  });

  it('are not read beyond what a command can be: cut, they could say something else', () => {
    const long = `here${' '.repeat(300)}nothing, please`;
    const hint = { name: 'hint', reason: 'option', near: 'forget' };
    expect(readArguments('forget', long)).toMatchObject(hint);
    expect(readArguments('memory', `forget ${long}`)).toMatchObject({ name: 'hint' });
    for (const name of ['forget', 'memory', 'other', 'x'.repeat(100_000)]) {
      const { given } = z.object({ given: z.string() }).parse(readArguments(name, 'x'.repeat(100_000)));
      expect(given.length).toBeLessThanOrEqual(200);
    }
  });

  it('of an unknown command give a hint', () => {
    expect(readArguments('forgetme', '')).toMatchObject({ name: 'hint', near: 'forget' });
  });

  it('never throw, and give a command or a hint', () => {
    fc.assert(
      fc.property(fc.constantFrom(...words), fc.string({ unit: 'binary' }), (name, text) => {
        expect(['hint', ...COMMAND_NAMES]).toContain(readArguments(name, text).name);
      }),
    );
  });
});

describe('the options of a Discord command', () => {
  it('are read by name', () => {
    expect(readOptions('history', { limit: 20, export: true })).toEqual({ name: 'history', limit: 20, export: true });
    expect(readOptions('history', { limit: undefined, export: false })).toEqual({ name: 'history' });
    expect(readOptions('forget', { scope: 'everywhere' })).toEqual({
      name: 'forget',
      scope: 'everywhere',
      confirmed: false,
    });
    expect(readOptions('ttl', { value: ' 10m ' })).toEqual({ name: 'ttl', value: 600 });
  });

  it('cannot confirm: that is what the button is for', () => {
    expect(readOptions('forget', { scope: 'everywhere', confirm: true })).toMatchObject({
      name: 'hint',
      near: 'forget',
    });
  });

  it('that are too long give a hint that is short', () => {
    const hint = readOptions('ttl', { value: '5'.repeat(6_000) });
    expect(hint).toMatchObject({ name: 'hint', near: 'ttl' });
    expect(JSON.stringify(hint).length).toBeLessThan(400);
  });

  it('that are wrong give a hint', () => {
    expect(readOptions('history', { limit: 500 })).toMatchObject({ name: 'hint', near: 'history', given: '500' });
    expect(readOptions('history', { limit: 1.5 })).toMatchObject({ name: 'hint', near: 'history' });
    expect(readOptions('history', { export: 'yes' })).toMatchObject({ name: 'hint', near: 'history' });
    expect(readOptions('forget', { scope: Object.create(null) })).toMatchObject({ name: 'hint', given: 'scope' });
    expect(readOptions('ttl', { value: 'soon' })).toMatchObject({ name: 'hint', reason: 'duration', given: 'soon' });
    expect(readOptions('memstats', { all: true })).toMatchObject({ name: 'hint', near: 'memstats', given: 'all' });
    expect(readOptions('constructor', {})).toMatchObject({ name: 'hint', near: 'help' });
  });
});

describe('a duration', () => {
  it('is whole seconds in every unit', () => {
    expect(['600', '90s', '10m', '2h', '7d', 'DEFAULT', '0'].map(parseDuration)).toEqual([
      600,
      90,
      600,
      7200,
      604_800,
      'default',
      0,
    ]);
    fc.assert(
      fc.property(fc.nat({ max: 9_999_999 }), (count) => {
        expect([parseDuration(`${count}m`), parseDuration(`${count}D`)]).toEqual([count * 60, count * 86_400]);
      }),
    );
  });

  it.each([
    '',
    '-1',
    '+1',
    '1.5',
    '1,5',
    '1e3',
    '0x10',
    '10 m',
    '10min',
    'm',
    '１０',
    '12345678901',
    '1h30m',
    'Infinity',
  ])('%j is none', (text) => {
    expect(parseDuration(text)).toBeUndefined();
  });

  it('is always a number that JavaScript holds exactly', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^\d{1,12}[smhd]?$/), (text) => {
        const value = parseDuration(text);
        expect(value === undefined || Number.isSafeInteger(value)).toBe(true);
      }),
    );
  });
});

describe('the distance of two words', () => {
  it('counts typing errors, a swap as one', () => {
    expect(editDistance('forget', 'forget')).toBe(0);
    expect(editDistance('froget', 'forget')).toBe(1);
    expect(editDistance('forge', 'forget')).toBe(1);
    expect(editDistance('forgot', 'forget')).toBe(1);
    expect(editDistance('story', 'history')).toBe(2);
    expect(editDistance('', 'ttl')).toBe(3);
    expect(editDistance('ttl', '')).toBe(3);
  });

  it('is the same both ways, and never more than the longer word', () => {
    const word = fc.stringMatching(/^[a-d]{0,8}$/);
    fc.assert(
      fc.property(word, word, (one, other) => {
        const distance = editDistance(one, other);
        expect(distance).toBe(editDistance(other, one));
        expect(distance).toBeLessThanOrEqual(Math.max(one.length, other.length));
        expect(distance).toBeGreaterThanOrEqual(Math.abs(one.length - other.length));
        expect(distance === 0).toBe(one === other);
      }),
    );
  });
});
