/**
 * How a session id is stored in the index of a place, a person or a workspace: without the part that the key contains already. Redis
 * stores a small sorted set in one block as long as no member exceeds 64 bytes. Whole session ids often do, and then each index takes
 * a kilobyte, which is more than all other companions of most conversations.
 */
import { encodeComponent, type Person, placeTag, type SessionId, type Team } from '../../core/session.ts';
import { parseStoredSession } from '../elements.ts';

/** The part after the place: `:t-<thread>`, `:u-<user>`, both or nothing. */
export function placeMember(id: SessionId): string {
  return id.slice(placeTag(id).length + 2);
}

/** Undefined for a malformed member. @param tag the encoded place */
export function sessionAtPlace(tag: string, member: string): SessionId | undefined {
  return parseStoredSession(`{${tag}}${member}`);
}

/** In a person's own conversations, `:u` replaces `:u-<user>`; no other session id ends with it. */
export function memberOf(whose: Person | Team, id: SessionId): string {
  const member = id.slice(opening(whose).length);
  const own = 'user' in whose ? ownUser(whose) : undefined;
  return own !== undefined && member.endsWith(own) ? `${member.slice(0, -own.length)}:u` : member;
}

/** Undefined for a malformed member. */
export function sessionOfMember(whose: Person | Team, member: string): SessionId | undefined {
  const whole = 'user' in whose && member.endsWith(':u') ? `${member.slice(0, -2)}${ownUser(whose)}` : member;
  return parseStoredSession(opening(whose) + whole);
}

/** The prefix of all session ids of a platform or workspace. */
function opening({ platform, workspace }: Person | Team): string {
  return workspace === undefined ? `{${platform}:` : `{${platform}:${encodeComponent(workspace)}:`;
}

function ownUser({ user }: Person): string {
  return `:u-${encodeComponent(user)}`;
}
