/**
 * How a session stands in the index of a place, a person or a workspace: without what the index's key says already. Redis
 * keeps a small sorted set in one block as long as no member is over 64 bytes; a whole session id often is, and then each of
 * these indexes takes a kilobyte, which is more than most conversations' other companions together.
 */
import { encodeComponent, type Person, placeTag, type SessionId, type Team, toSessionId } from '../../core/session.ts';

/** What stands behind the place: `:t-<thread>`, `:u-<user>`, both or nothing. */
export function placeMember(id: SessionId): string {
  return id.slice(placeTag(id).length + 2);
}

/** @param tag the place, encoded @throws BotError `session_invalid` for what {@link placeMember} did not make */
export function sessionAtPlace(tag: string, member: string): SessionId {
  return toSessionId(`{${tag}}${member}`);
}

/** In a person's own conversations only `:u` stands for `:u-<user>`: no other session ends so. */
export function memberOf(whose: Person | Team, id: SessionId): string {
  const member = id.slice(opening(whose).length);
  const own = 'user' in whose ? ownUser(whose) : undefined;
  return own !== undefined && member.endsWith(own) ? `${member.slice(0, -own.length)}:u` : member;
}

/** @throws BotError `session_invalid` for what {@link memberOf} did not make */
export function sessionOfMember(whose: Person | Team, member: string): SessionId {
  const whole = 'user' in whose && member.endsWith(':u') ? `${member.slice(0, -2)}${ownUser(whose)}` : member;
  return toSessionId(opening(whose) + whole);
}

/** What all session ids of a platform or workspace begin with. */
function opening({ platform, workspace }: Person | Team): string {
  return workspace === undefined ? `{${platform}:` : `{${platform}:${encodeComponent(workspace)}:`;
}

function ownUser({ user }: Person): string {
  return `:u-${encodeComponent(user)}`;
}
