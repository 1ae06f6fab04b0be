/** The memory commands on the recording platform: what was asked for is run, and answered to that person alone. */
import type { Command, CommandAction, CommandContext, CommandResult, Commands } from '../../src/core/commands.ts';
import { parseSessionId, personOf, type SessionId } from '../../src/core/session.ts';
import { messagesIn } from '../../src/i18n/messages.ts';
import type { Delivery } from './recording-protocol.ts';

/** A delivery that asks for a command. */
export type AskingDelivery = Extract<Delivery, { kind: 'message' | 'command' | 'action' }>;

/** How answers reach the platform. Never throws: an answer that does not arrive is no reason to run the command again. */
export interface Tellers {
  /** Beside the replies, for all in the channel to see. */
  publicly(delivery: AskingDelivery, text: string, actions?: readonly CommandAction[]): Promise<void>;
  privately(delivery: AskingDelivery, result: CommandResult): Promise<void>;
}

export interface Asked {
  readonly delivery: AskingDelivery;
  readonly sessionId: SessionId;
  readonly command: Command;
  readonly surface: CommandContext['surface'];
  /** Of a pressed button. */
  readonly targetHash?: string;
}

/**
 * Runs the command and answers it. What was typed where others read along can't be answered privately on platforms such as
 * this: it gets a button that opens the answer. @throws BotError as the store does; then nothing was answered.
 */
export async function takeCommand(asked: Asked, commands: Commands, tellers: Tellers): Promise<void> {
  const { delivery, command, targetHash } = asked;
  const context = contextOf(asked);
  const isPublic = asked.surface === 'text' && !delivery.direct;
  if (isPublic && command.name !== 'hint') {
    const open = await commands.openPrivately(command, context);
    return tellers.publicly(delivery, messagesIn(delivery.locale).answersPrivately, [open]);
  }
  const result = await commands.run({ command, context, ...(targetHash === undefined ? {} : { targetHash }) });
  // A hint says nothing of anybody's memory.
  return isPublic ? tellers.publicly(delivery, result.text) : tellers.privately(delivery, result);
}

function contextOf({ delivery, sessionId, surface }: Asked): CommandContext {
  const { user, locale, direct, canManage = false } = delivery;
  return {
    place: parseSessionId(sessionId).place,
    sessionId,
    person: personOf(sessionId, user),
    locale,
    isDirect: direct,
    canManage,
    surface,
    hasButtons: true,
  };
}
