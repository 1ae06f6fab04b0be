/** The memory commands in Slack: slash commands, message shortcuts, the text form, and the buttons of their answers. */
import { z } from 'zod';
import type { BotPort } from '../../core/bot-port.ts';
import type { Command, CommandCall, CommandContext, CommandResult } from '../../core/commands.ts';
import type { Logger } from '../../core/ports.ts';
import type { SessionId } from '../../core/session.ts';
import { toBotError } from '../../errors.ts';
import { messagesIn } from '../../i18n/messages.ts';
import { SHORTCUT_PREFIX } from './callback-ids.ts';
import { placeOf, type Scopes, type SlackMessage, sessionAt } from './normalize.ts';
import type { People } from './people.ts';
import { logged, type PrivateAnswers, type Respond } from './private-answers.ts';
import { ANSWER_LIMIT } from './render.ts';
import { SLACK } from './target.ts';

export interface SlackCommandsDeps {
  readonly bot: BotPort;
  readonly scopes: Scopes;
  readonly people: People;
  readonly answers: PrivateAnswers;
  readonly logger: Logger;
  /** Counts a payload that could not be read. */
  readonly malformed: () => void;
}

export interface SlackCommands {
  /**
   * A message that is a command. Run once, however often it is delivered; its answer is on its way when this resolves.
   * @throws BotError `store_unavailable` or `store_full`: it was not run
   */
  typed(message: SlackMessage, command: Command): Promise<void>;
  /** Bodies of verified requests that were acked already. They never reject: whatever goes wrong is said. */
  slash(body: unknown, respond: Respond): Promise<void>;
  shortcut(body: unknown, respond: Respond): Promise<void>;
  pressed(body: unknown, respond: Respond): Promise<void>;
}

/** A typed command is not run again for as long as it may be delivered again; milliseconds. */
const CLAIM_MS = 86_400_000;

