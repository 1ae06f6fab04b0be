/** People, channels and user groups, looked up in Slack: answers are cached, a look-up never takes long, and its failure is no error. */
import { z } from 'zod';
import type { Clock, Logger } from '../../../core/ports.ts';
import type { Locale } from '../../../core/types.ts';
import { toBotError } from '../../../errors.ts';
import { localeOf } from '../../../i18n/locale.ts';
import { raceTimeout, withTimeout } from '../../../lib/timeout.ts';
import type { Timers } from '../../../lib/timers.ts';
import type { BotIdentity } from '../ids.ts';
import { type Named, type NameOf, namedIn } from '../receive/plain-text.ts';
import type { SlackClients } from './clients.ts';

/** Slack expects its ack within 3 s, and the message has to be stored in that time too. Milliseconds. */
export const LOOKUP_MS = 1_000;
/** How long an answer is cached, in milliseconds; a right that was withdrawn is honoured no longer than that. */
const CACHE_MS = 5 * 60_000;
/** How long a look-up that failed is not repeated, in milliseconds; where Slack names a time, that is used. */
const FAILED_MS = 1_000;
const MAX_CACHED = 5_000;

export interface LookupDeps {
  readonly clock: Pick<Clock, 'monotonic'>;
  readonly timers: Timers;
  readonly logger: Logger;
}

interface LookupCache<T> {
  /** Undefined: not known now. Never rejects. */
  find(key: string): Promise<T | undefined>;
}

/** `lookUp` asks Slack; it may reject. */
function createLookupCache<T>(
  { clock, timers, logger }: LookupDeps,
  lookUp: (key: string) => Promise<T>,
): LookupCache<T> {
  const cache = new Map<string, { readonly answer: Promise<T | undefined>; until: number }>();
  /** The end of a rate limit. */
  let pausedUntil = 0;

  function store(key: string, answer: Promise<T | undefined>): { until: number } {
    const entry = { answer, until: clock.monotonic() + CACHE_MS };
    cache.delete(key);
    cache.set(key, entry);
    const [oldest] = cache.keys();
    if (cache.size > MAX_CACHED && oldest !== undefined) cache.delete(oldest);
    return entry;
  }

  return {
    find(key) {
      const now = clock.monotonic();
      const found = cache.get(key);
      if (found !== undefined && found.until > now) return found.answer;
      if (now < pausedUntil) return Promise.resolve(undefined);
      const answer = withTimeout(LOOKUP_MS, timers, () => lookUp(key)).catch((thrown: unknown) => {
        const { code, retryable, retryAfterMs = FAILED_MS } = toBotError(thrown);
        const failedAt = clock.monotonic();
        // A permanent refusal (no such person, a missing scope) stays in the cache.
        if (retryable) entry.until = failedAt + retryAfterMs;
        if (code === 'platform_rate_limited') pausedUntil = failedAt + retryAfterMs;
        logger.debug({ code }, 'Slack look-up failed');
        return undefined;
      });
      const entry = store(key, answer);
      return answer;
    },
  };
}

export interface SlackPerson {
  readonly name: string;
  readonly locale: Locale;
  readonly timeZone?: string;
  /** May manage other people's messages in the whole workspace. */
  readonly isManager: boolean;
}

export interface People {
  /** Never rejects: a person who is not known now has their id as name, and English as language. */
  find(user: string): Promise<SlackPerson>;
}

export interface PeopleDeps extends LookupDeps {
  readonly clients: SlackClients;
}

const userShape = z.object({
  user: z.object({
    name: z.string().optional(),
    real_name: z.string().optional(),
    locale: z.string().optional(),
    tz: z.string().nullish(),
    is_admin: z.boolean().optional(),
    is_owner: z.boolean().optional(),
    profile: z.object({ display_name: z.string().optional(), real_name: z.string().optional() }).optional(),
  }),
});

