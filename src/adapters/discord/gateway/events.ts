/** Handles the events of the gateway. */
import { z } from 'zod';
import type { BotPort } from '../../../core/bot-port.ts';
import type { Channels } from '../../../core/channels.ts';
import type { Clock, Logger } from '../../../core/ports.ts';
import type { SessionScope } from '../../../core/session.ts';
import { toBotError } from '../../../errors.ts';
import { createDelays } from '../../../lib/delay.ts';
import { withTimeout } from '../../../lib/timeout.ts';
import { systemTimers } from '../../../lib/timers.ts';
import { editedAt } from '../channels/channel-queue.ts';
import { createChannelReader } from '../channels/channel-reader.ts';
import { createChannelWorkers } from '../channels/channel-workers.ts';
import { createErasures } from '../channels/erasures.ts';
import { createMessageHandler } from '../channels/message-handler.ts';
import { isByPerson, isToBot, readEdit, readMessage } from '../channels/normalize.ts';
import { createThreadContext, createThreads } from '../channels/threads.ts';
import { createInteractions } from '../interactions/interactions.ts';
import {
  channelPayload,
  deletePayload,
  guildDeletePayload,
  interactionPayload,
  type MessagePayload,
  messagePayload,
  partialUpdatePayload,
} from '../payloads.ts';
import { channelInfoOf, placeOf } from '../places.ts';
import type { DiscordRest } from '../rest.ts';
import { timeOf } from '../snowflake.ts';
import type { Connection } from './connection.ts';

const STOP_WITHIN_MS = 5_000;

export interface EventsDeps {
  readonly bot: BotPort;
  readonly rest: DiscordRest;
  readonly connection: Pick<Connection, 'self' | 'channel' | 'names' | 'language' | 'isMember'>;
  readonly channels: Channels;
  readonly scope: SessionScope;
  readonly clock: Clock;
  readonly log: Logger;
  /** Counts payloads that could not be parsed. */
  readonly malformed: () => void;
}

export interface Events {
  /** Never throws. */
  handle(name: string, data: unknown): void;
  /** As `onSession` of the connection. */
  sessionBegan(): void;
  /** Processes the events that have come, as far as that can be done at once. */
  stop(): Promise<void>;
}

export function createEvents(deps: EventsDeps): Events {
  const { bot, rest, connection, channels, scope, clock, log } = deps;
  const delays = createDelays();
  const { names } = connection;
  const threads = createThreads(bot, createThreadContext({ rest, names, log }));
  const background = new Set<Promise<void>>();
  const botId = () => connection.self().user.id;

  const workers = createChannelWorkers({
    ...{ channels, delays, clock, log },
    ...createMessageHandler({ bot, rest, threads, delays, clock, log }),
    reader: createChannelReader({ rest, log, cached: connection.channel, malformed: deps.malformed }),
    onDeleted: (channel, info) => inBackground(erasures.channel(channel, info)),
    onRemoved: (guild) => inBackground(erasures.guild(guild)),
    isMember: connection.isMember,
    read: (message, channel, watched) => {
      const language = connection.language(channel.guild);
      return readMessage(message, { botId: botId(), scope, channel, names: names(channel.guild), watched, language });
    },
    isDismissed: threads.isDismissed,
    async applyChange(info, channel, id, message) {
      const place = placeOf(channel, info);
      const sentAt = timeOf(id);
      if (message === null) return await bot.amended(place, id, null, { sentAt });
      const context = { botId: botId(), channel: info, names: names(info.guild) };
      const { text, attachments } = readEdit(message, context);
      await bot.amended(place, id, text, { sentAt, editedAt: editedAt(message), attachments });
    },
    ping: bot.ping,
  });
  workers.start();
  const erasures = createErasures({ bot, workers, delays, log });
  const handleInteraction = createInteractions({
    ...{ bot, rest, scope, names, botId, threads, clock, log },
    isWatched: workers.isWatched,
    commandUsed: workers.commandUsed,
  });

  function isForBot(message: MessagePayload): boolean {
    return isByPerson(message) && isToBot(message, botId(), names(message.guild_id));
  }

  function created(message: MessagePayload): void {
    const opens = isForBot(message) || (isByPerson(message) && message.guild_id === undefined);
    workers.push(message.channel_id, message.guild_id, { kind: 'message', message }, opens);
  }

  function edited(data: unknown): void {
    if (partialUpdatePayload.safeParse(data).success) return;
    const message = messagePayload.parse(data);
    // Discord itself updates messages, too: to add the preview of a link.
    if (message.edited_timestamp == null || !isByPerson(message)) return;
    workers.push(message.channel_id, message.guild_id, { kind: 'edited', message }, isForBot(message));
  }

  function deleted({ id, ids = [], channel_id, guild_id }: z.infer<typeof deletePayload>): void {
    const all = id === undefined ? ids : [id, ...ids];
    // Also in a channel that is not watched: memories may live longer than the registry keeps a channel.
    workers.push(channel_id, guild_id, { kind: 'deleted', ids: all }, true);
  }

  function channelDeleted(channel: z.infer<typeof channelPayload>): void {
    // A DM has no server. It was closed, not deleted.
    const { id, guild_id: guild } = channel;
    if (guild != null) inBackground(erasures.channel(id, channelInfoOf(channel, guild)));
  }

  const handlers: Readonly<Record<string, (data: unknown) => void>> = {
    MESSAGE_CREATE: (data) => created(messagePayload.parse(data)),
    MESSAGE_UPDATE: edited,
    MESSAGE_DELETE: (data) => deleted(deletePayload.parse(data)),
    MESSAGE_DELETE_BULK: (data) => deleted(deletePayload.parse(data)),
    CHANNEL_DELETE: (data) => channelDeleted(channelPayload.parse(data)),
    THREAD_DELETE: (data) => channelDeleted(channelPayload.parse(data)),
    GUILD_DELETE(data) {
      const { id, unavailable } = guildDeletePayload.parse(data);
      // `unavailable` means an outage of Discord's. Otherwise the bot was removed.
      if (unavailable !== true) inBackground(erasures.guild(id));
    },
    INTERACTION_CREATE: (data) => inBackground(handleInteraction(interactionPayload.parse(data))),
  };

  /** `stop` waits for it, for a limited time. */
  function inBackground(task: Promise<void>): void {
    const running = task.finally(() => background.delete(running));
    background.add(running);
  }

  return {
    handle(name, data) {
      const handler = handlers[name];
      if (handler === undefined || delays.ended()) return;
      try {
        handler(data);
      } catch (thrown) {
        const what =
          thrown instanceof z.ZodError ? { faulty: thrown.issues.map(({ path }) => path.join('.')) } : { thrown };
        deps.malformed();
        log.error({ event: name, ...what }, 'malformed event from Discord');
      }
    },
    sessionBegan: workers.sessionBegan,
    async stop() {
      const done = workers.stop().then(() => Promise.all(background));
      // A Discord that does not respond must not delay the exit.
      await withTimeout(STOP_WITHIN_MS, systemTimers, () => done).catch((thrown: unknown) => {
        log.warn({ code: toBotError(thrown).code }, 'stopped before all events were processed');
      });
    },
  };
}
