/** The names of all keys of the store. Every key that one message touches has the place as its hash tag: one slot. */
import {
  encodePerson,
  encodePlace,
  encodeTeam,
  type Person,
  type Place,
  placeTag,
  type SessionId,
  type Team,
} from '../../core/session.ts';
import type { TurnId } from '../../core/types.ts';

export const DEFAULT_PREFIX = 'conversation';

export interface SessionKeys {
  /** List of JSON elements, one message each. */
  readonly list: string;
  readonly meta: string;
  readonly ttl: string;
  readonly inbox: string;
  /** ZSET user id -> until when the conversation is in their, the workspace's and the place's index at least, in ms. */
  readonly people: string;
  /** SET of the ids of the messages that are remembered. */
  readonly sources: string;
  /** ZSET name of a note -> until when it holds, in ms. */
  readonly notes: string;
  /** ZSET id of a fact (`proposed:<id>` until it is confirmed) -> when it expires, in ms; of a conversation outside threads. */
  readonly facts: string;
  /** ZSET member (members.ts) -> until when a conversation of the same place is listed, in ms. */
  readonly place: string;
  turn(turnId: TurnId): string;
  /** String: one fact. */
  fact(id: string): string;
}

export interface Keyspace {
  readonly session: (id: SessionId) => SessionKeys;
  readonly seen: (place: Place, idempotencyKey: string) => string;
  readonly seenAt: (id: SessionId, idempotencyKey: string) => string;
  /** Notes of a place itself. */
  readonly notes: (place: Place) => string;
  readonly place: (place: Place) => string;
  /** What the names of its conversations begin with; the member of the place index is behind it. */
  readonly conversationsAt: (place: Place) => string;
  /** Everything that there is or was at a place: what only waits, what is only noted or chosen, too. */
  readonly all: (place: Place) => string;
  /** What the names of all place indexes begin with; the place in braces is behind it. */
  readonly places: string;
  readonly person: (person: Person) => string;
  readonly team: (team: Team) => string;
  /** The registry of channels of one platform. */
  readonly channels: (platform: string) => { readonly talked: string; readonly about: string; readonly cursor: string };
  readonly live: string;
  readonly lengths: string;
  readonly total: string;
  /** ZSET session id -> when to look whether it is answered, in microseconds: the safety net. */
  readonly pending: string;
  /** ZSET session id -> since when it waits for a worker, Unix ms. */
  readonly ready: string;
  /** The sign of life of an incarnation of a process (core/beat.ts). */
  readonly beat: (incarnation: string) => string;
  readonly day: (date: string) => string;
  /** Prefix of the rate limiter's keys. */
  readonly limits: string;
  readonly commandLimits: string;
  /** Prefix of pub/sub channels. */
  readonly signals: string;
}

/**
 * The key names under a KEY_PREFIX (`[a-z0-9_-]+`). The default one gives the names of docs/keys.md; any other one is put
 * before all names that do not begin with it anyway, so two bots with two prefixes share nothing on one Redis.
 */
export function keyspace(prefix: string): Keyspace {
  const own = prefix === DEFAULT_PREFIX ? '' : `${prefix}:`;
  const places = `${own}place:`;
  return {
    session: (id) => new KeysOfSession(`${prefix}:${id}`, `${places}{${placeTag(id)}}`),
    seen: (place, idempotencyKey) => `${own}seen:{${encodePlace(place)}}:${encodeURIComponent(idempotencyKey)}`,
    seenAt: (id, idempotencyKey) => `${own}seen:{${placeTag(id)}}:${encodeURIComponent(idempotencyKey)}`,
    notes: (place) => `${own}notes:{${encodePlace(place)}}`,
    place: (place) => `${places}{${encodePlace(place)}}`,
    conversationsAt: (place) => `${prefix}:{${encodePlace(place)}}`,
    all: (place) => `${places}{${encodePlace(place)}}:conversations`,
    places,
    person: (person) => `${own}{user:${encodePerson(person)}}:conversations`,
    team: (team) => `${own}{team:${encodeTeam(team)}}:conversations`,
    channels: (platform) => {
      const tag = `${own}{channels:${platform}}`;
      return { talked: `${tag}:talked`, about: `${tag}:about`, cursor: `${tag}:cursor` };
    },
    live: `${own}{conversations}:live`,
    lengths: `${own}{conversations}:lengths`,
    total: `${own}{conversations}:total`,
    pending: `${own}{conversations}:pending`,
    ready: `${own}{conversations}:ready`,
    beat: (incarnation) => `${own}{conversations}:beat:${incarnation}`,
    day: (date) => `${own}{conversations}:day:${date}`,
    limits: `${own}limit`,
    commandLimits: `${own}command-limit`,
    signals: `${own}signal`,
  };
}

/** Spells a name when it is asked for: most operations need two or three of them. */
class KeysOfSession implements SessionKeys {
  constructor(
    readonly list: string,
    readonly place: string,
  ) {}

  get meta(): string {
    return `${this.list}:meta`;
  }

  get ttl(): string {
    return `${this.list}:ttl`;
  }

  get inbox(): string {
    return `${this.list}:inbox`;
  }

  get people(): string {
    return `${this.list}:people`;
  }

  get sources(): string {
    return `${this.list}:sources`;
  }

  get notes(): string {
    return `${this.list}:notes`;
  }

  get facts(): string {
    return `${this.list}:facts`;
  }

  fact(id: string): string {
    return `${this.list}:fact:${id}`;
  }

  turn(turnId: TurnId): string {
    return `${this.list}:turn:${turnId}`;
  }
}
