/** The memory commands in Slack: slash commands, message shortcuts, typed commands, and the buttons of their answers. */
import { z } from 'zod';
import type { BotPort } from '../../../core/bot-port.ts';
import type { Command, CommandCall, CommandContext, CommandResult } from '../../../core/commands.ts';
import type { Logger } from '../../../core/ports.ts';
import type { SessionId } from '../../../core/session.ts';
import { toBotError } from '../../../errors.ts';
import { messagesIn } from '../../../i18n/messages.ts';
import type { People } from '../api/lookups.ts';
import { placeOf, type Scopes, SLACK, sessionAt } from '../ids.ts';
import type { SlackMessage } from '../receive/inputs.ts';
import { ANSWER_LIMIT, logFailure, type PrivateAnswers, type Respond } from './private-answers.ts';

/** The beginning of a message shortcut's callback_id; the command's name follows. */
export const SHORTCUT_PREFIX = 'memory_';
export const SHORTCUT_IDS = /^memory_/;

export interface SlackCommandsDeps {
  readonly bot: BotPort;
  readonly scopes: Scopes;
  readonly people: People;
  readonly answers: PrivateAnswers;
  /** A message's text as people see it, with names in place of ids. */
  readonly readable: (raw: string) => Promise<string>;
  readonly logger: Logger;
  /** Counts a payload that could not be read. */
  readonly malformed: () => void;
}

export interface SlackCommands {
  /**
   * Runs a message that is a command: once, however often it is delivered. Resolves before the answer is posted.
   * @throws BotError `store_unavailable` or `store_full`: the command was not run
   */
  typed(message: SlackMessage, command: Command): Promise<void>;
  /** These take the bodies of acked requests. They never reject: the person is told what went wrong. */
  slash(body: unknown, respond: Respond): Promise<void>;
  shortcut(body: unknown, respond: Respond): Promise<void>;
  pressed(body: unknown, respond: Respond): Promise<void>;
}

/** How long a typed command may be redelivered, and is not run again. Milliseconds. */
const ONCE_MS = 86_400_000;

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
  message: z.object({
    ts: z.string().min(1),
    thread_ts: z.string().optional(),
    user: z.string().optional(),
    bot_id: z.string().nullish(),
    text: z.string().nullish(),
  }),
});
const pressShape = z.object({
  ...commonShape,
  actions: z.array(z.object({ value: z.string().optional() })).min(1),
  container: z.object({ thread_ts: z.string().optional() }).optional(),
  message: z.object({ thread_ts: z.string().optional() }).optional(),
});

/** Who sent a command, and from where. */
interface CommandSource {
  readonly team: string;
  readonly channel: string;
  readonly user: string;
  /** The thread's root, where it is known. */
  readonly root: string | undefined;
  readonly surface: CommandContext['surface'];
}

