/** How commands are written, from their definitions: for /help, hints and Slack's manifest. */
import type { CommandDefinition, Who } from '../core/commands.ts';

/** One name over all commands, for workspaces where the short names are taken. */
export const UMBRELLA = 'memory';

/** How a command is typed: `/history [limit] [export]`, `/forget [here|everywhere]`, `/remember <text>`. */
export function usageOf(definition: CommandDefinition, includes: Who = 'everybody'): string {
  return [`/${definition.name}`, ...argumentsOf(definition, includes)].join(' ');
}

/** The arguments alone, as Slack's manifest names them (`usage_hint`). */
export function argumentsOf(definition: CommandDefinition, includes: Who = 'everybody'): readonly string[] {
  return definition.options
    .filter((option) => option.textOnly !== true)
    .map((option) => {
      if (option.required === true) return `<${option.name}>`;
      if (option.kind !== 'choice') return `[${option.name}]`;
      const choices = option.choices.filter(({ who }) => who === 'everybody' || includes === 'managers');
      return `[${choices.map(({ value }) => value).join('|')}]`;
    });
}
