/** Who somebody is in Slack: name, language, time zone, rights. Looked up once in a while, never waited for long. */
import { z } from 'zod';
import type { Clock, Logger } from '../../core/ports.ts';
import type { Locale } from '../../core/types.ts';
import { toBotError } from '../../errors.ts';
import { localeOf } from '../../texts/locale.ts';
import { inTime } from '../in-time.ts';
import type { Timers } from '../pacer.ts';
import type { SlackClients } from './clients.ts';

export interface SlackPerson {
  readonly name: string;
  readonly locale: Locale;
  readonly timeZone?: string;
  /** May manage other people's messages in the whole workspace. */
  readonly isManager: boolean;
}

export interface People {
  /** Never rejects: a person who can't be looked up now is named by their id, and speaks English. */
  find(user: string): Promise<SlackPerson>;
}

export interface PeopleDeps {
  readonly clients: SlackClients;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly logger: Logger;
}

/** Slack wants its ack within 3 s, and the message has to be stored in that time too. Milliseconds. */
export const LOOKUP_MS = 1_000;
/** How long what is known of a person holds, in milliseconds; rights that were taken away hold no longer than that. */
const KEEP_MS = 5 * 60_000;
const MAX_KEPT = 5_000;

const shape = z.object({
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

export function createPeople({ clients, clock, timers, logger }: PeopleDeps): People {
  const known = new Map<string, { readonly person: Promise<SlackPerson>; readonly until: number }>();

  async function look(user: string): Promise<SlackPerson> {
    const answer = await inTime(LOOKUP_MS, timers, () =>
      clients.look((client) => client.users.info({ user, include_locale: true })),
    );
    const {
      name,
      real_name: realName,
      locale,
      tz,
      is_admin: admin,
      is_owner: owner,
      profile,
    } = shape.parse(answer).user;
    const names = [profile?.display_name, profile?.real_name, realName, name];
    return {
      name: names.find((each) => each !== undefined && each.trim() !== '') ?? user,
      locale: localeOf(locale),
      ...(tz == null ? {} : { timeZone: tz }),
      isManager: admin === true || owner === true,
    };
  }

  return {
    find(user) {
      const now = clock.monotonic();
      const found = known.get(user);
      if (found !== undefined && found.until > now) return found.person;
      const person = look(user).catch((thrown: unknown): SlackPerson => {
        // Not kept: the next message asks again.
        known.delete(user);
        logger.debug({ code: toBotError(thrown).code }, 'a person could not be looked up');
        return { name: user, locale: 'en', isManager: false };
      });
      known.delete(user);
      known.set(user, { person, until: now + KEEP_MS });
      const [oldest] = known.keys();
      if (known.size > MAX_KEPT && oldest !== undefined) known.delete(oldest);
      return person;
    },
  };
}
