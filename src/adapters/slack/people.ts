/** Who somebody is in Slack: name, language, time zone, rights. */
import { z } from 'zod';
import type { Locale } from '../../core/types.ts';
import { localeOf } from '../../i18n/locale.ts';
import type { SlackClients } from './clients.ts';
import { createLookupCache, type LookupDeps } from './lookup-cache.ts';

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

export interface PeopleDeps extends LookupDeps {
  readonly clients: SlackClients;
}

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

export function createPeople({ clients, ...deps }: PeopleDeps): People {
  const known = createLookupCache(deps, async (user): Promise<SlackPerson> => {
    const answer = await clients.look((client) => client.users.info({ user, include_locale: true }));
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
  });
  return {
    find: async (user) => (await known.find(user)) ?? { name: user, locale: 'en', isManager: false },
  };
}
