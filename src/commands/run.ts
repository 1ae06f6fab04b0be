/** Runs one command for the person who asks, on a conversation within their reach. */
import type { CommandCall, CommandDefinition, CommandResult } from '../core/commands.ts';
import { phrases } from '../i18n/messages.ts';
import { isManager } from './access.ts';
import { runForget } from './forget.ts';
import { runHelp, runHint } from './help.ts';
import { runHistory } from './history.ts';
import { limitCommand } from './limit.ts';
import { cut } from './markdown.ts';
import { runMemstats } from './memstats.ts';
import { answer, type CommandDeps, type CommandRequest, maxLengthOf } from './request.ts';
import { targetOf } from './target.ts';
import { runTtl } from './ttl.ts';

/** The answer fits the surface, whatever is in it. @throws BotError as the store does. */
export async function runCommand(
  call: CommandCall,
  deps: CommandDeps,
  catalogue: readonly CommandDefinition[],
): Promise<CommandResult> {
  const result = (await limitCommand(call.command, call.context, deps)) ?? (await dispatch(call, deps, catalogue));
  return { ...result, text: cut(result.text, maxLengthOf(call.context)) };
}

async function dispatch(
  call: CommandCall,
  deps: CommandDeps,
  catalogue: readonly CommandDefinition[],
): Promise<CommandResult> {
  const { command, context } = call;
  const texts = phrases(context.locale, context.timeZone);
  const target = await targetOf(call, deps);
  if (target.kind === 'refused') {
    return answer('refused', call.mark === undefined ? texts.commands.notYours : texts.buttonNotYours);
  }
  const sessionId = target.kind === 'session' ? target.sessionId : undefined;
  const ask: CommandRequest = { deps, catalogue, context, texts, sessionId };
  const who = catalogue.find(({ name }) => name === command.name)?.who;
  if (who === 'managers' && !isManager(context, deps.admins)) return answer('refused', texts.commands.managersOnly);
  switch (command.name) {
    case 'history':
      return runHistory(ask, command);
    case 'forget':
      return runForget(ask, command);
    case 'ttl':
      return runTtl(ask, command);
    case 'memstats':
      return runMemstats(ask, command);
    case 'help':
      return runHelp(ask);
    case 'hint':
      return runHint(ask, command);
  }
}
