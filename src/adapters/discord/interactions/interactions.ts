/** Slash commands and buttons. Each is acked within Discord's 3 s whatever the store does, and then answered. */
import type { BotPort } from '../../../core/bot-port.ts';
import type { CommandCall, CommandContext } from '../../../core/commands.ts';
import type { Clock, Logger } from '../../../core/ports.ts';
import { personOf, type SessionScope } from '../../../core/session.ts';
import { toBotError } from '../../../errors.ts';
import { localeOf } from '../../../i18n/locale.ts';
import { phrases } from '../../../i18n/messages.ts';
import type { Names } from '../channels/message-text.ts';
import { canManage, mayWrite, readChat } from '../channels/normalize.ts';
import type { Threads } from '../channels/threads.ts';
import { COMMAND_INTERACTION, COMPONENT_INTERACTION, type InteractionPayload } from '../payloads.ts';
import { type ChannelInfo, DISCORD, interactionChannelInfo, placeOf, sessionOf } from '../places.ts';
import { answerBody, messageBody, readStop, type StopAction } from '../reply/render.ts';
import type { DiscordRest } from '../rest.ts';
import { timeOf } from '../snowflake.ts';
import { CHAT, CHAT_MESSAGE } from './commands.ts';
import { createResponse, type InteractionResponse } from './responses.ts';

/** Milliseconds that the token of an interaction lives (Discord's interaction reference). */
const TOKEN_MS = 15 * 60_000;
/** Of a message that only one person sees. */
const EPHEMERAL = 1 << 6;

export interface InteractionDeps {
  readonly bot: BotPort;
  readonly rest: DiscordRest;
  readonly scope: SessionScope;
  readonly clock: Clock;
  readonly log: Logger;
  readonly names: (guild: string | undefined) => Names;
  readonly threads: Threads;
  /** The bot was commandUsed to in this channel before. */
  readonly isWatched: (channel: string) => boolean;
  /** The bot was commandUsed to in this channel. */
  readonly commandUsed: (channel: string, about: ChannelInfo, id: string) => void;
}

/** Deals with one interaction to its end. Never rejects. */
export type HandleInteraction = (interaction: InteractionPayload) => Promise<void>;

