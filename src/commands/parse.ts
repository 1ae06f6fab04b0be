/**
 * Parses what people type or choose into a command. A message is a command only as a whole: one line that begins with `/` or
 * `!` directly followed by a name. To a command that takes a text, all that follows its name belongs, lines included. Everything
 * else goes to the model; a bare word is never a command.
 */
import {
  type ChosenMessage,
  type Command,
  type CommandDefinition,
  type CommandOption,
  isHint,
  type OptionValue,
} from '../core/commands.ts';
import type { OptionValues } from './command.ts';
import { parseDuration } from './duration.ts';
import { editDistance } from './edit-distance.ts';
import { UMBRELLA } from './usage.ts';

/** Longest message that can be a command without a text, and longest text of options that is read, in UTF-16 units. The longest valid one has about 40. */
const MAX_LENGTH = 200;

/**
 * `！` and `／` are what a Chinese keyboard types. Punctuation after the name makes it a near miss. Only one space is matched
 * separately from the rest of the line, so that the match takes linear time.
 */
const COMMAND = /^[/!／！]([a-z]{1,32})([.!?。！？,，]*)(?:[^\S\r\n\v\f\u2028\u2029](.*))?$/i;

/** The first word of a command that takes a text. People also write a colon after the name, and Chinese no blank after that. */
const NAME = /^[/!／！]([a-z]{1,32})(?:[:：](.*))?$/i;

export interface Parser {
  readText(text: string): Command | undefined;
  readArguments(name: string, text: string): Command;
  readOptions(name: string, options: Readonly<Record<string, unknown>>): Command;
  readMessage(name: string, message: ChosenMessage): Command;
}

/** The part of a registered command that the parser needs. */
interface ParsedCommand {
  readonly definition: CommandDefinition;
  fromOptions(values: OptionValues): Command;
  fromMessage(message: ChosenMessage): Command;
}

export function createParser(commands: readonly ParsedCommand[]): Parser {
  const catalogue = commands.map(({ definition }) => definition);
  const find = (name: string) => catalogue.find((definition) => definition.name === name);

  /** The command that was probably meant: a typing error away, or another word for it standing alone. */
  function nearest(name: string, alone: boolean): string | undefined {
    const near = catalogue.find((definition) => isNear(name, definition.name));
    if (near !== undefined) return near.name;
    if (isNear(name, UMBRELLA)) return 'help';
    return alone ? catalogue.find(({ alsoTried }) => alsoTried.includes(name))?.name : undefined;
  }

  /** The command of this name, or under the umbrella the one named next, if it takes what follows as a text. */
  function readWithText(name: string, rest: string): Command | undefined {
    if (name === UMBRELLA) {
      const { word, after } = firstWord(rest);
      const inner = word.toLowerCase();
      return inner === UMBRELLA ? undefined : readWithText(inner, after);
    }
    const definition = find(name);
    const [option] = definition?.options ?? [];
    if (definition === undefined || option?.kind !== 'text') return undefined;
    return build(definition, new Map(textValue(option, rest)));
  }

  function readArguments(given: string, text: string): Command {
    const name = given.toLowerCase();
    const withText = readWithText(name, text);
    if (withText !== undefined) return withText;
    if (text.trim().length > MAX_LENGTH) return tooLong(name, text.trim());
    const tokens = text.split(/\s+/).filter((token) => token !== '');
    if (name !== UMBRELLA) return readTokens(name, tokens);
    const [first, ...rest] = tokens;
    if (first === undefined) return { name: 'help' };
    const inner = first.toLowerCase();
    const command = readTokens(inner === 'stats' ? 'memstats' : inner, rest);
    return isHint(command) ? { ...command, umbrella: true } : command;
  }

  function readTokens(name: string, tokens: readonly string[]): Command {
    const definition = find(name);
    if (definition === undefined) return unknown(name);
    const values = new Map<string, OptionValue>();
    for (const token of tokens) {
      const option = definition.options.find((each) => !values.has(each.name) && readToken(each, token) !== undefined);
      const value = option === undefined ? undefined : readToken(option, token);
      if (option === undefined || value === undefined) return misread(definition, token);
      values.set(option.name, value);
    }
    return build(definition, values);
  }

  const build = (definition: CommandDefinition, values: OptionValues): Command =>
    commands.find((each) => each.definition === definition)?.fromOptions(values) ?? unknown(definition.name);

  /** Cut off, it could read like another command, so it is not read at all. */
  function tooLong(name: string, text: string): Command {
    const definition = find(name);
    const given = text.slice(0, MAX_LENGTH);
    return definition === undefined ? unknown(name === UMBRELLA ? given : name) : misread(definition, given);
  }

  const unknown = (name: string): Command => ({
    name: 'hint',
    near: nearest(name, true) ?? 'help',
    reason: 'unknown',
    given: name.slice(0, MAX_LENGTH),
  });

  return {
    readArguments,
    readText(text) {
      const line = text.trim();
      const { word, after } = firstWord(line);
      const [, named = '', begin = ''] = NAME.exec(word) ?? [];
      const withText = readWithText(named.toLowerCase(), begin + after);
      if (withText !== undefined) return withText;
      const match = line.length > MAX_LENGTH ? null : COMMAND.exec(line);
      if (match === null) return undefined;
      const [, given = '', punctuation, rest = ''] = match;
      const name = given.toLowerCase();
      const known = name === UMBRELLA || find(name) !== undefined;
      if (known && punctuation === '') return readArguments(name, rest);
      const near = nearest(name, rest === '');
      return near === undefined
        ? undefined
        : { name: 'hint', near, reason: 'unknown', given: `/${given}${punctuation}` };
    },
    readOptions(name, options) {
      const definition = find(name);
      if (definition === undefined) return unknown(name);
      const values = new Map<string, OptionValue>();
      for (const [key, raw] of Object.entries(options)) {
        if (raw === undefined || raw === null || raw === false) continue;
        const option = definition.options.find((each) => each.name === key && each.textOnly !== true);
        if (option?.kind === 'text' && typeof raw === 'string') {
          for (const [of, text] of textValue(option, raw)) values.set(of, text);
          continue;
        }
        const value = option === undefined ? undefined : readChosen(option, raw);
        if (value === undefined)
          return misread(definition, isWritten(raw) && option !== undefined ? String(raw).slice(0, MAX_LENGTH) : key);
        values.set(key, value);
      }
      return build(definition, values);
    },
    readMessage: (name, message) =>
      commands.find(({ definition }) => definition.name === name)?.fromMessage(message) ?? unknown(name),
  };
}

