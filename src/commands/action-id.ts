/**
 * Ids of buttons: `memory:<command>:<target hash>`, at most {@link MAX_ACTION_ID} characters so that Discord's custom_id
 * holds them. A session id does not always fit, hence the hash of the person and the conversation. It is neither secret nor
 * proof: it is compared with the conversations of the person who presses the button, and can name no other.
 */
import { createHash } from 'node:crypto';
import type { MemoryCommand, PressedAction } from '../core/commands.ts';
import { encodePerson, type Person, type SessionId } from '../core/session.ts';
import { BotError } from '../errors.ts';

/** Discord's `custom_id`: 1 to 100 characters (Discord's component reference). */
export const MAX_ACTION_ID = 100;

const ACTION = /^memory:([a-z0-9]{1,64}):([A-Za-z0-9_-]{12})$/;

/** The part of a registered command that puts it into a button. */
export interface ButtonCodec {
  readonly definition: { readonly name: string };
  encode(command: MemoryCommand): string | undefined;
  decode(text: string): MemoryCommand | undefined;
}

/** For whom a button was made, and for which conversation (none: the one that the place tells). 12 characters. */
export function targetHashOf(person: Person, sessionId: SessionId | undefined): string {
  return createHash('sha256')
    .update(`${encodePerson(person)}\n${sessionId ?? ''}`)
    .digest('base64url')
    .slice(0, 12);
}

/** @throws BotError `bad_input` for a command that no button can carry, such as one with a negative number */
export function encodeAction({ command, targetHash }: PressedAction, commands: readonly ButtonCodec[]): string {
  const codec = commands.find(({ definition }) => definition.name === command.name);
  const encoded = codec?.encode(command);
  const id = `memory:${encoded ?? ''}:${targetHash}`;
  if (encoded === undefined || !ACTION.test(id) || codec?.decode(encoded) === undefined) {
    throw new BotError('bad_input', `No button can carry the command ${command.name} with these values.`);
  }
  return id;
}

/** Undefined for every text that {@link encodeAction} did not make. */
export function decodeAction(id: string, commands: readonly ButtonCodec[]): PressedAction | undefined {
  const match = ACTION.exec(id);
  if (match === null) return undefined;
  const [, encoded = '', targetHash = ''] = match;
  for (const codec of commands) {
    const command = codec.decode(encoded);
    if (command !== undefined && codec.encode(command) === encoded) return { command, targetHash };
  }
  return undefined;
}
