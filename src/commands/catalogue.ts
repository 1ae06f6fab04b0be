/** Each command, once: from here come Discord's slash commands, Slack's manifest, /help and completion. */
import {
  type CommandDefinition,
  type CommandName,
  type CommandOption,
  FORGET_SCOPES,
  type ForgetScope,
  type Localised,
  type Who,
} from '../core/commands.ts';
import { localised } from '../i18n/messages.ts';

/** One name over all commands, for workspaces where the short names are taken. */
export const UMBRELLA = 'memory';
/** Messages a page of the history holds at most. */
export const MAX_PAGE = 50;
export const DEFAULT_PAGE = 10;

const SCOPE_IS_FOR: Readonly<Record<ForgetScope, Who>> = {
  here: 'everybody',
  everywhere: 'everybody',
  whole: 'managers',
};

/** The definitions, in the order in which people read them. */
export function createCatalogue(): readonly CommandDefinition[] {
  const about = (name: CommandName): Localised => localised((texts) => texts.commands.about[name]);
  const define = (
    name: CommandName,
    options: readonly CommandOption[],
    alsoTried: readonly string[],
  ): CommandDefinition => ({ name, description: about(name), options, who: 'everybody', alsoTried });

  return [
    define(
      'history',
      [
        {
          kind: 'integer',
          name: 'limit',
          description: localised((texts) => texts.commands.options.limit),
          min: 1,
          max: MAX_PAGE,
        },
        { kind: 'flag', name: 'export', description: localised((texts) => texts.commands.options.export) },
      ],
      ['log', 'export'],
    ),
    define(
      'forget',
      [
        {
          kind: 'choice',
          name: 'scope',
          description: localised((texts) => texts.commands.options.scope),
          choices: FORGET_SCOPES.map((value) => ({
            value,
            label: localised((texts) => texts.commands.scopes[value]),
            who: SCOPE_IS_FOR[value],
          })),
        },
        {
          kind: 'flag',
          name: 'confirm',
          description: localised((texts) => texts.commands.options.confirm),
          textOnly: true,
        },
      ],
      ['forgetme', 'clear', 'reset', 'erase', 'delete', 'wipe'],
    ),
    define(
      'ttl',
      [
        {
          kind: 'duration',
          name: 'value',
          description: localised((texts) => texts.commands.options.value),
          examples: ['10m', '2h', '7d', 'default'],
        },
      ],
      ['expire', 'expiry'],
    ),
    define('memstats', [], ['stats', 'status']),
    define('help', [], ['commands', 'start', 'about']),
  ];
}

/** How a command is typed: `/history [limit] [export]`, `/forget [here|everywhere]`. */
export function usageOf(definition: CommandDefinition, includes: Who = 'everybody'): string {
  return [`/${definition.name}`, ...argumentsOf(definition, includes)].join(' ');
}

/** The arguments alone, as Slack's manifest names them (`usage_hint`). */
export function argumentsOf(definition: CommandDefinition, includes: Who = 'everybody'): readonly string[] {
  return definition.options
    .filter((option) => option.textOnly !== true)
    .map((option) => {
      if (option.kind !== 'choice') return `[${option.name}]`;
      const choices = option.choices.filter(({ who }) => who === 'everybody' || includes === 'managers');
      return `[${choices.map(({ value }) => value).join('|')}]`;
    });
}