export function createInteractions(deps: InteractionDeps): HandleInteraction {
  const { bot, scope, log } = deps;

  return async (interaction) => {
    const answers = createResponse(interaction, deps);
    try {
      if (interaction.type === COMMAND_INTERACTION) {
        if (interaction.data?.name === CHAT) await chat(interaction, answers);
        else await command(interaction, answers);
      } else if (interaction.type === COMPONENT_INTERACTION) {
        await press(interaction, answers);
      }
    } catch (thrown) {
      const error = toBotError(thrown);
      log.warn({ code: error.code, err: error.message, interaction: interaction.id }, 'an interaction failed');
    }
  };

  /** What went wrong, said in place of the answer. */
  async function sayFailure(
    answers: InteractionResponse,
    interaction: InteractionPayload,
    thrown: unknown,
  ): Promise<void> {
    const { code } = toBotError(thrown);
    log.warn({ code, interaction: interaction.id }, 'an interaction could not be answered');
    await answers.fill(messageBody(phrases(localeOf(interaction.locale)).failed[code]));
  }

  async function chat(interaction: InteractionPayload, answers: InteractionResponse): Promise<void> {
    const { id, channelId, token, application_id: application, person, data } = interaction;
    const original = await answers.think('public');
    if (original === undefined) return;
    const about = interactionChannelInfo(interaction);
    const given = data?.options.find(({ name }) => name === CHAT_MESSAGE)?.value;
    const said = readChat(interaction, {
      text: typeof given === 'string' ? given : '',
      names: deps.names(interaction.guild_id),
      scope,
      target: {
        platform: DISCORD,
        via: 'interaction',
        channel: channelId,
        asker: person.id,
        ...{ application, token, original },
        until: timeOf(id) + TOKEN_MS,
        present: mayWrite(interaction, about),
      },
    });
    try {
      const isFirst = !deps.isWatched(channelId);
      const result = await bot.receive(said, () => deps.threads.join(said, channelId, about, isFirst));
      if ('tell' in result) await answers.fill(messageBody(result.text));
      else if (interaction.botIsHere) deps.commandUsed(channelId, about, id);
    } catch (thrown) {
      await sayFailure(answers, interaction, thrown);
    }
  }

  function contextOf(interaction: InteractionPayload, surface: CommandContext['surface']): CommandContext {
    const { channelId, person, locale } = interaction;
    const about = interactionChannelInfo(interaction);
    const sessionId = sessionOf(channelId, about, person.id, scope);
    return {
      place: placeOf(channelId, about),
      sessionId,
      person: personOf(sessionId, person.id),
      locale: localeOf(locale),
      isDirect: about.direct,
      canManage: canManage(interaction),
      surface,
      hasButtons: true,
    };
  }

  async function command(interaction: InteractionPayload, answers: InteractionResponse): Promise<void> {
    if ((await answers.think('private')) === undefined) return;
    const options = Object.fromEntries((interaction.data?.options ?? []).map(({ name, value }) => [name, value]));
    await run(interaction, answers, () => ({
      command: bot.commands.readOptions(interaction.data?.name ?? '', options),
      context: contextOf(interaction, 'slash'),
    }));
  }

  async function press(interaction: InteractionPayload, answers: InteractionResponse): Promise<void> {
    const customId = interaction.data?.custom_id ?? '';
    const stop = readStop(customId);
    if (stop !== undefined) return await pressStop(interaction, stop, answers);
    const action = bot.commands.readAction(customId);
    // In place where only this person sees it; where others do, the answer is a message of its own, for them alone.
    const inPlace = interactionChannelInfo(interaction).direct || ((interaction.message?.flags ?? 0) & EPHEMERAL) !== 0;
    if ((await answers.think(inPlace ? 'in place' : 'private')) === undefined || action === undefined) return;
    const { command, mark } = action;
    await run(interaction, answers, () => ({ command, mark, context: contextOf(interaction, 'action') }));
  }

  async function run(
    interaction: InteractionPayload,
    answers: InteractionResponse,
    call: () => CommandCall,
  ): Promise<void> {
    try {
      const asked = call();
      const { command, context } = asked;
      const everywhere = command.name === 'forget' && command.scope === 'everywhere' && command.confirmed;
      const threadsOf = everywhere ? await deps.threads.threadsOf(context.person) : [];
      const result = await bot.commands.run(asked);
      const about = interactionChannelInfo(interaction);
      const forgot = command.name === 'forget' && result.kind === 'done';
      const leaves = forgot && about.parent !== undefined;
      if (leaves) await deps.threads.dismiss(interaction.channelId, about);
      if (forgot) for (const thread of threadsOf) await deps.threads.dismiss(thread.id, thread.info);
      const text = leaves ? `${result.text}\n${phrases(context.locale).leavesThread}` : result.text;
      await answers.fill(answerBody({ ...result, text }), result.files);
    } catch (thrown) {
      await sayFailure(answers, interaction, thrown);
    }
  }

  async function pressStop(
    interaction: InteractionPayload,
    stop: StopAction,
    answers: InteractionResponse,
  ): Promise<void> {
    if ((await answers.think('in place')) === undefined) return;
    const refused = messageBody(phrases(localeOf(interaction.locale)).stopNotYours);
    if (interaction.person.id !== stop.asker) return await answers.add(refused);
    try {
      const place = placeOf(interaction.channelId, interactionChannelInfo(interaction));
      const located = await bot.locate(place, [stop.turnId]);
      const stopped = located !== undefined && (await bot.stop(located.sessionId, located.turnId));
      if (!stopped) await answers.add(refused);
    } catch (thrown) {
      const { code } = toBotError(thrown);
      await answers.add(messageBody(phrases(localeOf(interaction.locale)).failed[code]));
    }
  }
}
