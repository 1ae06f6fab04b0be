/** The settings of Redis as one target. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { RedisTarget } from '../redis/target.ts';
import type { SettingName, Values } from './settings.ts';

/** Each stands for a Redis of its own. */
const PLACES = ['REDIS_URL', 'REDIS_SENTINELS', 'REDIS_CLUSTER'] as const;
/** What belongs to the Sentinels alone. */
const OF_SENTINELS = ['REDIS_MASTER', 'REDIS_SENTINEL_USER', 'REDIS_SENTINEL_PASSWORD', 'REDIS_SENTINEL_TLS'] as const;

/**
 * Registers what these settings demand of each other.
 * @param demand as in cross-checks.ts: names, whether it holds, the fix
 */
export function checkRedis(
  values: Values,
  demand: (names: readonly SettingName[], holds: boolean, fix: string) => void,
): void {
  const { REDIS_URL, REDIS_SENTINELS, REDIS_MASTER, REDIS_CLUSTER, REDIS_USER, REDIS_PASSWORD, REDIS_TLS } = values;
  const given = PLACES.filter((name) => values[name] !== undefined);
  demand(PLACES, given.length < 2, `${given.join(' and ')} are set, each for a Redis of its own: keep one of them`);
  demand(
    ['REDIS_SENTINELS', 'REDIS_MASTER'],
    REDIS_SENTINELS === undefined || REDIS_MASTER !== undefined,
    'REDIS_SENTINELS needs REDIS_MASTER, the name of the primary that they watch (after "sentinel monitor" in sentinel.conf)',
  );
  for (const name of OF_SENTINELS) {
    const unset = values[name] === undefined || values[name] === false;
    demand([name, 'REDIS_SENTINELS'], unset || REDIS_SENTINELS !== undefined, `${name} needs REDIS_SENTINELS`);
  }
  const bySettings = REDIS_SENTINELS !== undefined || REDIS_CLUSTER !== undefined;
  const unix = REDIS_URL?.startsWith('unix:') === true;
  demand(
    [...PLACES, 'REDIS_USER', 'REDIS_PASSWORD'],
    (REDIS_USER === undefined && REDIS_PASSWORD === undefined) || bySettings || unix,
    'REDIS_USER and REDIS_PASSWORD are for REDIS_SENTINELS, REDIS_CLUSTER and unix://: REDIS_URL has them in itself, as redis://user:password@host',
  );
  demand(
    [...PLACES, 'REDIS_TLS'],
    !REDIS_TLS || bySettings,
    'REDIS_TLS is for REDIS_SENTINELS and REDIS_CLUSTER: REDIS_URL begins with rediss:// for TLS',
  );
}

/** Whether some connection to Redis uses TLS. */
export function usesTls({ REDIS_URL, REDIS_TLS, REDIS_SENTINEL_TLS }: Values): boolean {
  return REDIS_URL?.startsWith('rediss:') === true || REDIS_TLS || REDIS_SENTINEL_TLS;
}

/** @returns the text of the file, or what is wrong with it, with the fix */
export function readCa(path: string, cwd: string): { readonly ca: string } | { readonly problem: string } {
  try {
    const ca = readFileSync(resolve(cwd, path), 'utf8');
    if (ca.includes('-----BEGIN CERTIFICATE-----')) return { ca };
    return {
      problem: 'REDIS_TLS_CA names a file without a certificate: it must be in PEM form (-----BEGIN CERTIFICATE-----)',
    };
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unreadable';
    return { problem: `REDIS_TLS_CA names a file that cannot be read (${code}): name a readable one` };
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
