/** Parses requests of the page. Pure; invalid ones throw a BotError. */
import { z } from 'zod';
import type { CommandContext } from '../../core/commands.ts';
import { encodeSession, type Place, personOf, type SessionId, type SessionScope } from '../../core/session.ts';
import type { IncomingMessage } from '../../core/types.ts';
import { BotError } from '../../errors.ts';
import { fileRefs } from '../attachments.ts';
import type { Asker, messageBody, Seat } from './schemas.ts';

/** All people and channels of the page are of one workspace. */
const WORKSPACE = 'playground';

/** Longest private answer in UTF-16 units: the page has no limit of its own, a page of history should still be one. */
const MAX_ANSWER = 20_000;

/** @throws BotError `bad_input`; its message says what is wrong with which field. */
export function parse<S extends z.ZodType>(schema: S, input: unknown): z.infer<S> {
  const parsed = schema.safeParse(input);
  if (!parsed.success) throw new BotError('bad_input', z.prettifyError(parsed.error));
  return parsed.data;
}

function placeOf({ channel }: Pick<Seat, 'channel'>): Place {
  return { platform: 'web', workspace: WORKSPACE, channel };
}

/** The conversation of a person in a channel; with scope `channel`, the one of all who are in it. */
export function sessionOf(seat: Pick<Seat, 'user' | 'channel'>, scope: SessionScope): SessionId {
  const place = placeOf(seat);
  return encodeSession(scope === 'channel' ? { place } : { place, user: seat.user });
}

/** `now`: Unix milliseconds. @throws HTTPException 413 when the files are too large. */
export function toMessage(body: z.infer<typeof messageBody>, scope: SessionScope, now: number): IncomingMessage {
  const attachments = fileRefs(body.attachments ?? []);
  return {
    id: body.id,
    turnId: body.id,
    idempotencyKeys: [body.id],
    platform: 'web',
    sessionId: sessionOf(body, scope),
    author: { id: body.user, name: body.user },
    text: body.text,
    sentAt: now,
    isDirect: false,
    isMention: true,
    locale: body.locale,
    replyTo: { platform: 'web' },
    ...(attachments.length === 0 ? {} : { attachments }),
  };
}

export function contextOf(asker: Asker, scope: SessionScope, surface: 'text' | 'action'): CommandContext {
  const sessionId = sessionOf(asker, scope);
  const timeZone = zoneOf(asker.time_zone);
  return {
    place: placeOf(asker),
    sessionId,
    person: personOf(sessionId, asker.user),
    locale: asker.locale,
    ...(timeZone === undefined ? {} : { timeZone }),
    isDirect: false,
    canManage: asker.can_manage,
    surface,
    hasButtons: true,
    maxLength: MAX_ANSWER,
  };
}

/** A time zone that this process knows; a browser may know more of them. */
function zoneOf(name: string | undefined): string | undefined {
  try {
    return name === undefined
      ? undefined
      : new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone;
  } catch {
    return undefined;
  }
}
