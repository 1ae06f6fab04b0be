/** Runs one command for the person who asks, on a conversation within their reach. */
import { type CommandCall, type CommandResult, isHint, type MemoryCommand } from '../core/commands.ts';
import { messagesIn } from '../i18n/messages.ts';
import { isManager } from './access.ts';
import { answer, type CommandDeps, type CommandRequest, maxLengthOf, type RegisteredCommand } from './command.ts';
import { runHint } from './hint.ts';
import { limitCommand } from './limit.ts';
import { cut } from './markdown.ts';
import { targetOf } from './target.ts';

/** The answer always fits the surface. @throws BotError as the store does */
export async function runCommand(
  call: CommandCall,
  deps: CommandDeps,
  commands: readonly RegisteredCommand[],
): Promise<CommandResult> {
  const refusal = await limitCommand(call.command, call.context, deps, commands);
  const result = refusal ?? (await dispatch(call, deps, commands));
  return { ...result, text: cut(result.text, maxLengthOf(call.context)) };
}

/** The command as a button can carry it, for {@link Commands.openPrivately}. @throws BotError as the store does */
export async function carryCommand(
  { command, context }: CommandCall & { readonly command: MemoryCommand },
  deps: CommandDeps,
  commands: readonly RegisteredCommand[],
): Promise<MemoryCommand> {
  const registered = commands.find(({ definition }) => definition.name === command.name);
  const target = await targetOf({ command, context }, deps);
  if (registered === undefined || target.kind === 'refused') return command;
  const sessionId = target.kind === 'session' ? target.sessionId : undefined;
  const texts = messagesIn(context.locale, context.timeZone);
  return registered.carry({ deps, commands, context, texts, sessionId }, command);
}

async function dispatch(
  call: CommandCall,
  deps: CommandDeps,
  commands: readonly RegisteredCommand[],
): Promise<CommandResult> {
  const { command, context } = call;
  const texts = messagesIn(context.locale, context.timeZone);
  const target = await targetOf(call, deps);
  if (target.kind === 'refused') {
    return answer('refused', call.targetHash === undefined ? texts.commands.notYours : texts.buttonNotYours);
  }
  const sessionId = target.kind === 'session' ? target.sessionId : undefined;
  const request: CommandRequest = { deps, commands, context, texts, sessionId };
  if (isHint(command)) return runHint(request, command);
  const registered = commands.find(({ definition }) => definition.name === command.name);
  if (registered === undefined) {
    return runHint(request, { name: 'hint', near: 'help', reason: 'unknown', given: command.name });
  }
  if (registered.definition.who === 'managers' && !isManager(context, deps)) {
    return answer('refused', texts.commands.managersOnly);
  }
  return registered.run(request, command);
}
