/** /help, and the short answers to what is nearly a command. */
import type { CommandDefinition, CommandResult, Hint, Who } from '../core/commands.ts';
import { isManager, isShared, placeSession } from './access.ts';
import { UMBRELLA, usageOf } from './catalogue.ts';
import { codeText } from './markdown.ts';
import { answer, type CommandRequest } from './request.ts';
import { boundsText } from './ttl.ts';

const MAX_GIVEN = 40;

export async function runHelp(ask: CommandRequest): Promise<CommandResult> {
  const { deps, context, texts, catalogue } = ask;
  const { help } = texts.commands;
  const sessionId = ask.sessionId ?? placeSession(context, deps.scope);
  const { effective } = await deps.memory.ttl(sessionId);
  const who: Who = isManager(context, deps.admins) ? 'managers' : 'everybody';
  const shown = catalogue.filter((definition) => definition.who === 'everybody' || who === 'managers');
  const talk = howToTalk(ask);
  return answer(
    'done',
    [
      `${help.intro} ${talk} ${isShared(context, sessionId) ? help.shared : help.own}`,
      '',
      help.commands,
      ...shown.map((definition) => `- \`${usageOf(definition, who)}\`: ${definition.description[context.locale]}`),
      '',
      help.kept(effective, deps.memoryWindow, deps.maxMessages),
    ].join('\n'),
  );
}

function howToTalk({ context: { place, isDirect }, texts }: CommandRequest): string {
  const { http, direct, channel } = texts.commands.help;
  if (place.platform === 'http') return http;
  // On the playground's page everything said is said to the bot, in its channels too.
  return isDirect || place.platform === 'web' ? direct : channel;
}

/** Says what was not understood and the nearest right form. Holds nothing of anybody's memory. */
export function runHint(ask: CommandRequest, hint: Hint): CommandResult {
  const { texts, catalogue } = ask;
  const given = codeText(hint.given, MAX_GIVEN);
  const definition = catalogue.find(({ name }) => name === hint.near);
  const wrong = hint.reason === 'unknown' ? texts.commands.hint.unknown(given) : texts.commands.hint.option(given);
  const right = definition === undefined ? '' : texts.commands.hint.nearest(formOf(definition, hint));
  return answer('refused', [wrong, ...(hint.reason === 'duration' ? [boundsText(ask)] : []), right].join(' ').trim());
}

function formOf(definition: CommandDefinition, hint: Hint): string {
  const usage = usageOf(definition);
  return hint.umbrella === true ? usage.replace('/', `/${UMBRELLA} `) : usage;
}
