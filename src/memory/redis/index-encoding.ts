/**
 * How a session stands in the index of a place, a person or a workspace: without what the index's key says already. Redis
 * keeps a small sorted set in one block as long as no member is over 64 bytes; a whole session id often is, and then each of
 * these indexes takes a kilobyte, which is more than most conversations' other companions together.
 */
import { encodeComponent, type Person, placeTag, type SessionId, type Team } from '../../core/session.ts';
import { parseStoredSession } from '../elements.ts';

/** What stands behind the place: `:t-<thread>`, `:u-<user>`, both or nothing. */
export function placeMember(id: SessionId): string {
  return id.slice(placeTag(id).length + 2);
}

/** Undefined for what {@link placeMember} did not make. @param tag the place, encoded */
export function sessionAtPlace(tag: string, member: string): SessionId | undefined {
  return parseStoredSession(`{${tag}}${member}`);
}

/** In a person's own conversations only `:u` stands for `:u-<user>`: no other session ends so. */
export function memberOf(whose: Person | Team, id: SessionId): string {
  const member = id.slice(opening(whose).length);
  const own = 'user' in whose ? ownUser(whose) : undefined;
  return own !== undefined && member.endsWith(own) ? `${member.slice(0, -own.length)}:u` : member;
}

/** Undefined for what {@link memberOf} did not make. */
export function sessionOfMember(whose: Person | Team, member: string): SessionId | undefined {
  const whole = 'user' in whose && member.endsWith(':u') ? `${member.slice(0, -2)}${ownUser(whose)}` : member;
  return parseStoredSession(opening(whose) + whole);
}

/** What all session ids of a platform or workspace begin with. */
function opening({ platform, workspace }: Person | Team): string {
  return workspace === undefined ? `{${platform}:` : `{${platform}:${encodeComponent(workspace)}:`;
}

function ownUser({ user }: Person): string {
  return `:u-${encodeComponent(user)}`;
}
