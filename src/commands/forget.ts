/** /forget: this conversation, one's own part of a shared one, all of one's own, or a shared one for everybody. */
import { z } from 'zod';
import type { CommandResult, Who } from '../core/commands.ts';
import type { SessionId } from '../core/session.ts';
import type { Erased } from '../core/store.ts';
import { localised, type Texts } from '../i18n/messages.ts';
import { isManager, isShared } from './access.ts';
import { answer, button, type CommandRequest, defineCommand } from './command.ts';
import { factPlace } from './fact-place.ts';
import { conversationsHere, withConversation } from './target.ts';

/** `here`: this conversation (in a shared one: the person's own part); `everywhere`: all of the person's; `whole`: a shared one for all. */
export const FORGET_SCOPES = ['here', 'everywhere', 'whole'] as const;
type ForgetScope = (typeof FORGET_SCOPES)[number];

const SCOPE_IS_FOR: Readonly<Record<ForgetScope, Who>> = {
  here: 'everybody',
  everywhere: 'everybody',
  whole: 'managers',
};

const LETTERS: Readonly<Record<ForgetScope, string>> = { here: 'h', everywhere: 'e', whole: 'w' };

const forgetArgs = z.object({ scope: z.enum(FORGET_SCOPES), confirmed: z.boolean() });
type ForgetArgs = z.output<typeof forgetArgs>;

export const forget = defineCommand({
  definition: {
    name: 'forget',
    description: localised(({ commands }) => commands.about.forget),
    options: [
      {
        kind: 'choice',
        name: 'scope',
        description: localised(({ commands }) => commands.options.scope),
        choices: FORGET_SCOPES.map((value) => ({
          value,
          label: localised(({ commands }) => commands.scopes[value]),
          who: SCOPE_IS_FOR[value],
        })),
      },
      {
        kind: 'flag',
        name: 'confirm',
        description: localised(({ commands }) => commands.options.confirm),
        textOnly: true,
      },
    ],
    who: 'everybody',
    alsoTried: ['forgetme', 'clear', 'reset', 'erase', 'delete', 'wipe'],
  },
  args: forgetArgs,
  fromOptions: (values) => ({
    scope: FORGET_SCOPES.find((scope) => scope === values.get('scope')) ?? 'here',
    confirmed: values.get('confirm') === true,
  }),
  button: {
    letter: 'f',
    encode: ({ scope, confirmed }) => `${LETTERS[scope]}${confirmed ? 'c' : ''}`,
    decode(text) {
      const [letter, confirmed = ''] = text;
      const scope = FORGET_SCOPES.find((each) => LETTERS[each] === letter);
      return scope === undefined || text.length > 2 || !['', 'c'].includes(confirmed)
        ? undefined
        : { scope, confirmed: confirmed === 'c' };
    },
  },
  // Looking at one's memory too often must not delay erasing it.
  ownLimit: true,
  points: () => 1,
  async run(request, given) {
    const { surface, hasButtons } = request.context;
    // Where a button can confirm, the word "confirm" does not.
    const args = { ...given, confirmed: given.confirmed && (surface === 'action' || !hasButtons) };
    if (args.scope === 'everywhere') return forgetEverywhere(request, args);
    const act = (sessionId: SessionId) => {
      if (!isShared(request.context, sessionId)) return forgetOwn(request, args, sessionId);
      return args.scope === 'whole' ? forgetWhole(request, args, sessionId) : forgetMine(request, args, sessionId);
    };
    const withNone = () => withFacts(request, request.texts.commands.nothingHere);
    return withConversation(request, { name: 'forget', ...args }, act, withNone);
  },
});

async function forgetOwn(request: CommandRequest, args: ForgetArgs, sessionId: SessionId): Promise<CommandResult> {
  const { forget } = request.texts.commands;
  if (mustConfirm(request, args)) return confirm(request, 'here', forget.confirmHere, sessionId);
  const erased = await request.deps.memory.forget(sessionId);
  return withFacts({ ...request, sessionId }, textOf(request.texts, erased));
}

/** The person had the bot keep these, whatever becomes of the conversation: they are told how to remove them. */
async function withFacts(request: CommandRequest, text: string): Promise<CommandResult> {
  const base = factPlace(request);
  const facts = base === undefined ? [] : await request.deps.facts.list(base);
  const stay = facts.length === 0 ? [] : [request.texts.commands.forget.factsStay(facts.length)];
  return answer('done', [text, ...stay].join('\n'));
}

