/** Everything of one person, of one workspace, of one place, on Redis. */
import { z } from 'zod';
import type { Facts } from '../../core/facts.ts';
import {
  type Area,
  baseSession,
  encodePlace,
  isComponent,
  isOwn,
  type Person,
  type Place,
  parseSessionId,
  placeTag,
  type SessionId,
  type Team,
} from '../../core/session.ts';
import type { ConversationSummary, Erased, EraseOptions, ExportedConversation, Memory } from '../../core/store.ts';
import { parseElement } from '../elements.ts';
import { replies } from './client.ts';
import type { RedisContext } from './context.ts';
import { sessionAtPlace, sessionOfMember } from './index-encoding.ts';
import { memberships, unlisting } from './listing.ts';
import type { SessionMemory } from './memory.ts';

export type PeopleMemory = Pick<Memory, 'conversations' | 'conversationsAt' | 'find' | 'erase' | 'export'>;

/** @param touch is told of a key in each slot that an erasure wrote to */
export function createPeopleMemory(
  context: RedisContext,
  sessions: SessionMemory,
  facts: Facts,
  touch: (key: string) => void = () => {},
): PeopleMemory {
  const { redis, keys, call } = context;

  /** The sessions in an index, those whose time is over too: what is left of them is looked up where it lies. */
  const listed = async (whose: Person | Team): Promise<SessionId[]> => {
    const members = await redis.zrange('user' in whose ? keys.person(whose) : keys.team(whose), '0', '-1');
    return members.flatMap((member) => sessionOfMember(whose, member) ?? []);
  };

  const at = async (place: Place, index: string): Promise<SessionId[]> =>
    (await redis.zrange(index, '0', '-1')).flatMap((member) => sessionAtPlace(encodePlace(place), member) ?? []);

  const inArea = async ({ place, thread }: Area): Promise<SessionId[]> => {
    const all = [...(await at(place, keys.all(place))), ...(await at(place, keys.place(place)))];
    return [...new Set(all)].filter((id) => thread === undefined || parseSessionId(id).thread === thread);
  };

  const eraseOne = async (id: SessionId, whose: Person | Team | Area, keep: EraseOptions): Promise<Erased> => {
    const { keepChoices = false, keepFacts = false } = keep;
    const own = keys.session(id);
    const { user } = parseSessionId(id);
    const whole = !('user' in whose) || user === whose.user;
    const people = 'user' in whose ? [whose.user] : (await redis.zrange(own.people, '0', '-1')).filter(isComponent);
    const unlist = await unlisting(context, id, people, whole);
    for (const key of [own.list, ...memberships(keys, id, people).map((it) => it.key)]) touch(key);
    const erased = whole ? await sessions.forget(id) : await sessions.removeTurns(id, { authorId: whose.user });
    // Where people share a conversation there are no facts, so these are this person's.
    const removed = keepFacts || id !== baseSession(id) ? 0 : await facts.removeAll(id);
    // What they chose outside of threads holds in a thread too, and it goes with them; it does not go with the thread.
    const choices = 'user' in whose && whole ? [own.ttl, keys.session(baseSession(id)).ttl] : [own.ttl];
    // Where nobody else's words were in it (a DM) its setting was theirs too.
    const theirs = whole || (!isOwn(id) && (await redis.exists(own.list)) === 0);
    if (theirs && !keepChoices) await redis.del(...choices);
    const left = [...(theirs && keepChoices ? choices : []), ...(keepFacts ? [own.facts] : [])];
    if (left.length === 0 || (await redis.exists(...left)) === 0) await unlist();
    return { ...erased, facts: removed };
  };

  return {
    conversations: (person, place) =>
      call('conversations', async () => {
        const tag = place === undefined ? undefined : encodePlace(place);
        const ids = (await listed(person)).filter((id) => tag === undefined || placeTag(id) === tag);
        const found = await summaries(context, ids);
        return found.sort((a, b) => b.lastAt - a.lastAt);
      }),

    conversationsAt: (place) =>
      call('conversationsAt', async () => {
        const ids = await at(place, keys.place(place));
        // They are listed for longer than they live.
        const pipeline = redis.pipeline();
        for (const id of ids) pipeline.exists(keys.session(id).list);
        const living = await replies(pipeline);
        return ids.filter((_, index) => living[index] === 1);
      }),

    find: (place, source) =>
      call('find', async () => {
        const id = `"id":${JSON.stringify(source)}`;
        const reply = await redis.findSource(keys.place(place), keys.conversationsAt(place), source, id);
        const members = z.array(z.string()).parse(reply);
        return members.flatMap((member) => sessionAtPlace(encodePlace(place), member) ?? []);
      }),

    erase: (whose, options = {}) =>
      call('erase', async () => {
        const sum = { conversations: 0, messages: 0, waiting: 0, facts: 0 };
        const found = 'place' in whose ? await inArea(whose) : await listed(whose);
        // Also where nothing is listed any more: an erasure that was not confirmed may have been made all the same.
        touch('place' in whose ? keys.all(whose.place) : 'user' in whose ? keys.person(whose) : keys.team(whose));
        for (const id of found) {
          const erased = await eraseOne(id, whose, options);
          sum.conversations += erased.conversations;
          sum.messages += erased.messages;
          sum.waiting += erased.waiting;
          sum.facts += erased.facts;
        }
        if ('user' in whose) return sum;
        const places =
          'place' in whose
            ? whose.thread === undefined
              ? [keys.notes(whose.place)]
              : []
            : found.map((id) => keys.notes(parseSessionId(id).place));
        for (const notes of new Set(places)) {
          touch(notes);
          await redis.del(notes);
        }
        return sum;
      }),

    export: (whose) =>
      call('export', async () => {
        const found: ExportedConversation[] = [];
        for (const sessionId of await listed(whose)) {
          const all = (await sessions.history(sessionId))?.messages ?? [];
          const messages = 'user' in whose ? all.filter((message) => message.authorId === whose.user) : all;
          const kept = sessionId === baseSession(sessionId) ? await facts.list(sessionId) : [];
          if (messages.length + kept.length > 0) found.push({ sessionId, messages, facts: kept });
        }
        return found;
      }),
  };
}

/** Of those that are not over, or in which a message waits. */
async function summaries({ redis, keys }: RedisContext, ids: readonly SessionId[]): Promise<ConversationSummary[]> {
  const pipeline = redis.pipeline();
  for (const id of ids) {
    const own = keys.session(id);
    pipeline.llen(own.list).pttl(own.list).lindex(own.list, -1).llen(own.inbox);
  }
  const all = await replies(pipeline);
  return ids.flatMap((sessionId, index): ConversationSummary[] => {
    const [messages, msLeft, newest, waiting] = all.slice(4 * index, 4 * index + 4);
    if (messages === 0 && waiting === 0) return [];
    const lastAt = typeof newest === 'string' ? (parseElement(newest)?.timestamp ?? 0) : 0;
    return [{ sessionId, messages: Number(messages), lastAt, expiresInMs: Math.max(0, Number(msLeft)) }];
  });
}
