/** The short answer to a message that is nearly a command. */
import type { CommandDefinition, CommandResult, Hint } from '../core/commands.ts';
import { answer, type CommandRequest } from './command.ts';
import { codeText } from './markdown.ts';
import { boundsText } from './ttl.ts';
import { UMBRELLA, usageOf } from './usage.ts';

const MAX_GIVEN = 40;

/** Says what was not understood and names the nearest correct form. Contains nothing from anybody's memory. */
export function runHint(request: CommandRequest, hint: Hint): CommandResult {
  const { texts, commands } = request;
  const given = codeText(hint.given, MAX_GIVEN);
  const near = commands.find(({ definition }) => definition.name === hint.near);
  const wrong = hint.reason === 'unknown' ? texts.commands.hint.unknown(given) : texts.commands.hint.option(given);
  const right = near === undefined ? '' : texts.commands.hint.nearest(formOf(near.definition, hint));
  const bounds = hint.reason === 'duration' ? [boundsText(request)] : [];
  return answer('refused', [wrong, ...bounds, right].join(' ').trim());
}

function formOf(definition: CommandDefinition, hint: Hint): string {
  const usage = usageOf(definition);
  return hint.umbrella === true ? usage.replace('/', `/${UMBRELLA} `) : usage;
}
