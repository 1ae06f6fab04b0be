import { describe, expect, it } from 'vitest';
import { parseDuration } from '../../src/commands/duration.ts';
import { createParser } from '../../src/commands/parse.ts';
import { COMMANDS, CATALOGUE as catalogue } from '../../src/commands/registry.ts';
import { argumentsOf, usageOf } from '../../src/commands/usage.ts';

const COMMAND_NAMES = catalogue.map(({ name }) => name);

/** The limits of Discord's application commands: names and descriptions of commands, options and choices, and their number. */
const NAME = /^[a-z0-9_-]{1,32}$/;
const MAX_DESCRIPTION = 100;
const MAX_OPTIONS = 25;

describe('the catalogue', () => {
  it('has every command once', () => {
    expect(COMMAND_NAMES).toEqual(['history', 'forget', 'remember', 'facts', 'ttl', 'memstats', 'help']);
  });

  it('has a letter of its own for the buttons of each command', () => {
    const letters = COMMANDS.map(({ letter }) => letter);
    expect(new Set(letters).size).toBe(letters.length);
    expect(letters.join('')).toMatch(/^[a-z]+$/);
  });

  it('is within what Discord and Slack take', () => {
    for (const { name, description, options } of catalogue) {
      expect(name).toMatch(NAME);
      expect(options.length).toBeLessThanOrEqual(MAX_OPTIONS);
      for (const described of [{ description }, ...options]) {
        for (const text of Object.values(described.description)) {
          expect(text.length).toBeGreaterThan(0);
          expect(text.length).toBeLessThanOrEqual(MAX_DESCRIPTION);
        }
      }
      for (const option of options) {
        expect(option.name).toMatch(NAME);
        const choices = option.kind === 'choice' ? option.choices : [];
        expect(choices.length).toBeLessThanOrEqual(MAX_OPTIONS);
        for (const { value, label } of choices) {
          for (const text of [value, ...Object.values(label)]) expect(text.length).toBeLessThanOrEqual(MAX_DESCRIPTION);
        }
      }
    }
  });

  it('says how each command is typed', () => {
    expect(catalogue.map((definition) => usageOf(definition))).toEqual([
      '/history [limit] [export]',
      '/forget [here|everywhere]',
      '/remember <text>',
      '/facts',
      '/ttl [value]',
      '/memstats',
      '/help',
    ]);
    const [, forget] = catalogue;
    expect(forget && usageOf(forget, 'managers')).toBe('/forget [here|everywhere|whole]');
    expect(forget && argumentsOf(forget)).toEqual(['[here|everywhere]']);
  });

  it('names only choices and examples that can be typed', () => {
    const { readText } = createParser(COMMANDS);
    for (const { name, options } of catalogue) {
      expect(readText(`/${name}`)).toMatchObject({ name });
      for (const option of options) {
        if (option.kind === 'choice') {
          for (const { value } of option.choices) expect(readText(`/${name} ${value}`)).toMatchObject({ name });
        }
        if (option.kind === 'duration') {
          for (const example of option.examples) expect(parseDuration(example)).toBeDefined();
        }
      }
    }
  });

  it('has a text as the only option of a command, and names for messages that platforms take', () => {
    for (const { options, onMessage } of catalogue) {
      if (options.some(({ kind }) => kind === 'text')) expect(options).toHaveLength(1);
      // Slack's shortcuts take 24 characters, Discord's message commands 32.
      for (const name of Object.values(onMessage ?? {})) expect(name).toMatch(/^.{1,24}$/);
    }
  });

  it('has no other word twice, nor as a name', () => {
    const words = [...COMMAND_NAMES, 'memory', ...catalogue.flatMap(({ alsoTried }) => alsoTried)];
    expect(new Set(words).size).toBe(words.length);
  });
});
