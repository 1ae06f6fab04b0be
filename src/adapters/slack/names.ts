/** The names of the people, channels and user groups that a text names by an id alone. */
import { z } from 'zod';
import { raceTimeout } from '../../lib/timeout.ts';
import type { SlackClients } from './clients.ts';
import { createLookupCache, type LookupDeps } from './lookup-cache.ts';
import type { People } from './people.ts';
import { type BotIdentity, type Named, type NameOf, namedIn } from './plain-text.ts';

export interface Names {
  /** Never rejects, and never waits long: what is not known by then stays an id. */
  of(raws: readonly string[]): Promise<NameOf>;
}

export interface NamesDeps extends LookupDeps {
  readonly clients: SlackClients;
  readonly people: People;
  readonly self: BotIdentity;
}

/** Of one message with its quotes. */
const MAX_NAMES = 20;
/** users.info takes about 100 calls a minute (tier 4), and tells locales and rights too: what people write uses a part of that. */
const MAX_A_MINUTE = 60;
const MINUTE_MS = 60_000;
/** Slack waits 3 s for its ack, and the thread is read before. Milliseconds. */
const WAIT_MS = 500;
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
  /** What was named lately, so that whoever names hundreds uses up nobody's look-ups. */
  const asked = new Map<string, number>();

  const channels = createLookupCache(deps, async (channel) => {
    const found = channelShape.parse(await clients.look((client) => client.conversations.info({ channel }))).channel;
    // The bot may be in private channels that whoever asks is not in, and Slack itself does not show them the name.
    const isPublic = found.is_private !== true && found.is_im !== true && found.is_mpim !== true;
    return isPublic ? found.name : undefined;
  });
  /** All of a workspace at once, under the one key that there is. */
  const groups = createLookupCache(deps, async () => {
    const list = groupsShape.parse(await clients.look((client) => client.usergroups.list()));
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
    if (asked.size >= MAX_A_MINUTE) return false;
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
        const room = MAX_NAMES - wanted.size;
        if (room <= 0) break;
        for (const named of namedIn(raw, self, room)) wanted.set(keyOf(named), named);
      }
      const looked = [...wanted.values()].filter(mayAsk).map(async (named) => {
        const name = (await nameOf(named))?.slice(0, MAX_NAME);
        if (name !== undefined) names.set(keyOf(named), name);
      });
      if (looked.length > 0) await raceTimeout(WAIT_MS, Promise.all(looked), () => undefined, timers);
      return (named) => names.get(keyOf(named));
    },
  };
}

function keyOf({ kind, id }: Named): string {
  return `${kind} ${id}`;
}
