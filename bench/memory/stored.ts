/** What lies in Redis after a fault, whoever wrote it: halves of turns, and keys that nothing ever removes. */
import type { Redis } from 'ioredis';
import { z } from 'zod';

export interface Stored {
  /** Messages whose other half is not beside them. */
  readonly halves: number;
  /** Keys of conversations without an expiry. The store's index of all conversations has none on purpose: it is swept. */
  readonly immortal: number;
}

interface Half {
  readonly role: 'user' | 'assistant';
  /** What both halves of a turn have in common. The benchmarks number questions and answers alike. */
  readonly turn: string;
}

const ours = z
  .object({ role: z.enum(['user', 'assistant']), content: z.string() })
  .transform(({ role, content }): Half => ({ role, turn: numberIn(content) }));
const langchains = z
  .object({ type: z.enum(['human', 'ai']), data: z.object({ content: z.string() }) })
  .transform(
    ({ type, data }): Half => ({ role: type === 'human' ? 'user' : 'assistant', turn: numberIn(data.content) }),
  );

function numberIn(text: string): string {
  return /\d+/.exec(text)?.[0] ?? '';
}

/** Messages that are no part of a question with its answer right behind it. @param elements in the order of their list */
export function halvesOf(elements: readonly string[]): number {
  const values: unknown[] = elements.map((it) => JSON.parse(it));
  const [first] = values;
  // @langchain/redis keeps the newest first.
  const halves = langchains.safeParse(first).success
    ? values.map((it) => langchains.parse(it)).toReversed()
    : values.map((it) => ours.parse(it));
  let whole = 0;
  for (let index = 0; index + 1 < halves.length; index += 1) {
    const [asked, said] = [halves[index], halves[index + 1]];
    if (asked?.role === 'user' && said?.role === 'assistant' && asked.turn === said.turn) {
      whole += 2;
      index += 1;
    }
  }
  return halves.length - whole;
}

/** Everything that lies in this Redis. */
export async function inspect(admin: Redis): Promise<Stored> {
  let halves = 0;
  let immortal = 0;
  for (const key of await admin.keys('*')) {
    if (key.startsWith('{conversations}:')) continue;
    if ((await admin.pttl(key)) === -1) immortal += 1;
    if (key.endsWith(':inbox') || (await admin.type(key)) !== 'list') continue;
    halves += halvesOf(await admin.lrange(key, 0, -1));
  }
  return { halves, immortal };
}
