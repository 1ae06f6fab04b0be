/** The memory commands, ready for adapters. */
import type { Commands } from '../core/commands.ts';
import { phrases } from '../i18n/messages.ts';
import { decodeAction } from './action-id.ts';
import { createCatalogue } from './catalogue.ts';
import { limitCommand } from './limit.ts';
import { createParser } from './parse.ts';
import { button, type CommandDeps } from './request.ts';
import { runCommand } from './run.ts';

export type { CommandDeps } from './request.ts';

export function createCommands(deps: CommandDeps): Commands {
  const catalogue = createCatalogue();
  return {
    catalogue,
    ...createParser(catalogue),
    readAction: decodeAction,
    openPrivately(command, context) {
      const label = phrases(context.locale).buttons.openPrivately(command.name);
      return button({ context }, { label, style: 'primary' }, command, context.sessionId);
    },
    limit: (command, context) => limitCommand(command, context, deps),
    run: (call) => runCommand(call, deps, catalogue),
  };
}
