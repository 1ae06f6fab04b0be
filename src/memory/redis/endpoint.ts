/** One server as the start meets it: how to reach it, and which settings a message about it names. */
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

/** The settings by their names, as the texts of the start need them. */
export interface Naming {
  /** The setting that leads to the server. */
  readonly address: string;
  /** What to do about a missing password. */
  readonly addPassword: string;
  /** Where user name and password are. */
  readonly credentials: string;
  /** Where the user is. */
  readonly user: string;
  readonly tlsOn: string;
  readonly tlsOff: string;
  /** Where an address may come from that no setting names. */
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

/** @param at as the Sentinels tell it */
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
