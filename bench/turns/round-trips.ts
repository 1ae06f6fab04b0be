/** How often the bot waits for Redis in a whole turn over HTTP, counted by a network between the two. */
import { Agent } from 'node:http';
import { startRedis } from '../../test/support/redis-server.ts';
import { startChild } from '../memory/child.ts';
import { proxyReply } from '../memory/jobs.ts';
import type { Bar, Table } from '../report.ts';
import { chatter, EVENTS, JSON_BODY } from './http.ts';
import { productSettings } from './product.ts';
import type { Programs } from './programs.ts';

const MOST = 7;

export async function measureRoundTrips(
  programs: Programs,
  modelUrl: string,
  { turns, judged }: { readonly turns: number; readonly judged: boolean },
): Promise<{ readonly table: Table; readonly bar: Bar }> {
  const redis = await startRedis();
  const proxy = startChild('delay-proxy.ts', [String(redis.port), '0']);
  const state = async () => proxyReply.parse(await proxy.ask({}));
  const agent = new Agent({ keepAlive: true });
  try {
    const { port } = await state();
    const url = `redis://127.0.0.1:${port}`;
    const product = await programs.startProduct({ ...productSettings(modelUrl), REDIS_URL: url });
    try {
      const count = async (accept: string) => {
        const talk = chatter(`${product.url}/chat`, accept, agent);
        // The first message of a conversation has it put into the indexes.
        await talk(0);
        const before = (await state()).roundTrips;
        for (let turn = 0; turn < turns; turn += 1) await talk(0);
        return ((await state()).roundTrips - before) / turns;
      };
      const each = await count(JSON_BODY);
      const streamed = await count(EVENTS);
      return {
        table: {
          title: 'Round trips of a whole turn over HTTP',
          note: `Times the bot sent something to Redis after it had waited for an answer, over all of its connections, its signs of life included: ${turns} turns of one conversation, one after the other.`,
          columns: ['', 'round trips'],
          rows: [
            ['recollect on Redis', each],
            ['recollect on Redis, streamed', streamed],
          ],
        },
        bar: {
          name: 'round trips to Redis of a whole turn over HTTP',
          wanted: `<= ${MOST}`,
          measured: each.toFixed(2),
          holds: judged ? each <= MOST : 'not judged',
        },
      };
    } finally {
      await product.stop();
    }
  } finally {
    agent.destroy();
    await proxy.kill();
    await redis.stop();
  }
}
