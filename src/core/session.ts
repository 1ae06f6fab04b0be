/**
 * Places, session ids and persons. Only this file decides who shares a memory with whom.
 *
 * A session id is the text that names one conversation, `{<place>}[:t-<thread>][:u-<user>]`. The place
 * (`platform:workspace:channel`, or `platform:channel` where there is no workspace) stands in braces because it is the
 * Redis hash tag. Every component is encoded by itself, so the encoding is injective: two different conversations never
 * get the same id, whatever anybody types as a name.
 */
import { BotError } from '../errors.ts';

declare const sessionIdBrand: unique symbol;
/** Names one conversation. Made by {@link encodeSession} and {@link parseSessionId} only. */
export type SessionId = string & { readonly [sessionIdBrand]: true };

/** Where a conversation happens. `workspace`: the platform's server or team, where it has any. */
export interface Place {
  readonly platform: string;
  readonly workspace?: string;
  readonly channel: string;
}

/** The parts of a session id. `user` is absent where all members of the channel share the conversation, and in a DM. */
export interface Session {
  readonly place: Place;
  readonly thread?: string;
  readonly user?: string;
}

/** One human being as one platform (and workspace) knows them. */
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

/** A channel with all its threads; with `thread`, that thread alone. Includes everyone who writes there. */
export interface Area {
  readonly place: Place;
  readonly thread?: string;
}

/** `user`: a conversation per channel (or thread) and person; `channel`: one shared by all in it. */
export type SessionScope = 'user' | 'channel';

/** Longest component in UTF-16 units; platform ids are far shorter, an HTTP user_id is limited to this. */
export const MAX_COMPONENT_LENGTH = 128;

/** Whether it has no lone surrogate. One becomes U+FFFD in UTF-8: two different texts would be stored as the same one. */
export function isWellFormed(text: string): boolean {
  return !/\p{Surrogate}/u.test(text);
}

/** Needs no encoding: most ids, and each turn encodes several. */
const PLAIN = /^[A-Za-z0-9._-]+$/;

const PLATFORM = /^[a-z][a-z0-9]*$/;

/** Whether {@link encodeComponent} takes this text: an element stored by a buggy writer may name an impossible user. */
export function isComponent(text: string): boolean {
  return text.length > 0 && text.length <= MAX_COMPONENT_LENGTH && isWellFormed(text);
}

/**
 * Percent-encodes one component. Only letters, digits, `-`, `_` and `.` stay as they are.
 * @throws BotError `session_invalid` for an empty, overlong or ill-formed (lone surrogate) component: lone surrogates
 * collapse into one character in UTF-8, so two different ids would become one.
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
    throw new BotError('session_invalid', `A platform is named in lower-case letters and digits, not "${platform}".`);
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
 * Reads an id that {@link encodeSession} made.
 * @throws BotError `session_invalid` for anything that is not the one canonical spelling of a session id.
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

/** Turns text from outside (a stored element, a button) back into a branded id. @throws as {@link parseSessionId}. */
export function toSessionId(text: string): SessionId {
  parseSessionId(text);
  return brand(text);
}

/** The place of a session id, encoded, without its braces. */
export function placeTag(id: SessionId): string {
  return id.slice(1, id.indexOf('}'));
}

/**
 * The conversation of the same person in the same place outside any thread: what a TTL choice made there is kept under,
 * so that it holds for the person's threads of that place too.
 */
export function baseSession(id: SessionId): SessionId {
  if (!id.includes('}:t-')) return id;
  const { place, user } = parseSessionId(id);
  return encodeSession(user === undefined ? { place } : { place, user });
}

/** Whether it is one person's own conversation, and not shared by all who talk there. Only the part after the place can name a user. */
export function isOwn(id: SessionId): boolean {
  return id.includes(':u-', id.indexOf('}'));
}

/** Of a session and the person speaking in it: the workspace-wide person. */
export function personOf(id: SessionId, user: string): Person {
  const { platform, workspace } = parseSessionId(id).place;
  return workspace === undefined ? { platform, user } : { platform, workspace, user };
}

function brand(text: string): SessionId {
  return text as SessionId;
}
