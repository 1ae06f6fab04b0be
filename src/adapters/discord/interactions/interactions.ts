/** Slash commands, message commands and buttons. Each is acknowledged within Discord's 3 s, even if the store does not respond, then answered. */
import type { BotPort } from '../../../core/bot-port.ts';
import type { ChosenMessage, Command, CommandCall, CommandContext } from '../../../core/commands.ts';
import type { Clock, Logger } from '../../../core/ports.ts';
import { personOf, type SessionScope } from '../../../core/session.ts';
import { toBotError } from '../../../errors.ts';
import { localeOf } from '../../../i18n/locale.ts';
import { messagesIn } from '../../../i18n/messages.ts';
import { type Names, readable } from '../channels/message-text.ts';
import { canManage, isByPerson, mayWrite, readChat, readText } from '../channels/normalize.ts';
import type { Threads } from '../channels/threads.ts';
import { COMMAND_INTERACTION, COMPONENT_INTERACTION, type InteractionPayload } from '../payloads.ts';
import { type ChannelInfo, DISCORD, interactionChannelInfo, placeOf, sessionOf } from '../places.ts';
import { answerBody, messageBody, readStop, type StopAction } from '../reply/render.ts';
import type { DiscordRest } from '../rest.ts';
import { timeOf } from '../snowflake.ts';
import { CHAT, CHAT_MESSAGE, MESSAGE } from './commands.ts';
import { createResponse, EPHEMERAL, type InteractionResponse } from './responses.ts';

/**
 * Milliseconds for which the token of an interaction is valid.
 * https://docs.discord.com/developers/interactions/receiving-and-responding#followup-messages
 */
const TOKEN_MS = 15 * 60_000;

export interface InteractionDeps {
  readonly bot: BotPort;
  readonly rest: DiscordRest;
  readonly scope: SessionScope;
  readonly clock: Clock;
  readonly log: Logger;
  readonly names: (guild: string | undefined) => Names;
  /** The bot's user id. */
  readonly botId: () => string;
  readonly threads: Threads;
  /** The bot has been addressed in this channel before. */
  readonly isWatched: (channel: string) => boolean;
  /** The bot was addressed in this channel by the interaction with this id. */
  readonly commandUsed: (channel: string, info: ChannelInfo, id: string) => void;
}

/** Handles one interaction to its end. Never rejects. */
export type HandleInteraction = (interaction: InteractionPayload) => Promise<void>;

