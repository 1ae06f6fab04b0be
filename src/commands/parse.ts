/**
 * From what people type or choose to a command. A message is a command only as a whole: one line that begins with `/` or
 * `!` directly followed by a name. Everything else goes to the model; a bare word is never a command.
 */
import {
  type Command,
  type CommandDefinition,
  type CommandName,
  type CommandOption,
  FORGET_SCOPES,
} from '../core/commands.ts';
import { UMBRELLA } from './catalogue.ts';
import { parseDuration } from './duration.ts';
import { editDistance } from './edit-distance.ts';

/** Values read so far, by option. */
type Values = ReadonlyMap<string, string | number | boolean>;
type Value = string | number | boolean;

/** A longer message is never a command, and a longer text of options is not read, in UTF-16 units. The longest right one has about 40. */
const MAX_LENGTH = 200;

/**
 * `！` and `／` are what a Chinese keyboard types. Behind the name, punctuation alone makes it a near miss. Only one space
 * is told apart from the rest of the line: two parts that could both take it would be tried in every combination.
 */
const COMMAND = /^[/!／！]([a-z]{1,32})([.!?。！？,，]*)(?:[^\S\r\n\v\f\u2028\u2029](.*))?$/i;

export interface Parser {
  readText(text: string): Command | undefined;
  readArguments(name: string, text: string): Command;
  readOptions(name: string, options: Readonly<Record<string, unknown>>): Command;
}

export function createParser(catalogue: readonly CommandDefinition[]): Parser {
  const find = (name: string) => catalogue.find((definition) => definition.name === name);

  /** The command that was probably meant: a typing error away, or another word for it standing alone. */
  function nearest(name: string, alone: boolean): CommandName | undefined {
    const near = catalogue.find((definition) => isNear(name, definition.name));
    if (near !== undefined) return near.name;
    if (isNear(name, UMBRELLA)) return 'help';
    return alone ? catalogue.find(({ alsoTried }) => alsoTried.includes(name))?.name : undefined;
  }

  function readArguments(given: string, text: string): Command {
    const name = given.toLowerCase();
    if (text.trim().length > MAX_LENGTH) return tooLong(name, text.trim());
    const tokens = text.split(/\s+/).filter((token) => token !== '');
    if (name !== UMBRELLA) return readTokens(name, tokens);
    const [first, ...rest] = tokens;
    if (first === undefined) return { name: 'help' };
    const inner = first.toLowerCase();
    const command = readTokens(inner === 'stats' ? 'memstats' : inner, rest);
    return command.name === 'hint' ? { ...command, umbrella: true } : command;
  }

  function readTokens(name: string, tokens: readonly string[]): Command {
    const definition = find(name);
    if (definition === undefined) return unknown(name);
    const values = new Map<string, Value>();
    for (const token of tokens) {
      const option = definition.options.find((each) => !values.has(each.name) && readToken(each, token) !== undefined);
      const value = option === undefined ? undefined : readToken(option, token);
      if (option === undefined || value === undefined) return misread(definition, token);
      values.set(option.name, value);
    }
    return build(definition.name, values);
  }

  /** Cut, it could read like another command: it is not read at all. */
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
      const values = new Map<string, Value>();
      for (const [key, raw] of Object.entries(options)) {
        if (raw === undefined || raw === null || raw === false) continue;
        const option = definition.options.find((each) => each.name === key && each.textOnly !== true);
        const value = option === undefined ? undefined : readChosen(option, raw);
        if (value === undefined)
          return misread(definition, isWritten(raw) && option !== undefined ? String(raw).slice(0, MAX_LENGTH) : key);
        values.set(key, value);
      }
      return build(definition.name, values);
    },
  };
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

function readToken(option: CommandOption, token: string): Value | undefined {
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
  }
}

function readChosen(option: CommandOption, raw: unknown): Value | undefined {
  if (option.kind === 'flag') return raw === true ? true : undefined;
  if (!isWritten(raw)) return undefined;
  const text = String(raw).trim();
  return text.length > MAX_LENGTH ? undefined : readToken(option, text);
}

function isWritten(raw: unknown): raw is string | number {
  return typeof raw === 'string' || typeof raw === 'number';
}

function build(name: CommandName, values: Values): Command {
  switch (name) {
    case 'history': {
      const limit = values.get('limit');
      return {
        name,
        ...(typeof limit === 'number' ? { limit } : {}),
        ...(values.get('export') === true ? { export: true } : {}),
      };
    }
    case 'forget': {
      const scope = FORGET_SCOPES.find((each) => each === values.get('scope')) ?? 'here';
      return { name, scope, confirmed: values.get('confirm') === true };
    }
    case 'ttl': {
      const value = values.get('value');
      return typeof value === 'number' || value === 'default' ? { name, value } : { name };
    }
    case 'memstats':
    case 'help':
      return { name };
  }
}