export function createSlackCommands(deps: SlackCommandsDeps): SlackCommands {
  const { bot, scopes, people, answers, logger } = deps;

  function sessionFor({ team, channel, user, root }: CommandSource): SessionId | undefined {
    const direct = isDirect(channel);
    if (root === undefined && !(direct && scopes.dmScope === 'channel')) return undefined;
    return sessionAt({ team, channel, user, direct, root: root ?? '' }, scopes);
  }

  async function contextOf(source: CommandSource): Promise<CommandContext> {
    const { team, channel, user, surface } = source;
    const { locale, timeZone, isManager } = await people.find(user);
    const sessionId = sessionFor(source);
    return {
      ...{ place: placeOf(team, channel), person: { platform: SLACK, workspace: team, user }, locale, surface },
      ...(sessionId === undefined ? {} : { sessionId }),
      ...(timeZone === undefined ? {} : { timeZone }),
      ...{ isDirect: isDirect(channel), canManage: isManager, hasButtons: true, maxLength: ANSWER_LIMIT },
    };
  }

  /** Sends the files of a result by DM; gives the result with a sentence about that. */
  async function withFiles(result: CommandResult, { person, locale }: CommandContext): Promise<CommandResult> {
    if (result.files.length === 0) return result;
    const { user } = person;
    const { filesSent, filesNotSent } = messagesIn(locale).slack;
    const sent = await answers.sendFiles(user, result.files).then(
      () => filesSent,
      (thrown: unknown) => {
        logFailure(logger, 'could not send exported files')(thrown);
        return filesNotSent;
      },
    );
    return { ...result, text: `${result.text}\n\n${sent}` };
  }

  /** The request was acked, so every outcome has to be an answer. */
  async function answered(call: CommandCall, respond: Respond, replaces: boolean): Promise<void> {
    let result: Pick<CommandResult, 'kind' | 'text' | 'actions'>;
    try {
      result = await withFiles(await bot.commands.run(call), call.context);
    } catch (thrown) {
      const { code, message } = toBotError(thrown);
      logger.warn({ command: call.command.name, code, err: message }, 'command failed');
      result = { kind: 'refused', text: messagesIn(call.context.locale).failed[code], actions: [] };
    }
    // A refusal does not replace the answer whose button was pressed.
    await answers.respond(respond, result, replaces && result.kind !== 'refused');
  }

  /** True for the first delivery of this message. */
  async function isFirst({ team, channel, ts, clientMsgId }: SlackMessage): Promise<boolean> {
    for (const id of flagsOf(ts, clientMsgId)) {
      // Stop at the first flag that is set: otherwise two simultaneous deliveries could each set one.
      if (!(await bot.flags.set(placeOf(team, channel), id, ONCE_MS))) return false;
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
      logger.warn({ why: parsed.error.issues[0]?.path.join('.') }, 'could not read a payload');
      return;
    }
    await act(parsed.data).catch(logFailure(logger, 'could not answer a command'));
  }

  return {
    async typed(message, command) {
      const { team, channel, user, thread, ts, direct, clientMsgId } = message;
      if (!(await isFirst(message))) return;
      const context = await contextOf({ team, channel, user, root: thread, surface: 'text' });
      let result: CommandResult;
      try {
        result = await bot.commands.run({ command, context });
      } catch (thrown) {
        // Not run, so the next delivery may. If the flags can't be dropped either, they expire.
        const place = placeOf(team, channel);
        await Promise.allSettled(flagsOf(ts, clientMsgId).map((id) => bot.flags.drop(place, id)));
        throw thrown;
      }
      if (result.limited?.tell === false) return;
      const where = direct ? { thread: thread ?? ts } : thread === undefined ? {} : { thread };
      // Not awaited: a file takes longer than Slack waits for its ack.
      withFiles(result, context)
        .then((answer) => answers.post({ channel, user, direct, ...where }, answer))
        .catch(logFailure(logger, 'could not answer a command'));
    },

    slash: (body, respond) =>
      read(slashShape, body, async ({ command: name, text, user_id: user, channel_id: channel, team_id: team }) => {
        const command = bot.commands.readArguments(name.slice(1), text);
        const context = await contextOf({ team, channel, user, root: undefined, surface: 'slash' });
        await answered({ command, context }, respond, false);
      }),

    shortcut: (body, respond) =>
      read(shortcutShape, body, async ({ callback_id: id, message, team, channel, user }) => {
        // A post of an app may name the person who installed it.
        const author = message.bot_id == null ? message.user : undefined;
        const isOwn = author === user.id;
        const chosen = { text: isOwn ? await deps.readable(message.text ?? '') : '', author };
        const command = bot.commands.readMessage(id.slice(SHORTCUT_PREFIX.length), chosen);
        const root = message.thread_ts ?? message.ts;
        const source = { team: team.id, channel: channel.id, user: user.id, root, surface: 'action' } as const;
        await answered({ command, context: await contextOf(source) }, respond, false);
      }),

    pressed: (body, respond) =>
      read(pressShape, body, async ({ actions, team, channel, user, container, message }) => {
        const action = bot.commands.readAction(actions[0]?.value ?? '');
        if (action === undefined) return;
        const root = container?.thread_ts ?? message?.thread_ts;
        const source = { team: team.id, channel: channel.id, user: user.id, root, surface: 'action' } as const;
        const context = await contextOf(source);
        await answered({ command: action.command, targetHash: action.targetHash, context }, respond, true);
      }),
  };
}

function isDirect(channel: string): boolean {
  return channel.startsWith('D');
}

function flagsOf(ts: string, clientMsgId: string | undefined): readonly string[] {
  return [`command:${ts}`, ...(clientMsgId === undefined ? [] : [`command:${clientMsgId}`])];
}
