/**
 * Ids of buttons: `memory:<command>:<mark>`, at most {@link MAX_ACTION_ID} characters so that Discord's custom_id holds
 * them. A session id does not always fit, so the mark is a hash of the person and the conversation. It is no secret and no
 * proof: whoever presses, it is looked for among that very person's own conversations, and nothing else can match it.
 */
import { createHash } from 'node:crypto';
import type { ForgetScope, MemoryCommand, PressedAction } from '../core/commands.ts';
import { encodePerson, type Person, type SessionId } from '../core/session.ts';
import { BotError } from '../errors.ts';

/** Discord's `custom_id`: 1 to 100 characters (Discord's component reference). */
export const MAX_ACTION_ID = 100;

const SCOPES: Readonly<Record<ForgetScope, string>> = { here: 'h', everywhere: 'e', whole: 'w' };
const ACTION = /^memory:([a-z0-9]{1,64}):([A-Za-z0-9_-]{12})$/;

/** Whose a button is, and which conversation it means (none: whatever the place offers). 12 characters. */
export function markOf(person: Person, sessionId: SessionId | undefined): string {
  return createHash('sha256')
    .update(`${encodePerson(person)}\n${sessionId ?? ''}`)
    .digest('base64url')
    .slice(0, 12);
}

/** @throws BotError `bad_input` for a command whose numbers are no indices or seconds: it would not come back the same. */
export function encodeAction(action: PressedAction): string {
  const id = `memory:${encodeCommand(action.command)}:${action.mark}`;
  const decoded = ACTION.exec(id)?.[1];
  if (decoded === undefined || decodeCommand(decoded) === undefined) {
    throw new BotError('bad_input', `No button can carry the command ${action.command.name} with these values.`);
  }
  return id;
}

/** Undefined for everything that {@link encodeAction} did not make. */
export function decodeAction(id: string): PressedAction | undefined {
  const match = ACTION.exec(id);
  if (match === null) return undefined;
  const [, encoded = '', mark = ''] = match;
  const command = decodeCommand(encoded);
  return command === undefined || encodeCommand(command) !== encoded ? undefined : { command, mark };
}

function encodeCommand(command: MemoryCommand): string {
  switch (command.name) {
    case 'history': {
      const { limit, offset, newerThan } = command;
      return `h${field('l', limit)}${field('o', offset)}${field('n', newerThan)}${command.export === true ? 'x' : ''}`;
    }
    case 'forget':
      return `f${SCOPES[command.scope]}${command.confirmed ? 'c' : ''}`;
    case 'ttl':
      return `t${command.value === 'default' ? 'd' : (command.value ?? '')}`;
    case 'memstats':
      return 'm';
    case 'help':
      return 'p';
  }
}

function field(letter: string, value: number | undefined): string {
  return value === undefined ? '' : `${letter}${value}`;
}

function decodeCommand(encoded: string): MemoryCommand | undefined {
  if (encoded === 'm') return { name: 'memstats' };
  if (encoded === 'p') return { name: 'help' };
  const ttl = /^t(d|\d{1,15})?$/.exec(encoded);
  if (ttl !== null) {
    const [, value] = ttl;
    return value === undefined ? { name: 'ttl' } : { name: 'ttl', value: value === 'd' ? 'default' : Number(value) };
  }
  const forget = /^f([hew])(c?)$/.exec(encoded);
  if (forget !== null) {
    const [, letter, confirmed] = forget;
    const scope: ForgetScope = letter === 'h' ? 'here' : letter === 'e' ? 'everywhere' : 'whole';
    return { name: 'forget', scope, confirmed: confirmed === 'c' };
  }
  const history = /^h(?:l(\d{1,6}))?(?:o(\d{1,6}))?(?:n(\d{1,6}))?(x?)$/.exec(encoded);
  if (history === null) return undefined;
  const [, limit, offset, newerThan, exported] = history;
  return {
    name: 'history',
    ...(limit === undefined ? {} : { limit: Number(limit) }),
    ...(offset === undefined ? {} : { offset: Number(offset) }),
    ...(newerThan === undefined ? {} : { newerThan: Number(newerThan) }),
    ...(exported === 'x' ? { export: true } : {}),
  };
}
