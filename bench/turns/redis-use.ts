/** What a Redis was asked to do, as it counts itself: INFO commandstats, the commands inside of scripts included. */
import { Redis } from 'ioredis';

export interface RedisUse {
  readonly commands: number;
  readonly publishes: number;
}

/** Commands by their names since the start of the server. Asking is one itself. */
async function countsOf(admin: Redis): Promise<RedisUse> {
  const calls = [...(await admin.info('commandstats')).matchAll(/^cmdstat_([^:]+):calls=(\d+)/gm)];
  const sum = (counted: readonly RegExpExecArray[]) => counted.reduce((all, [, , count]) => all + Number(count), 0);
  return { commands: sum(calls), publishes: sum(calls.filter(([, name]) => name === 'publish')) };
}

/** What was asked while `run` ran, and what that gave. */
export async function withRedisUse<T>(url: string, run: () => Promise<T>): Promise<readonly [T, RedisUse]> {
  // It sends nothing by itself.
  const admin = new Redis(url, { protocol: 2, enableReadyCheck: false, disableClientInfo: true });
  try {
    const before = await countsOf(admin);
    const result = await run();
    const after = await countsOf(admin);
    const commands = after.commands - before.commands - 1;
    return [result, { commands, publishes: after.publishes - before.publishes }];
  } finally {
    admin.disconnect();
  }
}

/** Connections that others have to it. */
export async function connectionsOf(url: string): Promise<number> {
  const admin = new Redis(url, { protocol: 2, enableReadyCheck: false, disableClientInfo: true });
  try {
    const clients = String(await admin.client('LIST'))
      .trim()
      .split('\n');
    return clients.length - 1;
  } finally {
    admin.disconnect();
  }
}
