/** The memory commands, ready for adapters. */
import type { Commands } from '../core/commands.ts';
import { messagesIn } from '../i18n/messages.ts';
import { decodeAction } from './action-id.ts';
import { button, type CommandDeps, type RegisteredCommand } from './command.ts';
import { limitCommand } from './limit.ts';
import { createParser } from './parse.ts';
import { COMMANDS } from './registry.ts';
import { carryCommand, runCommand } from './run.ts';

export type { CommandDeps } from './command.ts';

export function createCommands(deps: CommandDeps, commands: readonly RegisteredCommand[] = COMMANDS): Commands {
  return {
    catalogue: commands.map(({ definition }) => definition),
    ...createParser(commands),
    readAction: (id) => decodeAction(id, commands),
    async openPrivately(command, context) {
      const label = messagesIn(context.locale).buttons.openPrivately(command.name);
      const carried = await carryCommand({ command, context }, deps, commands);
      return button({ context, commands }, { label, style: 'primary' }, carried, context.sessionId);
    },
    limit: (command, context) => limitCommand(command, context, deps, commands),
    run: (call) => runCommand(call, deps, commands),
  };
}
