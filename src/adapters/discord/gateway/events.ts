/** What each event of the gateway leads to. */
import { z } from 'zod';
import type { BotPort } from '../../../core/bot-port.ts';
import type { Channels } from '../../../core/channels.ts';
import type { Clock, Logger } from '../../../core/ports.ts';
import type { SessionScope } from '../../../core/session.ts';
import { toBotError } from '../../../errors.ts';
import { createDelays } from '../../../lib/delay.ts';
import { withTimeout } from '../../../lib/timeout.ts';
import { systemTimers } from '../../../lib/timers.ts';
import { createChannelReader } from '../channels/channel-reader.ts';
import { createChannelWorkers } from '../channels/channel-workers.ts';
import { createErasures } from '../channels/erasures.ts';
import { createMessageHandler } from '../channels/message-handler.ts';
import { isByPerson, isToBot, readMessage, readText } from '../channels/normalize.ts';
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
import { aboutOf, placeOf } from '../places.ts';
import type { DiscordRest } from '../rest.ts';
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
  /** Counts what Discord sent and nobody could read. */
  readonly malformed: () => void;
}

export interface Events {
  /** Never throws. */
  handle(name: string, data: unknown): void;
  /** As `onSession` of the connection. */
  sessionBegan(): void;
  /** Deals with what has come, as far as that can be done at once. */
  stop(): Promise<void>;
}

export function createEvents(deps: EventsDeps): Events {
  const { bot, rest, connection, channels, scope, clock, log } = deps;
  const pauses = createDelays();
  const { names } = connection;
  const threads = createThreads(bot, createThreadContext({ rest, names, log }));
  const intake = createMessageHandler({ bot, rest, threads, pauses, clock, log });
  const background = new Set<Promise<void>>();
  const botId = () => connection.self().user.id;

  const lanes = createChannelWorkers({
    ...{ channels, pauses, clock, log },
    reader: createChannelReader({ rest, log, known: connection.channel, malformed: deps.malformed }),
    gone: (channel, about) => inBackground(erasures.channel(channel, about)),
    left: (guild) => inBackground(erasures.guild(guild)),
    isMember: connection.isMember,
    read: (message, channel, watched) => {
      const language = connection.language(channel.guild);
      return readMessage(message, { botId: botId(), scope, channel, names: names(channel.guild), watched, language });
    },
    ...intake,
    wasSentOut: threads.wasSentOut,
    async amend(about, channel, id, message) {
      const text = message === null ? null : readText(message, botId(), names(about.guild));
      // Without its text Discord has not told what it was changed to.
      if (text !== '') await bot.amended(placeOf(channel, about), id, text);
    },
    ping: bot.ping,
  });
  lanes.start();
  const erasures = createErasures({ bot, lanes, pauses, log });
  const interact = createInteractions({
    ...{ bot, rest, scope, names, threads, clock, log },
    isWatched: lanes.isWatched,
    talked: lanes.talked,
  });

  function isForBot(message: MessagePayload): boolean {
    return isByPerson(message) && isToBot(message, botId(), names(message.guild_id));
  }

  function written(message: MessagePayload): void {
    const opens = isForBot(message) || (isByPerson(message) && message.guild_id === undefined);
    lanes.push(message.channel_id, message.guild_id, { kind: 'message', message }, opens);
  }

  function edited(data: unknown): void {
    if (partialUpdatePayload.safeParse(data).success) return;
    const message = messagePayload.parse(data);
    // Discord changes messages itself too, to show what a link leads to.
    if (message.edited_timestamp == null || !isByPerson(message)) return;
    lanes.push(message.channel_id, message.guild_id, { kind: 'edited', message }, isForBot(message));
  }

  function deleted({ id, ids = [], channel_id, guild_id }: z.infer<typeof deletePayload>): void {
    const all = id === undefined ? ids : [id, ...ids];
    // Also where nobody has talked for long: a memory may be older than the registry.
    lanes.push(channel_id, guild_id, { kind: 'deleted', ids: all }, true);
  }

  const handlers: Readonly<Record<string, (data: unknown) => void>> = {
    MESSAGE_CREATE: (data) => written(messagePayload.parse(data)),
    MESSAGE_UPDATE: edited,
    MESSAGE_DELETE: (data) => deleted(deletePayload.parse(data)),
    MESSAGE_DELETE_BULK: (data) => deleted(deletePayload.parse(data)),
    CHANNEL_DELETE: (data) => removed(channelPayload.parse(data)),
    THREAD_DELETE: (data) => removed(channelPayload.parse(data)),
    GUILD_DELETE(data) {
      const { id, unavailable } = guildDeletePayload.parse(data);
      // Unavailable: an outage of Discord's. Else the bot was taken out.
      if (unavailable !== true) inBackground(erasures.guild(id));
    },
    INTERACTION_CREATE(data) {
      inBackground(interact(interactionPayload.parse(data)));
    },
  };

  function removed(channel: z.infer<typeof channelPayload>): void {
    // A DM has no server: it is not deleted, only closed.
    const { id, guild_id: guild } = channel;
    if (guild != null) inBackground(erasures.channel(id, aboutOf(channel, guild)));
  }

  /** Waited for, for a while, when intake ends. */
  function inBackground(task: Promise<void>): void {
    const running = task.finally(() => background.delete(running));
    background.add(running);
  }

  return {
    handle(name, data) {
      const handler = handlers[name];
      if (handler === undefined || pauses.ended()) return;
      try {
        handler(data);
      } catch (thrown) {
        const what =
          thrown instanceof z.ZodError ? { faulty: thrown.issues.map(({ path }) => path.join('.')) } : { thrown };
        deps.malformed();
        log.error({ event: name, ...what }, 'an event of Discord could not be read');
      }
    },
    sessionBegan: lanes.sessionBegan,
    async stop() {
      const done = lanes.stop().then(() => Promise.all(background));
      // A Discord that does not answer must not hold up the end.
      await withTimeout(STOP_WITHIN_MS, systemTimers, () => done).catch((thrown: unknown) => {
        log.warn({ code: toBotError(thrown).code }, 'intake ended before all was dealt with');
      });
    },
  };
}