/** In a shared conversation `here` means one's own part, for managers too, who can then choose to forget the rest. */
async function forgetMine(request: CommandRequest, args: ForgetArgs, sessionId: SessionId): Promise<CommandResult> {
  const { texts, deps, context } = request;
  if (mustConfirm(request, args)) return confirm(request, 'here', texts.commands.forget.confirmMine, sessionId);
  const erased = await deps.memory.removeTurns(sessionId, { authorId: context.person.user });
  const { forget: lines, nothingHere } = texts.commands;
  const text = isNothing(erased) ? nothingHere : `${lines.removedMine(erased)}\n${lines.othersMayRepeat}`;
  if (!isManager(context, deps)) return answer('done', text);
  const actions = context.hasButtons
    ? [button(request, { label: texts.buttons.forgetWhole, style: 'danger' }, WHOLE, sessionId)]
    : [];
  const how = context.hasButtons ? '' : ` ${code('/forget whole confirm')}`;
  return answer('done', `${text}\n${lines.mayWipe}${how}`, { actions });
}

async function forgetWhole(request: CommandRequest, args: ForgetArgs, sessionId: SessionId): Promise<CommandResult> {
  const { texts, deps, context } = request;
  if (!isManager(context, deps)) return answer('refused', texts.commands.managersOnly);
  if (!args.confirmed) return confirm(request, 'whole', texts.commands.forget.confirmWhole, sessionId);
  return answer('done', textOf(texts, await deps.memory.forget(sessionId)));
}

/**
 * Includes what is left of expired conversations: the bot must not follow a thread any longer that it was told to forget.
 * What the person had the bot keep goes too. A TTL override stays, as with every /forget.
 */
async function forgetEverywhere(request: CommandRequest, args: ForgetArgs): Promise<CommandResult> {
  const { texts, deps, context } = request;
  if (!args.confirmed) return confirm(request, 'everywhere', texts.commands.forget.confirmEverywhere);
  const sum = { conversations: 0, messages: 0, waiting: 0, facts: 0 };
  const { factsRemoved } = texts.commands.forget;
  const add = (erased: Erased) => {
    sum.conversations += erased.conversations;
    sum.messages += erased.messages;
    sum.waiting += erased.waiting;
    sum.facts += erased.facts;
  };
  // The session id of a DM names no user, but the DM is this person's: all of it goes, not only messages with their author id.
  for (const { sessionId } of await conversationsHere(request)) {
    if (!isShared(context, sessionId)) add(await deps.memory.forget(sessionId));
  }
  add(await deps.memory.erase(context.person, { keepChoices: true }));
  if (sum.facts === 0) return answer('done', textOf(texts, sum));
  return answer('done', [...(isNothing(sum) ? [] : [textOf(texts, sum)]), factsRemoved(sum.facts)].join('\n'));
}

/**
 * A scope beyond this conversation always has to be confirmed. This conversation has to be when the command was typed (a typing
 * error must not erase it) or opened by a button, and a button can confirm; a slash command was chosen from a menu.
 */
function mustConfirm({ context }: CommandRequest, { confirmed }: ForgetArgs): boolean {
  return !confirmed && context.hasButtons && context.surface !== 'slash';
}

function confirm(request: CommandRequest, scope: ForgetScope, question: string, sessionId?: SessionId): CommandResult {
  const { texts, context } = request;
  if (!context.hasButtons) {
    const form = code(`/forget ${scope} confirm`);
    return answer('confirm', `${question} ${texts.commands.forget.confirmByText(form)}`);
  }
  const label = labelOf(request, scope, sessionId);
  const action = button(request, { label, style: 'danger' }, { name: 'forget', scope, confirmed: true }, sessionId);
  return answer('confirm', question, { actions: [action] });
}

function labelOf({ texts, context }: CommandRequest, scope: ForgetScope, sessionId: SessionId | undefined): string {
  const { buttons } = texts;
  if (scope === 'everywhere') return buttons.forgetEverywhere;
  if (scope === 'whole') return buttons.forgetWhole;
  return sessionId !== undefined && isShared(context, sessionId) ? buttons.forgetMine : buttons.forget;
}

const WHOLE = { name: 'forget', scope: 'whole', confirmed: false };

function textOf(texts: Texts, erased: Erased): string {
  return isNothing(erased) ? texts.commands.nothingHere : texts.commands.forget.done(erased);
}

/** Facts are told apart. */
function isNothing(erased: Erased): boolean {
  return erased.messages === 0 && erased.waiting === 0;
}

function code(text: string): string {
  return `\`${text}\``;
}
