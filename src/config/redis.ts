/** Checks the Redis settings and turns them into a target. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { RedisTarget } from '../redis/target.ts';
import type { SettingName, Values } from './settings.ts';

/** Mutually exclusive. */
const PLACES = ['REDIS_URL', 'REDIS_SENTINELS', 'REDIS_CLUSTER'] as const;
const SENTINEL_ONLY = ['REDIS_MASTER', 'REDIS_SENTINEL_USER', 'REDIS_SENTINEL_PASSWORD', 'REDIS_SENTINEL_TLS'] as const;

/**
 * Checks the Redis settings against each other.
 * @param demand as in cross-checks.ts: names, whether the condition holds, the fix
 */
export function checkRedis(
  values: Values,
  demand: (names: readonly SettingName[], holds: boolean, fix: string) => void,
): void {
  const { REDIS_URL, REDIS_SENTINELS, REDIS_MASTER, REDIS_CLUSTER, REDIS_USER, REDIS_PASSWORD, REDIS_TLS } = values;
  const given = PLACES.filter((name) => values[name] !== undefined);
  demand(PLACES, given.length < 2, `${given.join(' and ')} are set, but only one can be used: keep one of them`);
  demand(
    ['REDIS_SENTINELS', 'REDIS_MASTER'],
    REDIS_SENTINELS === undefined || REDIS_MASTER !== undefined,
    'REDIS_SENTINELS needs REDIS_MASTER, the name of the primary that they monitor (after "sentinel monitor" in sentinel.conf)',
  );
  for (const name of SENTINEL_ONLY) {
    const unset = values[name] === undefined || values[name] === false;
    demand([name, 'REDIS_SENTINELS'], unset || REDIS_SENTINELS !== undefined, `${name} needs REDIS_SENTINELS`);
  }
  const hasNodes = REDIS_SENTINELS !== undefined || REDIS_CLUSTER !== undefined;
  const unix = REDIS_URL?.startsWith('unix:') === true;
  demand(
    [...PLACES, 'REDIS_USER', 'REDIS_PASSWORD'],
    (REDIS_USER === undefined && REDIS_PASSWORD === undefined) || hasNodes || unix,
    'REDIS_USER and REDIS_PASSWORD are for REDIS_SENTINELS, REDIS_CLUSTER and unix:// only: put them into REDIS_URL, as redis://user:password@host',
  );
  demand(
    [...PLACES, 'REDIS_TLS'],
    !REDIS_TLS || hasNodes,
    'REDIS_TLS is for REDIS_SENTINELS and REDIS_CLUSTER only: use rediss:// in REDIS_URL',
  );
}

/** Whether any connection to Redis uses TLS. */
export function usesTls({ REDIS_URL, REDIS_TLS, REDIS_SENTINEL_TLS }: Values): boolean {
  return REDIS_URL?.startsWith('rediss:') === true || REDIS_TLS || REDIS_SENTINEL_TLS;
}

/** @returns the content of the file, or what is wrong with it and the fix */
export function readCa(path: string, cwd: string): { readonly ca: string } | { readonly problem: string } {
  try {
    const ca = readFileSync(resolve(cwd, path), 'utf8');
    if (ca.includes('-----BEGIN CERTIFICATE-----')) return { ca };
    return {
      problem:
        'REDIS_TLS_CA names a file without a certificate: it must be in PEM format (-----BEGIN CERTIFICATE-----)',
    };
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unreadable';
    return { problem: `REDIS_TLS_CA names a file that cannot be read (${code}): check its path and permissions` };
  }
}

/** @returns undefined for the embedded store */
export function redisTarget(values: Values, ca: string | undefined): RedisTarget | undefined {
  const { REDIS_URL: url, REDIS_SENTINELS: sentinels, REDIS_MASTER: primary, REDIS_CLUSTER: nodes } = values;
  const [username, password] = [values.REDIS_USER, values.REDIS_PASSWORD];
  const access = { username, password, tls: values.REDIS_TLS };
  if (url !== undefined) return { kind: 'server', url, username, password, ca };
  if (nodes !== undefined) return { kind: 'cluster', nodes, access, ca };
  if (sentinels === undefined || primary === undefined) return undefined;
  const sentinelAccess = {
    username: values.REDIS_SENTINEL_USER,
    password: values.REDIS_SENTINEL_PASSWORD,
    tls: values.REDIS_SENTINEL_TLS,
  };
  return { kind: 'sentinel', sentinels, primary, access, sentinelAccess, ca };
}