export function createInteractions(deps: InteractionDeps): HandleInteraction {
  const { bot, scope, log } = deps;

  return async (interaction) => {
    const response = createResponse(interaction, deps);
    try {
      if (interaction.type === COMMAND_INTERACTION) {
        if (interaction.data?.name === CHAT) await chat(interaction, response);
        else await command(interaction, response);
      } else if (interaction.type === COMPONENT_INTERACTION) {
        await button(interaction, response);
      }
    } catch (thrown) {
      const error = toBotError(thrown);
      log.warn({ code: error.code, err: error.message, interaction: interaction.id }, 'an interaction failed');
    }
  };

  async function fillFailure(
    response: InteractionResponse,
    interaction: InteractionPayload,
    thrown: unknown,
  ): Promise<void> {
    const { code } = toBotError(thrown);
    log.warn({ code, interaction: interaction.id }, 'could not answer an interaction');
    await response.fill(messageBody(messagesIn(localeOf(interaction.locale)).failed[code]));
  }

  async function chat(interaction: InteractionPayload, response: InteractionResponse): Promise<void> {
    const { id, channelId, token, application_id: application, person, data } = interaction;
    const original = await response.acknowledge('public');
    if (original === undefined) return;
    const info = interactionChannelInfo(interaction);
    const text = data?.options.find(({ name }) => name === CHAT_MESSAGE)?.value;
    const message = readChat(interaction, {
      text: typeof text === 'string' ? text : '',
      names: deps.names(interaction.guild_id),
      scope,
      target: {
        platform: DISCORD,
        via: 'interaction',
        channel: channelId,
        asker: person.id,
        ...{ application, token, original },
        until: timeOf(id) + TOKEN_MS,
        present: mayWrite(interaction, info),
      },
    });
    try {
      const isFirst = !deps.isWatched(channelId);
      const result = await bot.receive(message, () => deps.threads.join(message, channelId, info, isFirst));
      if ('tell' in result) await response.fill(messageBody(result.text));
      else if (interaction.botIsHere) deps.commandUsed(channelId, info, id);
    } catch (thrown) {
      await fillFailure(response, interaction, thrown);
    }
  }

  function contextOf(interaction: InteractionPayload, surface: CommandContext['surface']): CommandContext {
    const { channelId, person, locale } = interaction;
    const info = interactionChannelInfo(interaction);
    const sessionId = sessionOf(channelId, info, person.id, scope);
    return {
      place: placeOf(channelId, info),
      sessionId,
      person: personOf(sessionId, person.id),
      locale: localeOf(locale),
      isDirect: info.direct,
      canManage: canManage(interaction),
      surface,
      hasButtons: true,
    };
  }

  async function command(interaction: InteractionPayload, response: InteractionResponse): Promise<void> {
    if ((await response.acknowledge('private')) === undefined) return;
    await run(interaction, response, () => ({
      command: readCommand(interaction),
      context: contextOf(interaction, 'slash'),
    }));
  }

  function readCommand(interaction: InteractionPayload): Command {
    const { name: given = '', type, options = [] } = interaction.data ?? {};
    if (type === MESSAGE) {
      const chosen = bot.commands.catalogue.find(({ onMessage }) => onMessage?.en === given);
      return bot.commands.readMessage(chosen?.name ?? given, chosenMessage(interaction));
    }
    const names = deps.names(interaction.guild_id);
    const shown = options.map(({ name, value }) => [
      name,
      typeof value === 'string' ? readable(value, [], names) : value,
    ]);
    return bot.commands.readOptions(given, Object.fromEntries(shown));
  }

  /** The message in whose menu the command is. Only a person's own words count as theirs: a forwarded message is another's. */
  function chosenMessage({ data, guild_id: guild }: InteractionPayload): ChosenMessage {
    const message = data?.resolved?.messages[data.target_id ?? ''];
    if (message === undefined) return { text: '', author: undefined };
    const author = isByPerson(message) ? message.author.id : undefined;
    return { text: readText(message, deps.botId(), deps.names(guild)), author };
  }

  async function button(interaction: InteractionPayload, response: InteractionResponse): Promise<void> {
    const customId = interaction.data?.custom_id ?? '';
    const stop = readStop(customId);
    if (stop !== undefined) return await pressStop(interaction, stop, response);
    const action = bot.commands.readAction(customId);
    // A message that only this person sees is changed in place. Where others see it, the answer is another, private message.
    const inPlace = interactionChannelInfo(interaction).direct || ((interaction.message?.flags ?? 0) & EPHEMERAL) !== 0;
    const acknowledged = await response.acknowledge(inPlace ? 'in place' : 'private');
    if (acknowledged === undefined || action === undefined) return;
    await run(interaction, response, () => ({ ...action, context: contextOf(interaction, 'action') }));
  }

  async function run(
    interaction: InteractionPayload,
    response: InteractionResponse,
    readCall: () => CommandCall,
  ): Promise<void> {
    try {
      const call = readCall();
      const { command: called, context } = call;
      const everywhere = called.name === 'forget' && called.scope === 'everywhere' && called.confirmed;
      const joined = everywhere ? await deps.threads.threadsOf(context.person) : [];
      const result = await bot.commands.run(call);
      const info = interactionChannelInfo(interaction);
      const forgot = called.name === 'forget' && result.kind === 'done';
      const leaves = forgot && info.parent !== undefined;
      if (leaves) await deps.threads.dismiss(interaction.channelId, info);
      if (forgot) for (const thread of joined) await deps.threads.dismiss(thread.id, thread.info);
      const text = leaves ? `${result.text}\n${messagesIn(context.locale).leavesThread}` : result.text;
      await response.fill(answerBody({ ...result, text }), result.files);
    } catch (thrown) {
      await fillFailure(response, interaction, thrown);
    }
  }

  async function pressStop(
    interaction: InteractionPayload,
    stop: StopAction,
    response: InteractionResponse,
  ): Promise<void> {
    if ((await response.acknowledge('in place')) === undefined) return;
    const refused = messageBody(messagesIn(localeOf(interaction.locale)).stopNotYours);
    if (interaction.person.id !== stop.asker) return await response.followUp(refused);
    try {
      const place = placeOf(interaction.channelId, interactionChannelInfo(interaction));
      const turn = await bot.locate(place, [stop.turnId]);
      const stopped = turn !== undefined && (await bot.stop(turn.sessionId, turn.turnId));
      if (!stopped) await response.followUp(refused);
    } catch (thrown) {
      const { code } = toBotError(thrown);
      await response.followUp(messageBody(messagesIn(localeOf(interaction.locale)).failed[code]));
    }
  }
}
