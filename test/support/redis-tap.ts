/**
 * A proxy in front of Redis that knows the store's scripts and tells when one passes: the place to kill a process at an exact
 * step of the turn protocol, from outside, with nothing in the product that knows of it.
 */
import { createHash } from 'node:crypto';
import { SCRIPTS, type ScriptName } from '../../src/memory/redis/scripts.ts';
import { startProxy } from './tcp-proxy.ts';

export interface Step {
  readonly command: ScriptName;
  /** Only when the request has this in it too: a handle's field, a key. */
  readonly containing?: string;
  /** Whether Redis still gets the request. Its answer is lost in any case. */
  readonly when: 'before' | 'after';
}

export interface RedisTap {
  readonly url: string;
  /** At the first request that is this step, everything stops; resolves then, when Redis has done what it was to do. */
  stopAt(step: Step): Promise<void>;
  close(): Promise<void>;
}

/** Listens on a free loopback port and passes everything on to the Redis on `target`, a port of 127.0.0.1. */
export async function startRedisTap(target: number): Promise<RedisTap> {
  let wanted: { readonly step: Step; readonly reached: () => void } | undefined;
  let stopped = false;

  const proxy = await startProxy(target, (client, upstream) => {
    let swallow: (() => void) | undefined;
    client.on('data', (data) => {
      if (stopped) return;
      if (wanted === undefined || !isStep(data.toString('utf8'), wanted.step)) {
        upstream.write(data);
        return;
      }
      const { step, reached } = wanted;
      stopped = true;
      if (step.when === 'before') return reached();
      swallow = reached;
      upstream.write(data);
    });
    upstream.on('data', (data) => {
      if (swallow !== undefined) {
        swallow();
        swallow = undefined;
      } else if (!stopped) client.write(data);
    });
  });
  return {
    url: `redis://127.0.0.1:${proxy.port}`,
    close: proxy.close,
    stopAt: (step) =>
      new Promise((reached) => {
        wanted = { step, reached };
      }),
  };
}

/** A request is small and comes in one piece. A script goes out whole the first time and by its SHA-1 afterwards. */
function isStep(request: string, { command, containing }: Step): boolean {
  if (containing !== undefined && !request.includes(containing)) return false;
  const { lua } = SCRIPTS[command];
  return request.includes(createHash('sha1').update(lua).digest('hex')) || request.includes(lua);
}
