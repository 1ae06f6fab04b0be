/** The Discord adapter. */
import type { BotPort } from '../../core/bot-port.ts';
import type { Channels } from '../../core/channels.ts';
import type { Clock, Logger, Reply, ReplyContext } from '../../core/ports.ts';
import type { SessionScope } from '../../core/session.ts';
import type { ReplyTarget } from '../../core/types.ts';
import { toBotError } from '../../errors.ts';
import { messagesIn } from '../../i18n/messages.ts';
import { systemTimers } from '../../lib/timers.ts';
import { appendNote } from '../../replies/answer-note.ts';
import { createLiveReply } from '../../replies/live-reply.ts';
import { renderTables } from '../../replies/markdown/tables.ts';
import type { Adapter } from '../adapter.ts';
import { createFileFetcher } from './file-fetcher.ts';
import { createConnection } from './gateway/connection.ts';
import { createEvents, type Events } from './gateway/events.ts';
import { registerCommands } from './interactions/commands.ts';
import { DISCORD, readTarget } from './places.ts';
import { FENCE_LIMITS, MESSAGE_LIMIT } from './reply/render.ts';
import { createChannelWriter, createInteractionWriter } from './reply/writer.ts';
import { createDiscordRest } from './rest.ts';

export interface DiscordOptions {
  readonly token: string;
  /** A proxy or test server. Default: Discord's API. */
  readonly apiUrl?: string | undefined;
  readonly scope: SessionScope;
  /** The registry of watched channels, shared by all replicas. */
  readonly channels: Channels;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Counts parts of replies of which it cannot be found out whether they were posted. */
  readonly unreconciled: () => void;
  /** Counts payloads that could not be parsed. */
  readonly malformed: () => void;
}

/** Interval between two writes of one reply. Observed: about 5 edits in 5 s per channel. Discord documents no number. */
const EDIT_EVERY_MS = 1_200;
const FIRST_POST_MS = 600;
/** Discord shows typing for 10 s. */
const TYPING_EVERY_MS = 8_000;
/** Discord remembers a nonce for "the past few minutes". */
const NONCE_TRUST_MS = 120_000;
/** Shown at the end of a text that still grows. */
const CURSOR = '▌';

/** VIEW_CHANNEL, SEND_MESSAGES, ATTACH_FILES, READ_MESSAGE_HISTORY, SEND_MESSAGES_IN_THREADS. */
const PERMISSIONS = (1n << 10n) | (1n << 11n) | (1n << 15n) | (1n << 16n) | (1n << 38n);

/** The link by which a server's owner adds the bot. */
function inviteLink(application: string): string {
  const scope = encodeURIComponent('bot applications.commands');
  return `https://discord.com/oauth2/authorize?client_id=${application}&permissions=${PERMISSIONS}&scope=${scope}`;
}

export function createDiscordAdapter(options: DiscordOptions): Adapter {
  const { token, apiUrl, clock, logger: log } = options;
  const rest = createDiscordRest({ token, apiUrl });
  let events: Events | undefined;
  const connection = createConnection({
    ...{ token, apiUrl, log },
    onEvent: (name, data) => events?.handle(name, data),
    onSession: () => events?.sessionBegan(),
    malformed: options.malformed,
  });

  async function start(bot: BotPort): Promise<void> {
    events = createEvents({ ...options, log, bot, rest, connection });
    await connection.open();
    const application = connection.self().application.id;
    log.info({}, `Discord: add the bot to a server with ${inviteLink(application)}`);
    // The bot works without its commands.
    registerCommands(rest, application, bot.commands.catalogue, log).catch((thrown: unknown) => {
      const error = toBotError(thrown);
      log.error({ code: error.code, err: error.message }, 'Discord: could not register the slash commands');
    });
  }

  async function openReply(target: ReplyTarget, context: ReplyContext): Promise<Reply> {
    const parsed = readTarget(target);
    const { turnId, locale } = context;
    const deps = { rest, botId: () => connection.self().user.id, turnId, locale, now: clock.now };
    const writer = parsed.via === 'channel' ? createChannelWriter(deps, parsed) : createInteractionWriter(deps, parsed);
    const reply = createLiveReply(writer, context, {
      limit: MESSAGE_LIMIT,
      intervalMs: EDIT_EVERY_MS,
      firstPostDelayMs: FIRST_POST_MS,
      typingRefreshMs: TYPING_EVERY_MS,
      // Follow-up messages have no nonces.
      nonceTrustMs: parsed.via === 'interaction' && !parsed.present ? 0 : NONCE_TRUST_MS,
      cursor: CURSOR,
      liveControls: true,
      prepare: (text) => renderTables(text, false, FENCE_LIMITS),
      timers: systemTimers,
      ...{ clock, log },
      unreconciled: options.unreconciled,
    });
    return {
      ...reply,
      end(end) {
        const text = end.kind === 'answered' ? renderTables(end.text, true, FENCE_LIMITS) : end.text;
        return reply.end({ ...end, text: appendNote(text, end, messagesIn(locale)) });
      },
    };
  }

  return {
    platform: DISCORD,
    files: createFileFetcher({ rest, apiUrl, clock }),
    start,
    openReply,
    async stopIntake() {
      await connection.close();
      await events?.stop();
    },
    async stop() {
      await connection.close();
      await events?.stop();
    },
    health: connection.health,
  };
}
