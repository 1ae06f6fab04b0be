/** Facts on Redis: companions of the place's base conversation. */
import { z } from 'zod';
import {
  type Fact,
  type Facts,
  inOrder,
  isFactId,
  type KeepFactResult,
  MAX_FACTS,
  MAX_PROPOSALS,
  type NewFact,
  PROPOSAL_MS,
} from '../../core/facts.ts';
import { parseSessionId, type SessionId } from '../../core/session.ts';
import { parseJson } from '../elements.ts';
import type { RedisContext } from './context.ts';
import { unlistedReply, whenListed } from './listing.ts';

/** Three lines: when it was said, whose it is and what was said (both JSON strings). */
const TEXT = /^(\d{1,16})\n([^\n]*)\n([^\n]*)$/;
const line = z.string();

/** Facts as the scripts give them, in the order of {@link Facts.list}. One that cannot be read is left out. */
export const factsReply = z.array(z.string()).transform((flat) => {
  const found: Fact[] = [];
  for (let index = 0; index + 2 < flat.length; index += 3) {
    const fact = factOf(flat[index] ?? '', flat[index + 1] ?? '', flat[index + 2] ?? '');
    if (fact !== undefined) found.push(fact);
  }
  return inOrder(found);
});

const keepReply = z.union([
  unlistedReply,
  z.tuple([z.enum(['full', 'unknown'])]),
  z.tuple([z.enum(['kept', 'known']), z.string(), z.string(), z.string()]),
]);
const removeReply = z.tuple([z.number(), z.number()]);

export function createRedisFacts(context: RedisContext): Facts {
  const { redis, keys, options, call } = context;

  const run = async (mode: 'keep' | 'propose' | 'confirm', base: SessionId, user: string, id: string, more: Said) => {
    const own = keys.session(base);
    const scriptKeys = [own.list, own.people, own.facts, own.fact(id)];
    const bounds = [options.factsTtl, MAX_FACTS, MAX_PROPOSALS, PROPOSAL_MS];
    // Whoever is erased has to be found by it, however long they say nothing.
    const [kind, ...stored] = await whenListed(context, base, [user], async () =>
      keepReply.parse(await redis.keepFact(...scriptKeys, mode, id, user, ...bounds, ...more)),
    );
    switch (kind) {
      case 'unknown':
        return { kind };
      case 'full':
        return { kind, max: MAX_FACTS } as const;
      case 'kept':
      case 'known': {
        const [storedId = '', expiry = '', text = ''] = stored;
        const fact = factOf(storedId, expiry, text);
        if (fact === undefined) throw new Error('A fact that was just stored cannot be read.');
        return { kind, fact } as const;
      }
    }
  };

  const put = async (mode: 'keep' | 'propose', base: SessionId, user: string, { id, text, saidAt }: NewFact) => {
    if (!isFactId(id)) throw new Error(`Not the id of a fact: ${id}`);
    const said = [saidAt, `${JSON.stringify(user)}\n${JSON.stringify(text)}`] as const;
    const result = await run(mode, base, user, id, said);
    if (result.kind === 'unknown') throw new Error('A new fact is never unknown.');
    return result satisfies KeepFactResult;
  };

  const remove = async (base: SessionId, id: string) => {
    const own = keys.session(base);
    return removeReply.parse(await redis.removeFacts(own.list, own.facts, id));
  };

  return {
    keep: (base, { user }, fact) => call('keepFact', () => put('keep', base, user, fact)),
    propose: (base, { user }, fact) => call('proposeFact', () => put('propose', base, user, fact)),
    confirm: (base, id) =>
      call('confirmFact', async () => {
        if (!isFactId(id)) return { kind: 'unknown' };
        const user = parseSessionId(base).user ?? userOf(await redis.get(keys.session(base).fact(id)));
        return user === undefined ? { kind: 'unknown' } : await run('confirm', base, user, id, []);
      }),
    list: (base) => call('facts', async () => factsReply.parse(await redis.factsOf(keys.session(base).list))),
    remove: (base, id) =>
      call('removeFact', async () => {
        if (!isFactId(id)) return false;
        const [kept, proposed] = await remove(base, id);
        return kept + proposed > 0;
      }),
    removeAll: (base) => call('removeFacts', async () => (await remove(base, ''))[0]),
  };
}

/** When it was said, and its other lines; nothing where it is stored already. */
type Said = readonly [] | readonly [saidAt: number, lines: string];

function factOf(id: string, expiry: string, stored: string): Fact | undefined {
  const [, said = '', , words = ''] = TEXT.exec(stored) ?? [];
  const text = line.safeParse(parseJson(words)).data;
  return text === undefined ? undefined : { id, text, saidAt: Number(said), expiresAt: Number(expiry) };
}

function userOf(stored: string | null): string | undefined {
  const [, , user = ''] = TEXT.exec(stored ?? '') ?? [];
  return line.safeParse(parseJson(user)).data;
}