export function createPeople({ clients, ...deps }: PeopleDeps): People {
  const people = createLookupCache(deps, async (id): Promise<SlackPerson> => {
    const answer = await clients.lookUp((client) => client.users.info({ user: id, include_locale: true }));
    const { user } = userShape.parse(answer);
    const names = [user.profile?.display_name, user.profile?.real_name, user.real_name, user.name];
    return {
      name: names.find((name) => name !== undefined && name.trim() !== '') ?? id,
      locale: localeOf(user.locale),
      ...(user.tz == null ? {} : { timeZone: user.tz }),
      isManager: user.is_admin === true || user.is_owner === true,
    };
  });
  return {
    find: async (user) => (await people.find(user)) ?? { name: user, locale: 'en', isManager: false },
  };
}

export interface Names {
  /**
   * The names of what these texts, in Slack's markup, name by an id alone. Never rejects and never takes long: a name that is not
   * known in time stays an id.
   */
  of(raws: readonly string[]): Promise<NameOf>;
}

export interface NamesDeps extends LookupDeps {
  readonly clients: SlackClients;
  readonly people: People;
  readonly self: BotIdentity;
}

/** Names in one message and its quotes. */
const MAX_NAMES = 20;
/** Slack allows about 100 calls of users.info a minute (tier 4), which also gives locales and rights: names use a part of that. */
const MAX_NAMES_A_MINUTE = 60;
const MINUTE_MS = 60_000;
/** Slack expects its ack within 3 s, and the thread is read before. Milliseconds. */
const NAMES_MS = 500;
/** Longest name, in UTF-16 units. */
const MAX_NAME = 80;

const channelShape = z.object({
  channel: z.object({
    name: z.string().optional(),
    ...{ is_private: z.boolean().optional(), is_im: z.boolean().optional(), is_mpim: z.boolean().optional() },
  }),
});
const groupsShape = z.object({ usergroups: z.array(z.object({ id: z.string(), handle: z.string() })).default([]) });

export function createNames({ clients, people, self, ...deps }: NamesDeps): Names {
  const { clock, timers } = deps;
  /** Names of the last minute and when they were asked for: one author must not use up everybody's look-ups. */
  const asked = new Map<string, number>();

  const channels = createLookupCache(deps, async (channel) => {
    const found = channelShape.parse(await clients.lookUp((client) => client.conversations.info({ channel }))).channel;
    // The bot may be in private channels that the author is not in, and whose names Slack does not show them.
    const isPublic = found.is_private !== true && found.is_im !== true && found.is_mpim !== true;
    return isPublic ? found.name : undefined;
  });
  /** All user groups of the workspace, under one key. */
  const groups = createLookupCache(deps, async () => {
    const list = groupsShape.parse(await clients.lookUp((client) => client.usergroups.list()));
    return new Map(list.usergroups.map(({ id, handle }) => [id, handle]));
  });

  function mayAsk({ kind, id }: Named): boolean {
    const now = clock.monotonic();
    const key = kind === 'group' ? kind : `${kind} ${id}`;
    for (const [each, at] of asked) {
      if (at > now - MINUTE_MS) break;
      asked.delete(each);
    }
    if (asked.has(key)) return true;
    if (asked.size >= MAX_NAMES_A_MINUTE) return false;
    asked.set(key, now);
    return true;
  }

  async function nameOf({ kind, id }: Named): Promise<string | undefined> {
    switch (kind) {
      case 'user': {
        const { name } = await people.find(id);
        return name === id ? undefined : name;
      }
      case 'channel':
        return await channels.find(id);
      case 'group':
        return (await groups.find(''))?.get(id);
    }
  }

  return {
    async of(raws) {
      const names = new Map<string, string>();
      const wanted = new Map<string, Named>();
      for (const raw of raws) {
        const left = MAX_NAMES - wanted.size;
        if (left <= 0) break;
        for (const named of namedIn(raw, self, left)) wanted.set(keyOf(named), named);
      }
      const lookUps = [...wanted.values()].filter(mayAsk).map(async (named) => {
        const name = (await nameOf(named))?.slice(0, MAX_NAME);
        if (name !== undefined) names.set(keyOf(named), name);
      });
      // Names that come later are not used.
      if (lookUps.length > 0) {
        await raceTimeout(NAMES_MS, Promise.all(lookUps), () => undefined, timers);
      }
      return (named) => names.get(keyOf(named));
    },
  };
}

function keyOf({ kind, id }: Named): string {
  return `${kind} ${id}`;
}
