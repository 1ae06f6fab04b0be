/** What becomes of one message: stored for its answer, or run as a command; and what the person is told at once. */
import type { BotPort } from '../../../core/bot-port.ts';
import type { Command, CommandContext } from '../../../core/commands.ts';
import type { Clock, Logger } from '../../../core/ports.ts';
import { personOf } from '../../../core/session.ts';
import type { IncomingMessage } from '../../../core/types.ts';
import { toBotError } from '../../../errors.ts';
import { phrases } from '../../../i18n/messages.ts';
import type { Delays } from '../../../lib/delay.ts';
import { createThrottle } from '../../../lib/throttle.ts';
import { type ChannelAbout, placeOf, readTarget } from '../places.ts';
import { answerBody, type MessageBody, messageBody, rowsOf } from '../reply/render.ts';
import type { DiscordRest, RestFile } from '../rest.ts';
import type { HowTaken } from './channel-worker-deps.ts';
import type { Threads } from './threads.ts';

const LEAST_PAUSE_MS = 500;
const MOST_PAUSE_MS = 10_000;
/** Between two looks whether there is room in a conversation again. */
const ROOM_PAUSE_MS = 1_000;
/** Between two times that a channel is told that the memory is full. */
const FULL_TOLD_MS = 10 * 60_000;

/** As long as edits are looked at. */
const COMMAND_KNOWN_MS = 24 * 3_600_000;

export interface IntakeDeps {
  readonly bot: BotPort;
  readonly rest: DiscordRest;
  readonly threads: Pick<Threads, 'callIn'>;
  readonly pauses: Delays;
  readonly clock: Pick<Clock, 'monotonic'>;
  readonly log: Logger;
}

export interface MessageHandler {
  /** As `take` of a lane. */
  take(message: IncomingMessage, about: ChannelAbout, how: HowTaken): Promise<void>;
  /** As `tellFull` of a lane. */
  tellFull(message: IncomingMessage): Promise<void>;
}

/** What is posted at once. The nonce of its own makes it one message, however often (or by how many replicas) it is posted. */
type Purpose = 'refusal' | 'command';

export function createMessageHandler({ bot, rest, threads, pauses, clock, log }: IntakeDeps): MessageHandler {
  const worthTellingFull = createThrottle(clock, FULL_TOLD_MS);

  /** Never throws: what can't be told is no reason to deal with the message again. */
  async function say(message: IncomingMessage, purpose: Purpose, body: MessageBody, files: readonly RestFile[] = []) {
    const { channel } = readTarget(message.replyTo);
    const reference = { message_id: message.id, fail_if_not_exists: false };
    const nonce = `${message.turnId}:${purpose === 'refusal' ? 'r' : 'c'}`;
    const whole = { ...body, message_reference: reference, nonce, enforce_nonce: true };
    for (let tries = 1; ; tries += 1) {
      try {
        await rest.request('POST', `/channels/${channel}/messages`, { body: whole, files });
        return;
      } catch (thrown) {
        const error = toBotError(thrown);
        if (!error.retryable || tries >= 3 || pauses.ended()) {
          const { sessionId: session, turnId: turn } = message;
          log.warn({ session, turn, code: error.code, purpose }, 'something could not be told');
          return;
        }
        await pauses.wait(Math.max(LEAST_PAUSE_MS, error.retryAfterMs ?? 0));
      }
    }
  }

  async function receive(
    message: IncomingMessage,
    whole: () => Promise<IncomingMessage>,
    patientUntil: number,
  ): Promise<void> {
    let tell = false;
    for (;;) {
      const result = await bot.receive(message, whole);
      if (!('tell' in result)) return;
      tell ||= result.tell;
      const full = result.kind === 'rate_limited' || result.kind === 'inbox_full';
      if (!full || clock.monotonic() >= patientUntil || pauses.ended()) {
        if (tell) await say(message, 'refusal', messageBody(result.text));
        return;
      }
      const pause = result.kind === 'inbox_full' ? ROOM_PAUSE_MS : result.retryAfterMs;
      await pauses.wait(Math.min(MOST_PAUSE_MS, Math.max(LEAST_PAUSE_MS, pause)));
    }
  }

  /** A command as a message. Its answer is for the person alone, so in a server only a button that opens it is posted. */
  async function runTyped(command: Command, message: IncomingMessage, about: ChannelAbout): Promise<void> {
    const { locale, sessionId, author } = message;
    const context: CommandContext = {
      place: placeOf(readTarget(message.replyTo).channel, about),
      sessionId,
      person: personOf(sessionId, author.id),
      locale,
      isDirect: about.direct,
      canManage: false,
      surface: 'text',
      hasButtons: true,
    };
    if (command.name !== 'hint' && !about.direct) {
      const limited = await bot.commands.limit(command, context);
      // By a message that everybody reads, once.
      if (limited !== undefined) {
        if (limited.limited?.tell === true) await say(message, 'refusal', messageBody(limited.text));
        return;
      }
      const button = bot.commands.openPrivately(command, context);
      return await say(message, 'command', messageBody(phrases(locale).answersPrivately, rowsOf([button])));
    }
    const result = await bot.commands.run({ command, context });
    if (result.limited?.tell === false) return;
    await say(message, 'command', answerBody(result), result.files);
  }

  return {
    async take(message, about, { patientUntil, isFirst, isEdited }) {
      const { channel } = readTarget(message.replyTo);
      const command = bot.commands.readText(message.text);
      if (command === undefined) {
        await receive(message, () => threads.callIn(message, channel, about, isFirst), patientUntil);
        return;
      }
      // An edit must not run it again; whether it was run, a store that is away can't tell.
      const note = () => bot.flags.note(placeOf(channel, about), `command:${message.id}`, COMMAND_KNOWN_MS);
      const isNew = about.direct || (await note().catch(() => !isEdited));
      if (isNew || !isEdited) await runTyped(command, message, about);
    },
    async tellFull(message) {
      if (!worthTellingFull(readTarget(message.replyTo).channel)) return;
      await say(message, 'refusal', messageBody(phrases(message.locale).failed.store_full));
    },
  };
}
