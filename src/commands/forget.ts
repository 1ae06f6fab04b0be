/** /forget: this conversation, one's own part of a shared one, all of one's own, or a shared one for everybody. */
import type { CommandResult, ForgetScope, MemoryCommand } from '../core/commands.ts';
import type { SessionId } from '../core/session.ts';
import type { Erased } from '../core/store.ts';
import type { Texts } from '../i18n/messages.ts';
import { isManager, isShared } from './access.ts';
import { answer, button, type CommandRequest } from './request.ts';
import { conversationsHere, withConversation } from './target.ts';

type ForgetCommand = Extract<MemoryCommand, { name: 'forget' }>;

export function runForget(ask: CommandRequest, given: ForgetCommand): Promise<CommandResult> {
  const { surface, hasButtons } = ask.context;
  // Where there is a button to confirm with, a word does not do it.
  const command = { ...given, confirmed: given.confirmed && (surface === 'action' || !hasButtons) };
  if (command.scope === 'everywhere') return forgetEverywhere(ask, command);
  return withConversation(ask, command, (sessionId) => {
    const shared = isShared(ask.context, sessionId);
    if (!shared) return forgetOwn(ask, command, sessionId);
    return command.scope === 'whole' ? forgetWhole(ask, command, sessionId) : forgetMine(ask, command, sessionId);
  });
}

async function forgetOwn(ask: CommandRequest, command: ForgetCommand, sessionId: SessionId): Promise<CommandResult> {
  const { forget } = ask.texts.commands;
  if (mustConfirm(ask, command)) return confirm(ask, 'here', forget.confirmHere, sessionId);
  return done(ask.texts, await ask.deps.memory.forget(sessionId));
}

/** In a shared conversation `here` means one's own part, for managers too; they are offered the rest. */
async function forgetMine(ask: CommandRequest, command: ForgetCommand, sessionId: SessionId): Promise<CommandResult> {
  const { texts, deps, context } = ask;
  if (mustConfirm(ask, command)) return confirm(ask, 'here', texts.commands.forget.confirmMine, sessionId);
  const erased = await deps.memory.removeTurns(sessionId, { authorId: context.person.user });
  const text = isNothing(erased) ? texts.commands.nothingHere : texts.commands.forget.removedMine(erased);
  if (!isManager(context, deps.admins)) return answer('done', text);
  const offer = context.hasButtons
    ? [button(ask, { label: texts.buttons.forgetWhole, style: 'danger' }, whole(false), sessionId)]
    : [];
  const how = context.hasButtons ? '' : ` ${code('/forget whole confirm')}`;
  return answer('done', `${text}\n${texts.commands.forget.mayWipe}${how}`, { actions: offer });
}

async function forgetWhole(ask: CommandRequest, command: ForgetCommand, sessionId: SessionId): Promise<CommandResult> {
  const { texts, deps, context } = ask;
  if (!isManager(context, deps.admins)) return answer('refused', texts.commands.managersOnly);
  if (!command.confirmed) return confirm(ask, 'whole', texts.commands.forget.confirmWhole, sessionId);
  return done(texts, await deps.memory.forget(sessionId));
}

/**
 * Also what is left of conversations whose time is over: the bot must not go on unasked in a thread that it was told to forget.
 * A TTL choice stays, as with every /forget.
 */
async function forgetEverywhere(ask: CommandRequest, command: ForgetCommand): Promise<CommandResult> {
  const { texts, deps, context } = ask;
  if (!command.confirmed) return confirm(ask, 'everywhere', texts.commands.forget.confirmEverywhere);
  const sum = { conversations: 0, messages: 0, waiting: 0 };
  const add = (erased: Erased) => {
    sum.conversations += erased.conversations;
    sum.messages += erased.messages;
    sum.waiting += erased.waiting;
  };
  // A DM names nobody, but here it is known whose it is: all of it goes, and not only what has its author.
  for (const { sessionId } of await conversationsHere(ask)) {
    if (!isShared(context, sessionId)) add(await deps.memory.forget(sessionId));
  }
  add(await deps.memory.erase(context.person, { keepChoices: true }));
  return done(texts, sum);
}

/**
 * What reaches further than this conversation is always confirmed; this one where it was typed (a typing error must not
 * erase) or opened by a button, and there is a button to confirm with. The platform's own command was chosen from a menu.
 */
function mustConfirm({ context }: CommandRequest, { confirmed }: ForgetCommand): boolean {
  return !confirmed && context.hasButtons && context.surface !== 'slash';
}

function confirm(ask: CommandRequest, scope: ForgetScope, question: string, sessionId?: SessionId): CommandResult {
  const { texts, context } = ask;
  if (!context.hasButtons) {
    const form = code(`/forget ${scope} confirm`);
    return answer('confirm', `${question} ${texts.commands.forget.confirmByText(form)}`);
  }
  const label = labelOf(ask, scope, sessionId);
  const action = button(ask, { label, style: 'danger' }, { name: 'forget', scope, confirmed: true }, sessionId);
  return answer('confirm', question, { actions: [action] });
}

function labelOf({ texts, context }: CommandRequest, scope: ForgetScope, sessionId: SessionId | undefined): string {
  const { buttons } = texts;
  if (scope === 'everywhere') return buttons.forgetEverywhere;
  if (scope === 'whole') return buttons.forgetWhole;
  return sessionId !== undefined && isShared(context, sessionId) ? buttons.forgetMine : buttons.forget;
}

function whole(confirmed: boolean): MemoryCommand {
  return { name: 'forget', scope: 'whole', confirmed };
}

function done(texts: Texts, erased: Erased): CommandResult {
  return answer('done', isNothing(erased) ? texts.commands.nothingHere : texts.commands.forget.done(erased));
}

function isNothing(erased: Erased): boolean {
  return erased.messages === 0 && erased.waiting === 0;
}

function code(text: string): string {
  return `\`${text}\``;
}
