/** Who may reach which conversation. Everything that a command touches is checked here. */
import type { CommandContext } from '../core/commands.ts';
import {
  encodePerson,
  encodePlace,
  encodeSession,
  isOwn,
  type Person,
  type Place,
  parseSessionId,
  type SessionId,
  type SessionScope,
} from '../core/session.ts';
import type { CommandDeps } from './command.ts';

/** The person is of the place's platform and workspace, as one platform knows both. */
export function isCoherent({ person, place }: Pick<CommandContext, 'person' | 'place'>): boolean {
  return person.platform === place.platform && person.workspace === place.workspace;
}

/**
 * A conversation is within a person's reach when it is their own (wherever in their workspace it is), or when it is one
 * without a user, shared or a DM, of the very place they are asking from.
 */
export function mayReach({ person, place }: Pick<CommandContext, 'person' | 'place'>, sessionId: SessionId): boolean {
  const session = parseSessionId(sessionId);
  if (session.user === undefined) return samePlace(session.place, place);
  return (
    session.user === person.user &&
    session.place.platform === person.platform &&
    session.place.workspace === person.workspace
  );
}

function samePlace(one: Place, other: Place): boolean {
  return encodePlace(one) === encodePlace(other);
}

/** Several people have their messages in it. A conversation without a user in a DM is its one person's own. */
export function isShared(context: CommandContext, sessionId: SessionId): boolean {
  return !isOwn(sessionId) && !context.isDirect;
}

/** Whether ADMIN_USER_IDS names this person. Nobody is an admin on a platform that does not verify who its users are. */
export function isAdmin(person: Person, { admins, platform: find }: Pick<CommandDeps, 'admins' | 'platform'>): boolean {
  const descriptor = find(person.platform);
  if (descriptor?.verifiesUsers !== true) return false;
  const { platform, user } = person;
  return admins.has(encodePerson(descriptor.userIds === 'platform' ? { platform, user } : person));
}

/** May do with a shared conversation what concerns everybody in it. */
export function isManager(context: CommandContext, deps: Pick<CommandDeps, 'admins' | 'platform'>): boolean {
  return context.canManage || isAdmin(context.person, deps);
}

/** The conversation of this person in this place outside any thread, where the place's TTL choice is kept. */
export function placeSession(context: CommandContext, scope: SessionScope): SessionId {
  const { place, person, isDirect } = context;
  return encodeSession(scope === 'channel' || isDirect ? { place } : { place, user: person.user });
}
