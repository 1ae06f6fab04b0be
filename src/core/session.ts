/**
 * Places, session ids and persons. Only this module decides who shares a conversation.
 *
 * A session id identifies one conversation: `{<place>}[:t-<thread>][:u-<user>]`. The place (`platform:workspace:channel`, or
 * `platform:channel` without workspaces) is in braces because it is the Redis hash tag. Each component is encoded separately, so the
 * encoding is injective: two conversations never have the same id, whatever names people choose.
 */
import { BotError } from '../errors.ts';

declare const sessionIdBrand: unique symbol;
/** Identifies one conversation. Only created by {@link encodeSession} and {@link toSessionId}. */
export type SessionId = string & { readonly [sessionIdBrand]: true };

/** Where a conversation takes place. `workspace`: the platform's server or team, if it has them. */
export interface Place {
  readonly platform: string;
  readonly workspace?: string;
  readonly channel: string;
}

/** The parts of a session id. `user` is absent if all members of the channel share the conversation, and in a DM. */
export interface Session {
  readonly place: Place;
  readonly thread?: string;
  readonly user?: string;
}

/** A user of one platform (and workspace). */
export interface Person {
  readonly platform: string;
  readonly workspace?: string;
  readonly user: string;
}

/** A workspace with all its channels. */
export interface Team {
  readonly platform: string;
  readonly workspace: string;
}

/** A channel with all its threads, or with `thread` only that thread; with everybody who writes there. */
export interface Area {
  readonly place: Place;
  readonly thread?: string;
}

/** `user`: one conversation per channel (or thread) and person; `channel`: one conversation for all people in it. */
export type SessionScope = 'user' | 'channel';

/** Longest component in UTF-16 units. Platform ids are far shorter; HTTP user ids are limited to this. */
export const MAX_COMPONENT_LENGTH = 128;

/** Whether it has no lone surrogates. They become U+FFFD in UTF-8, so two different texts would be stored as the same. */
export function isWellFormed(text: string): boolean {
  return !/\p{Surrogate}/u.test(text);
}

/** Matches components that need no encoding. A fast path: most ids match, and each turn encodes several. */
const PLAIN = /^[A-Za-z0-9._-]+$/;

const PLATFORM = /^[a-z][a-z0-9]*$/;

/** Whether {@link encodeComponent} accepts this text. A corrupt element may contain an impossible user. */
export function isComponent(text: string): boolean {
  return text.length > 0 && text.length <= MAX_COMPONENT_LENGTH && isWellFormed(text);
}

/**
 * Percent-encodes one component, except letters, digits, `-`, `_` and `.`.
 * @throws BotError `session_invalid` for an empty, overlong or ill-formed component (see {@link isWellFormed})
 */
export function encodeComponent(text: string): string {
  if (text.length === 0) throw new BotError('session_invalid', 'An id must not be empty.');
  if (text.length > MAX_COMPONENT_LENGTH) {
    throw new BotError('session_invalid', `An id may have at most ${MAX_COMPONENT_LENGTH} characters.`);
  }
  if (PLAIN.test(text)) return text;
  try {
    return encodeURIComponent(text).replace(
      /[!'()*~]/g,
      (character) => `%${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`,
    );
  } catch (cause) {
    throw new BotError('session_invalid', 'An id must be well-formed Unicode (it has a lone surrogate).', { cause });
  }
}

function encodeAll(platform: string, parts: readonly (string | undefined)[]): string {
  if (!PLATFORM.test(platform)) {
    throw new BotError(
      'session_invalid',
      `The name of a platform consists of lower-case letters and digits, not "${platform}".`,
    );
  }
  return [platform, ...parts.filter((part) => part !== undefined).map(encodeComponent)].join(':');
}

/** `platform[:workspace]:channel`, each part encoded: the hash tag of all keys of the place. */
export function encodePlace(place: Place): string {
  return encodeAll(place.platform, [place.workspace, place.channel]);
}

/** `platform[:workspace]:user`, each part encoded. */
export function encodePerson(person: Person): string {
  return encodeAll(person.platform, [person.workspace, person.user]);
}

/** `platform:workspace`, each part encoded. */
export function encodeTeam(team: Team): string {
  return encodeAll(team.platform, [team.workspace]);
}

/** The id of a conversation. @throws BotError `session_invalid` as {@link encodeComponent}. */
export function encodeSession(session: Session): SessionId {
  const thread = session.thread === undefined ? '' : `:t-${encodeComponent(session.thread)}`;
  const user = session.user === undefined ? '' : `:u-${encodeComponent(session.user)}`;
  return brand(`{${encodePlace(session.place)}}${thread}${user}`);
}

const SESSION_ID = /^\{([a-z][a-z0-9]*)(?::([^:{}]+))?:([^:{}]+)\}(?::t-([^:{}]+))?(?::u-([^:{}]+))?$/;

/**
 * Parses an id from {@link encodeSession}.
 * @throws BotError `session_invalid` for anything but the canonical spelling of a session id
 */
export function parseSessionId(id: string): Session {
  const match = SESSION_ID.exec(id);
  if (match === null) throw new BotError('session_invalid', 'Not a session id.');
  const [, platform = '', workspace, channel = '', thread, user] = match;
  let session: Session;
  try {
    session = {
      place: {
        platform,
        ...(workspace === undefined ? {} : { workspace: decodeURIComponent(workspace) }),
        channel: decodeURIComponent(channel),
      },
      ...(thread === undefined ? {} : { thread: decodeURIComponent(thread) }),
      ...(user === undefined ? {} : { user: decodeURIComponent(user) }),
    };
  } catch (cause) {
    throw new BotError('session_invalid', 'Not a session id.', { cause });
  }
  if (encodeSession(session) !== id) throw new BotError('session_invalid', 'Not a session id.');
  return session;
}

/** Validates text from outside (a stored element, a button) as a session id. @throws like {@link parseSessionId} */
export function toSessionId(text: string): SessionId {
  parseSessionId(text);
  return brand(text);
}

/** The encoded place of a session id, without braces. */
export function placeTag(id: SessionId): string {
  return id.slice(1, id.indexOf('}'));
}

/**
 * The person's conversation in the same place outside of threads. A TTL override made there is stored under this id, so that it also
 * applies to the person's threads in that place.
 */
export function baseSession(id: SessionId): SessionId {
  if (!id.includes('}:t-')) return id;
  const { place, user } = parseSessionId(id);
  return encodeSession(user === undefined ? { place } : { place, user });
}

/** Whether the conversation belongs to one person. Only the part after the place can contain a user. */
export function isOwn(id: SessionId): boolean {
  return id.includes(':u-', id.indexOf('}'));
}

/** The person who writes in a session, as known to its whole workspace. */
export function personOf(id: SessionId, user: string): Person {
  const { platform, workspace } = parseSessionId(id).place;
  return workspace === undefined ? { platform, user } : { platform, workspace, user };
}

function brand(text: string): SessionId {
  return text as SessionId;
}
