/** How ioredis finds the server for a connection, and whether it may use that server. */
import { type RedisOptions, SentinelConnector } from 'ioredis';
import { StandaloneConnector } from 'ioredis/built/connectors/index.js';
import { z } from 'zod';
import { type Address, accessOptions, type RedisTarget, serverOptions, tlsOptions } from './target.ts';

/** Milliseconds for a Sentinel's response, and at most between two rounds of asking all of them. */
const SENTINEL_TIMEOUT_MS = 1_000;

const isObject = (options: unknown) => typeof options === 'object' && options !== null;
/** The options that ioredis passes to its connectors. */
const serverOptionsOf = z.custom<ConstructorParameters<typeof StandaloneConnector>[0]>(isObject);
const sentinelOptionsOf = z.custom<ConstructorParameters<typeof SentinelConnector>[0]>(isObject);

export interface Finding {
  /** Whether to subscribe to failovers at the Sentinels. */
  readonly watching: boolean;
  /** Whether to use the server, by its INFO. Otherwise ioredis connects again. */
  readonly accept: (info: unknown) => boolean;
}

/** Options for finding the server: the single server, the primary that Sentinels name, or any node of a Cluster. */
export function connectTo(target: RedisTarget, { watching, accept }: Finding): RedisOptions {
  switch (target.kind) {
    case 'server': {
      class Connector extends StandaloneConnector {
        constructor(options: unknown) {
          super(serverOptionsOf.parse(options));
        }
        override check(info: unknown): boolean {
          return accept(info);
        }
      }
      return { ...serverOptions(target), Connector };
    }
    case 'sentinel': {
      class Connector extends SentinelConnector {
        constructor(options: unknown) {
          super(sentinelOptionsOf.parse(options));
        }
        override check(info: { role?: string }): boolean {
          const accepted = accept(info);
          // ioredis' own check moves on to the next Sentinel when this is a replica.
          return super.check(info) && accepted;
        }
      }
      return { ...sentinelOptions(target), failoverDetector: watching, Connector };
    }
    case 'cluster': {
      const { nodes } = target;
      let next = 0;
      class Connector extends StandaloneConnector {
        constructor(options: unknown) {
          super(serverOptionsOf.parse(options));
        }
        override connect(emitter: Parameters<StandaloneConnector['connect']>[0]) {
          const { host, port }: Address = nodes[next % nodes.length] ?? { host: 'localhost', port: 6379 };
          next += 1;
          Object.assign(this.options, { host, port });
          return super.connect(emitter);
        }
      }
      return { ...accessOptions(target.access, target.ca), Connector };
    }
  }
}

/** Options of ioredis for the primary that Sentinels name. */
function sentinelOptions(target: Extract<RedisTarget, { kind: 'sentinel' }>): RedisOptions {
  const { sentinels, primary, access, sentinelAccess, ca } = target;
  const between = (attempt: number) => Math.min(100 * attempt, SENTINEL_TIMEOUT_MS);
  return {
    ...accessOptions(access, ca),
    sentinels: sentinels.map(({ host, port }) => ({ host, port })),
    name: primary,
    role: 'master',
    enableTLSForSentinelMode: access.tls,
    sentinelUsername: sentinelAccess.username,
    sentinelPassword: sentinelAccess.password,
    ...(sentinelAccess.tls ? { sentinelTLS: tlsOptions(ca) } : {}),
    sentinelCommandTimeout: SENTINEL_TIMEOUT_MS,
    sentinelRetryStrategy: between,
    sentinelReconnectStrategy: between,
  };
}
