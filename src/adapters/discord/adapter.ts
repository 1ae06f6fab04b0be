/** Discord as a platform of the bot. */
import type { BotPort } from '../../core/bot-port.ts';
import type { Channels } from '../../core/channels.ts';
import type { Clock, Logger, Reply, ReplyContext } from '../../core/ports.ts';
import type { SessionScope } from '../../core/session.ts';
import type { ReplyTarget } from '../../core/types.ts';
import { toBotError } from '../../errors.ts';
import { messagesIn } from '../../i18n/messages.ts';
import { systemTimers } from '../../lib/timers.ts';
import { withNote } from '../../replies/answer-note.ts';
import { createLiveReply } from '../../replies/live-reply.ts';
import { fenceLimits } from '../../replies/markdown/code-fences.ts';
import { withTables } from '../../replies/markdown/tables.ts';
import type { Adapter } from '../adapter.ts';
import { createConnection } from './gateway/connection.ts';
import { createEvents, type Events } from './gateway/events.ts';
import { registerCommands } from './interactions/commands.ts';
import { DISCORD, readTarget } from './places.ts';
import { MESSAGE_LIMIT } from './reply/render.ts';
import { createChannelWriter, createInteractionWriter } from './reply/writer.ts';
import { createDiscordRest } from './rest.ts';

const FENCE_LIMITS = fenceLimits(MESSAGE_LIMIT);

export interface DiscordOptions {
  readonly token: string;
  /** A proxy or test server in place of Discord's API. */
  readonly apiUrl?: string | undefined;
  readonly scope: SessionScope;
  /** The registry of channels that were talked in, shared by all replicas. */
  readonly channels: Channels;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Counts a part of a reply of which nobody can find out whether it was posted. */
  readonly unreconciled: () => void;
  /** Counts what Discord sent and nobody could read. */
  readonly malformed: () => void;
}

/** Between two writes of one reply: about 5 edits in 5 s go through, per channel (observed; Discord documents none). */
const EDIT_EVERY_MS = 1_200;
const FIRST_POST_MS = 600;
/** Typing is shown for 10 s. */
const TYPING_EVERY_MS = 8_000;
/** Discord knows a nonce for "the past few minutes". */
const NONCE_TRUST_MS = 120_000;
/** Stands behind a text that still grows; gone at its end. */
const MARK = '▌';

/** VIEW_CHANNEL, SEND_MESSAGES, ATTACH_FILES, READ_MESSAGE_HISTORY, SEND_MESSAGES_IN_THREADS. */
const PERMISSIONS = (1n << 10n) | (1n << 11n) | (1n << 15n) | (1n << 16n) | (1n << 38n);

/** Where the owner of a server adds the bot to it. */
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
    log.info({}, `Discord: add the bot to a server by ${inviteLink(application)}`);
    // Commands that are not registered are no reason not to talk.
    registerCommands(rest, application, bot.commands.catalogue, log).catch((thrown: unknown) => {
      const error = toBotError(thrown);
      log.error({ code: error.code, err: error.message }, 'Discord: the slash commands were not registered');
    });
  }

  async function openReply(target: ReplyTarget, context: ReplyContext): Promise<Reply> {
    const parsed = readTarget(target);
    const { turnId, locale } = context;
    const deps = { rest, botId: () => connection.self().user.id, turnId, locale, now: clock.now };
    const transport =
      parsed.via === 'channel' ? createChannelWriter(deps, parsed) : createInteractionWriter(deps, parsed);
    const reply = createLiveReply(transport, context, {
      limit: MESSAGE_LIMIT,
      intervalMs: EDIT_EVERY_MS,
      firstPostDelayMs: FIRST_POST_MS,
      thinkingRefreshMs: TYPING_EVERY_MS,
      // Follow-ups by the token of an interaction know no nonces.
      nonceTrustMs: parsed.via === 'interaction' && !parsed.present ? 0 : NONCE_TRUST_MS,
      mark: MARK,
      liveControls: true,
      prepare: (text) => withTables(text, false, FENCE_LIMITS),
      timers: systemTimers,
      ...{ clock, log },
      unreconciled: options.unreconciled,
    });
    return {
      ...reply,
      end(end) {
        const text = end.kind === 'answered' ? withTables(end.text, true, FENCE_LIMITS) : end.text;
        return reply.end({ ...end, text: withNote(text, end, messagesIn(locale)) });
      },
    };
  }

  return {
    platform: DISCORD,
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