const slashShape = z.object({
  command: z.string().regex(/^\//),
  text: z.string().default(''),
  user_id: z.string().min(1),
  channel_id: z.string().min(1),
  team_id: z.string().min(1),
});
const commonShape = {
  team: z.object({ id: z.string().min(1) }),
  user: z.object({ id: z.string().min(1) }),
  channel: z.object({ id: z.string().min(1) }),
};
const shortcutShape = z.object({
  ...commonShape,
  callback_id: z.string(),
  message: z.object({ ts: z.string().min(1), thread_ts: z.string().optional() }),
});
const pressShape = z.object({
  ...commonShape,
  actions: z.array(z.object({ value: z.string().optional() })).min(1),
  container: z.object({ thread_ts: z.string().optional() }).optional(),
  message: z.object({ thread_ts: z.string().optional() }).optional(),
});

/** Who asks, and from where. */
interface Asking {
  readonly team: string;
  readonly channel: string;
  readonly user: string;
  /** The thread's root, where it is known. */
  readonly root: string | undefined;
  readonly surface: CommandContext['surface'];
}

export function createSlackCommands(deps: SlackCommandsDeps): SlackCommands {
  const { bot, scopes, people, answers, logger } = deps;

  function sessionFor({ team, channel, user, root }: Asking): SessionId | undefined {
    const direct = isDirect(channel);
    if (root === undefined && !(direct && scopes.dmScope === 'channel')) return undefined;
    return sessionAt({ team, channel, user, direct, root: root ?? '' }, scopes);
  }

  async function contextOf(asking: Asking): Promise<CommandContext> {
    const { team, channel, user, surface } = asking;
    const { locale, timeZone, isManager } = await people.find(user);
    const sessionId = sessionFor(asking);
    return {
      ...{ place: placeOf(team, channel), person: { platform: SLACK, workspace: team, user }, locale, surface },
      ...(sessionId === undefined ? {} : { sessionId }),
      ...(timeZone === undefined ? {} : { timeZone }),
      ...{ isDirect: isDirect(channel), canManage: isManager, hasButtons: true, maxLength: ANSWER_LIMIT },
    };
  }

  /** Sends what files came of a command; gives the answer that says so. */
  async function withFiles(result: CommandResult, { person, locale }: CommandContext): Promise<CommandResult> {
    if (result.files.length === 0) return result;
    const { user } = person;
    const { filesSent, filesNotSent } = messagesIn(locale).slack;
    const sent = await answers.send({ user }, result.files).then(
      () => filesSent,
      (thrown: unknown) => {
        logged(logger, 'exported files could not be sent')(thrown);
        return filesNotSent;
      },
    );
    return { ...result, text: `${result.text}\n\n${sent}` };
  }

  /** For what was acked already: every end is an answer. */
  async function answered(call: CommandCall, respond: Respond, replaces: boolean): Promise<void> {
    let result: Pick<CommandResult, 'kind' | 'text' | 'actions'>;
    try {
      result = await withFiles(await bot.commands.run(call), call.context);
    } catch (thrown) {
      const { code, message } = toBotError(thrown);
      logger.warn({ command: call.command.name, code, err: message }, 'a command failed');
      result = { kind: 'refused', text: messagesIn(call.context.locale).failed[code], actions: [] };
    }
    // What is refused is no successor of the answer whose button was pressed.
    await answers.respond(respond, result, replaces && result.kind !== 'refused');
  }

  /** True when no delivery of this message was here before. */
  async function claim({ team, channel, ts, clientMsgId }: SlackMessage): Promise<boolean> {
    for (const id of claimsOf(ts, clientMsgId)) {
      // Who is second at one of them must leave the others alone: two deliveries at once would else each take one.
      if (!(await bot.flags.note(placeOf(team, channel), id, CLAIM_MS))) return false;
    }
    return true;
  }

  async function read<Schema extends z.ZodType>(
    schema: Schema,
    body: unknown,
    act: (data: z.output<Schema>) => Promise<void>,
  ): Promise<void> {
    const parsed = schema.safeParse(body);
    if (!parsed.success) {
      deps.malformed();
      logger.warn({ why: parsed.error.issues[0]?.path.join('.') }, 'a payload of Slack could not be read');
      return;
    }
    await act(parsed.data).catch(logged(logger, 'a command could not be answered'));
  }

  return {
    async typed(message, command) {
      const { team, channel, user, thread, ts, direct, clientMsgId } = message;
      if (!(await claim(message))) return;
      const context = await contextOf({ team, channel, user, root: thread, surface: 'text' });
      let result: CommandResult;
      try {
        result = await bot.commands.run({ command, context });
      } catch (thrown) {
        // Not run, so the next delivery may; if this is not to be had either, the claim runs out by itself.
        const place = placeOf(team, channel);
        await Promise.allSettled(claimsOf(ts, clientMsgId).map((id) => bot.flags.drop(place, id)));
        throw thrown;
      }
      if (result.limited?.tell === false) return;
      const where = direct ? { thread: thread ?? ts } : thread === undefined ? {} : { thread };
      // Slack is acked meanwhile: a file takes longer than it waits.
      withFiles(result, context)
        .then((answer) => answers.tell({ channel, user, direct, ...where }, answer))
        .catch(logged(logger, 'a command could not be answered'));
    },

    slash: (body, respond) =>
      read(slashShape, body, async ({ command: name, text, user_id: user, channel_id: channel, team_id: team }) => {
        const command = bot.commands.readArguments(name.slice(1), text);
        const context = await contextOf({ team, channel, user, root: undefined, surface: 'slash' });
        await answered({ command, context }, respond, false);
      }),

    shortcut: (body, respond) =>
      read(shortcutShape, body, async ({ callback_id: id, message, team, channel, user }) => {
        const command = bot.commands.readArguments(id.slice(SHORTCUT_PREFIX.length), '');
        const root = message.thread_ts ?? message.ts;
        const asking = { team: team.id, channel: channel.id, user: user.id, root, surface: 'action' } as const;
        await answered({ command, context: await contextOf(asking) }, respond, false);
      }),

    pressed: (body, respond) =>
      read(pressShape, body, async ({ actions, team, channel, user, container, message }) => {
        const action = bot.commands.readAction(actions[0]?.value ?? '');
        if (action === undefined) return;
        const root = container?.thread_ts ?? message?.thread_ts;
        const asking = { team: team.id, channel: channel.id, user: user.id, root, surface: 'action' } as const;
        const context = await contextOf(asking);
        await answered({ command: action.command, targetHash: action.targetHash, context }, respond, true);
      }),
  };
}

function isDirect(channel: string): boolean {
  return channel.startsWith('D');
}

function claimsOf(ts: string, clientMsgId: string | undefined): readonly string[] {
  return [`command:${ts}`, ...(clientMsgId === undefined ? [] : [`command:${clientMsgId}`])];
}
