/** What the Sentinels know before the start, and what their primary must keep to. */
import type { Redis } from 'ioredis';
import { z } from 'zod';
import { BotError } from '../../errors.ts';
import { type Address, hostAndPort, type SentinelTarget } from '../../redis/target.ts';
import { type Endpoint, primaryEndpoint, sentinelEndpoint } from './endpoint.ts';
import { type Info, type Inspection, refuseKind } from './inspection.ts';
import { probe } from './probe.ts';

const address = z
  .tuple([z.string(), z.coerce.number()])
  .transform(([host, port]): Address => ({ host, port }))
  .nullable();

/**
 * Asks the Sentinels, in turn, for the primary.
 * @throws BotError `config_invalid` for what is no Sentinel, refuses the bot, or knows no primary of this name;
 * `store_unavailable` when none answers
 */
export async function findPrimary(target: SentinelTarget, { warn }: Inspection): Promise<Endpoint> {
  const faults: BotError[] = [];
  for (const sentinel of target.sentinels) {
    try {
      const at = await probe(sentinelEndpoint(target, sentinel), (redis) => ask(redis, sentinel, target.primary));
      for (const { message } of faults) warn(message);
      return primaryEndpoint(target, at);
    } catch (thrown) {
      if (!(thrown instanceof BotError)) throw thrown;
      faults.push(thrown);
    }
  }
  // What a setting fixes is more than that another one does not answer.
  throw faults.find(({ code }) => code === 'config_invalid') ?? faults[0] ?? new Error('There is no Sentinel to ask.');
}

async function ask(redis: Redis, sentinel: Address, primary: string): Promise<Address> {
  const name = hostAndPort(sentinel);
  const reply = await redis.call('SENTINEL', 'get-master-addr-by-name', primary).catch((thrown: unknown) => {
    if (!(thrown instanceof Error) || !thrown.message.includes('unknown command')) throw thrown;
    return refuseKind('REDIS_SENTINELS', `a server that is no Sentinel (${name})`, 'Set it to the Sentinels.');
  });
  const found = address.parse(reply);
  if (found !== null) return found;
  throw new BotError(
    'config_invalid',
    `REDIS_MASTER names a primary that the Sentinel at ${name} does not watch. Set it to the name after "sentinel monitor" in sentinel.conf.`,
  );
}

/**
 * A primary that is cut off from Sentinels and replicas goes on taking writes, which are lost when it comes back. Redis tells of
 * min-replicas-to-write in INFO only where it is set (`min_slaves_good_slaves` of genRedisInfoString, src/server.c).
 */
export function checkReplicas(info: Info, { warn }: Inspection): void {
  if (info.has('min_slaves_good_slaves')) return;
  warn(
    'This primary takes writes without any replica: cut off from its Sentinels, it would acknowledge messages that are then lost. Set min-replicas-to-write 1 and min-replicas-max-lag 2 on all of its servers.',
  );
}
