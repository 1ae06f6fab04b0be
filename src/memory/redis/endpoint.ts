/** A server that is checked at startup: how to reach it, and which settings to name in errors. */
import type { RedisOptions } from 'ioredis';
import {
  type Access,
  type Address,
  accessOptions,
  type ClusterTarget,
  type SentinelTarget,
  type ServerTarget,
  serverOptions,
} from '../../redis/target.ts';

/** Names of settings for error messages. */
export interface Naming {
  /** The setting with the server's address. */
  readonly address: string;
  /** How to set a missing password. */
  readonly addPassword: string;
  /** Where user name and password are set. */
  readonly credentials: string;
  /** Where the user is set. */
  readonly user: string;
  readonly tlsOn: string;
  readonly tlsOff: string;
  /** Where an address comes from that is not in the settings. */
  readonly announced?: string;
}

export interface Endpoint {
  readonly options: RedisOptions;
  readonly naming: Naming;
}

const BY_URL: Naming = {
  address: 'REDIS_URL',
  addPassword: 'write it in REDIS_URL, as redis://user:password@host',
  credentials: 'in REDIS_URL',
  user: 'REDIS_URL',
  tlsOn: 'write rediss:// in it',
  tlsOff: 'write redis:// in it',
};
const BY_SETTINGS = {
  addPassword: 'set REDIS_PASSWORD',
  credentials: 'in REDIS_USER and REDIS_PASSWORD',
  user: 'REDIS_USER',
  tlsOn: 'set REDIS_TLS=true',
  tlsOff: 'take REDIS_TLS out',
};
const OF_SENTINELS: Naming = {
  address: 'REDIS_SENTINELS',
  addPassword: 'set REDIS_SENTINEL_PASSWORD',
  credentials: 'in REDIS_SENTINEL_USER and REDIS_SENTINEL_PASSWORD',
  user: 'REDIS_SENTINEL_USER',
  tlsOn: 'set REDIS_SENTINEL_TLS=true',
  tlsOff: 'take REDIS_SENTINEL_TLS out',
};

export function serverEndpoint(target: ServerTarget): Endpoint {
  const { protocol } = new URL(target.url);
  const naming = protocol === 'unix:' ? { ...BY_SETTINGS, address: 'REDIS_URL' } : BY_URL;
  return { options: serverOptions(target), naming };
}

export function sentinelEndpoint({ sentinelAccess, ca }: SentinelTarget, at: Address): Endpoint {
  return reached(at, sentinelAccess, ca, OF_SENTINELS);
}

/** @param at the address that the Sentinels report */
export function primaryEndpoint({ access, ca }: SentinelTarget, at: Address): Endpoint {
  const announced = 'The address comes from the Sentinels: see sentinel announce-ip and replica-announce-ip.';
  return reached(at, access, ca, { ...BY_SETTINGS, address: 'REDIS_MASTER', announced });
}

export function nodeEndpoint({ access, ca }: ClusterTarget, at: Address): Endpoint {
  const announced = 'The address is one of REDIS_CLUSTER, or comes from its nodes: see cluster-announce-ip.';
  return reached(at, access, ca, { ...BY_SETTINGS, address: 'REDIS_CLUSTER', announced });
}

function reached({ host, port }: Address, access: Access, ca: string | undefined, naming: Naming): Endpoint {
  return { options: { host, port, ...accessOptions(access, ca) }, naming };
}