/** The first word; empty when it is longer than anything that is read. */
function firstWord(text: string): { readonly word: string; readonly after: string } {
  const trimmed = text.trimStart();
  const end = trimmed.slice(0, MAX_LENGTH + 1).search(/\s/);
  if (end === -1 && trimmed.length > MAX_LENGTH) return { word: '', after: '' };
  const word = end === -1 ? trimmed : trimmed.slice(0, end);
  return { word, after: trimmed.slice(word.length) };
}

/** The value of a text, by the name of its option; none if there is nothing but blanks. */
function textValue(option: CommandOption & { readonly kind: 'text' }, raw: string): readonly [string, OptionValue][] {
  const text = raw.trim().slice(0, option.maxLength + 1);
  return text === '' ? [] : [[option.name, text]];
}

/** One typing error (a swap counts as one) in a short name, two in a long one; people rarely miss the first letter. */
function isNear(name: string, right: string): boolean {
  const most = right.length < 7 ? 1 : 2;
  return name[0] === right[0] && Math.abs(name.length - right.length) <= most && editDistance(name, right) <= most;
}

function misread(definition: CommandDefinition, given: string): Command {
  const reason = definition.options.some(({ kind }) => kind === 'duration') ? 'duration' : 'option';
  return { name: 'hint', near: definition.name, reason, given };
}

function readToken(option: CommandOption, token: string): OptionValue | undefined {
  const lower = token.toLowerCase();
  switch (option.kind) {
    case 'integer': {
      const value = /^\d{1,9}$/.test(token) ? Number(token) : undefined;
      return value !== undefined && value >= option.min && value <= option.max ? value : undefined;
    }
    case 'choice':
      return option.choices.find(({ value }) => value === lower)?.value;
    case 'flag':
      return lower === option.name ? true : undefined;
    case 'duration':
      return parseDuration(token);
    case 'word':
      return option.form.test(lower) ? lower : undefined;
    case 'text':
      // Never a part of a line that has other options.
      return undefined;
  }
}

function readChosen(option: CommandOption, raw: unknown): OptionValue | undefined {
  if (option.kind === 'flag') return raw === true ? true : undefined;
  if (!isWritten(raw)) return undefined;
  const text = String(raw).trim();
  return text.length > MAX_LENGTH ? undefined : readToken(option, text);
}

function isWritten(raw: unknown): raw is string | number {
  return typeof raw === 'string' || typeof raw === 'number';
}
