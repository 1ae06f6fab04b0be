/** Over HTTP: POST /chat, as JSON and as a stream of events. */
import { once } from 'node:events';
import { Agent, request } from 'node:http';
import { text } from 'node:stream/consumers';
import { startRedis } from '../../test/support/redis-server.ts';
import { ANSWER } from '../bots/answer.ts';
import type { Talk } from './closed-loop.ts';
import { productSettings } from './product.ts';
import type { Program } from './programs.ts';
import type { Subject, Surface, Targets } from './subject.ts';

export const JSON_BODY = 'application/json';
export const EVENTS = 'text/event-stream';

export const httpSurfaces: readonly Surface[] = [
  surface('Turns over HTTP', JSON_BODY, {
    ...{ ofBare: { 1: 0.55, 32: 0.65 }, commands: 50, publishes: 0, redisCpuMs: 0.3 },
  }),
  surface('Turns over HTTP, streamed', EVENTS),
];

function surface(title: string, accept: string, targets?: Targets): Surface {
  return {
    title,
    ...(targets && { targets }),
    note:
      'Bare: the same server library (Hono on Node) hands the message to the chain and the answer back. Between the two lie ' +
      'the rate limit, the message stored before it is answered, the claim, the 20 messages of memory that the ' +
      'model is sent too, the commit, and the news of it to whoever waits. The embedded store makes no round trips, and syncs its file ' +
      'four times.',
    async start(programs, modelUrl) {
      const redis = await startRedis();
      const onRedis = await programs.startProduct({ ...productSettings(modelUrl), REDIS_URL: redis.url });
      const embedded = await programs.startProduct(productSettings(modelUrl));
      const bare = await programs.startBare('http', { MODEL_URL: modelUrl });
      const first = subject('recollect on Redis', onRedis, accept);
      const stop = async () => {
        await first.stop();
        await redis.stop();
      };
      return [
        { ...first, redis, stop },
        subject('recollect, embedded store', embedded, accept),
        subject('bare', bare, accept),
      ];
    },
  };
}

function subject(name: string, program: Program, accept: string): Subject {
  const { pid, url, output } = program;
  const agent = new Agent({ keepAlive: true });
  return {
    ...{ name, pid, output, talk: chatter(`${url}/chat`, accept, agent) },
    async stop() {
      agent.destroy();
      await program.stop();
    },
  };
}

/** People who say the same thing over HTTP. @param accept what the answer is to be */
export function chatter(url: string, accept: string, agent: Agent): Talk {
  return async (conversation) => {
    const body = JSON.stringify({ user_id: `person-${conversation}`, message: 'What did we talk about?' });
    const call = request(url, {
      ...{ method: 'POST', agent },
      headers: { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body), accept },
    });
    call.end(body);
    const [response] = await once(call, 'response');
    const answer = await text(response);
    if (response.statusCode !== 200 || !answer.includes(ANSWER)) {
      throw new Error(`POST /chat was answered with ${response.statusCode}: ${answer}`);
    }
  };
}
