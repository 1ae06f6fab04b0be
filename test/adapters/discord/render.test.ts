import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { commandBodies, isRegistered, MESSAGE } from '../../../src/adapters/discord/interactions/commands.ts';
import { answerBody, readStop, rowsOf, stopRows } from '../../../src/adapters/discord/reply/render.ts';
import { CATALOGUE } from '../../../src/commands/registry.ts';

const action = (id: string) => ({ label: id, style: 'plain', id }) as const;

describe('an answer', () => {
  test('has its buttons in rows of five, and pings nobody', () => {
    const actions = Array.from({ length: 7 }, (_, index) => action(`b${index}`));
    const body = answerBody({ text: '@everyone', actions });
    expect(body.components.map(({ components }) => components.length)).toEqual([5, 2]);
    expect(body.components.flatMap(({ components }) => components.map(({ custom_id }) => custom_id))).toEqual(
      actions.map(({ id }) => id),
    );
    expect(body.allowed_mentions).toEqual({ parse: [], replied_user: false });
  });

  test('shows tables readably, also in the quotes of /history; their source where that would be too long', () => {
    const table = '> | a | b |\n> |---|---|\n> | c | d |';
    const shown = '> ```\n> a    b\n> ---  ---\n> c    d\n> ```';
    expect(answerBody({ text: `Ada:\n${table}`, actions: [] }).content).toBe(`Ada:\n${shown}`);
    const long = `${'x'.repeat(2_000 - table.length - 1)}\n${table}`;
    expect(answerBody({ text: long, actions: [] }).content).toBe(long);
  });

  test('is never longer than Discord accepts', () => {
    const actions = Array.from({ length: 40 }, (_, index) => action(`b${index}`));
    expect(rowsOf(actions)).toHaveLength(5);
    expect(answerBody({ text: 'x'.repeat(5_000), actions: [] }).content).toHaveLength(2_000);
  });
});

describe('the Stop button', () => {
  test('has the turn and the person in its id', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[A-Za-z0-9._-]{1,20}$/), fc.stringMatching(/^\d{1,20}$/), (turnId, asker) => {
        const [row] = stopRows({ turnId, asker }, 'en');
        const id = row?.components[0]?.custom_id ?? '';
        expect(id.length).toBeLessThanOrEqual(100);
        expect(readStop(id)).toEqual({ turnId, asker });
      }),
    );
  });

  test('is no other button', () => {
    for (const id of ['', 'stop', 'stop:a', 'stop::1', 'stop:a:b', 'memory:p:abcdefghijkl', 'stop:a:1:2']) {
      expect(readStop(id)).toBeUndefined();
    }
  });

  test('speaks the person’s language', () => {
    expect(stopRows({ turnId: 't', asker: '1' }, 'zh-CN')[0]?.components[0]?.label).toBe('停止');
  });
});

describe('the registration', () => {
  const bodies = commandBodies(CATALOGUE);

  test('has /chat with its message, and every command with its options', () => {
    expect(
      bodies.map(({ name, options = [] }) => [name, ...options.map((option) => [option.name, option.type])]),
    ).toEqual([
      ['chat', ['message', 3]],
      ['history', ['limit', 4], ['export', 5]],
      ['forget', ['scope', 3]],
      ['remember', ['text', 3]],
      ['facts'],
      ['ttl', ['value', 3]],
      ['memstats'],
      ['help'],
      ['Remember this'],
    ]);
    expect(bodies[0]?.options?.[0]).toMatchObject({ required: true, max_length: 4_000 });
    expect(bodies[1]?.options?.[0]).toMatchObject({ min_value: 1, max_value: 50 });
  });

  test('has a command in the menu of messages, named in both languages', () => {
    const [body, ...others] = bodies.filter(({ type }) => type === MESSAGE);
    expect(others).toEqual([]);
    expect(body).toMatchObject({ name: 'Remember this', description: '' });
    expect(body?.name_localizations?.['zh-CN']).toMatch(/^\p{Script=Han}{1,32}$/u);
  });

  test('has every text in both languages, within Discord’s limits', () => {
    const typed = bodies.filter(({ type }) => type !== MESSAGE);
    const texts = typed.flatMap(({ options = [], ...command }) => [command, ...options]);
    for (const { name, description, description_localizations: others } of texts) {
      expect(name).toMatch(/^[a-z]{1,32}$/);
      for (const text of [description, others?.['zh-CN'] ?? '']) {
        expect(text.length).toBeGreaterThan(0);
        expect(text.length).toBeLessThanOrEqual(100);
      }
    }
    const scopes = bodies[2]?.options?.[0]?.choices ?? [];
    expect(scopes.map(({ value }) => value)).toEqual(['here', 'everywhere', 'whole']);
    for (const { name_localizations: others } of scopes) expect(others?.['zh-CN']).toMatch(/\p{Script=Han}/u);
  });

  /** As Discord gives it back. */
  const given = bodies.toReversed().map(({ options = [], ...command }) => ({
    ...command,
    id: '1',
    version: '2',
    nsfw: false,
    name_localizations: command.name_localizations ?? null,
    contexts: [2, 0, 1],
    options: options.map((option) => ({ ...option, autocomplete: false, name_localizations: null })),
  }));

  test('is recognised in the form in which Discord returns it', () => {
    expect(isRegistered(given, bodies)).toBe(true);
  });

  test('is recognised as different by any change', () => {
    const [first, ...others] = given;
    if (first === undefined) throw new Error('There are commands.');
    expect(isRegistered([], bodies)).toBe(false);
    expect(isRegistered(undefined, bodies)).toBe(false);
    expect(isRegistered(others, bodies)).toBe(false);
    for (const change of [
      { description: 'other' },
      { name: 'other' },
      { description_localizations: { 'zh-CN': '别的' } },
      { contexts: [0] },
      { integration_types: [0] },
    ]) {
      expect(isRegistered([{ ...first, ...change }, ...others], bodies)).toBe(false);
    }
    const withChoice = given.map((command) =>
      command.name === 'forget'
        ? { ...command, options: command.options.map((each) => ({ ...each, choices: [] })) }
        : command,
    );
    expect(isRegistered(withChoice, bodies)).toBe(false);
  });
});
