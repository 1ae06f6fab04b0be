/** Where Redis is and how to log in, as plain data from the settings. */
import type { RedisOptions } from 'ioredis';

export interface Address {
  readonly host: string;
  readonly port: number;
}

/** How to log in to the Sentinels, or to the servers. */
export interface Access {
  /** Absent: the default user. */
  readonly username?: string;
  readonly password?: string;
  readonly tls: boolean;
}

export interface ServerTarget {
  readonly kind: 'server';
  /** `redis://`, `rediss://` or `unix://`; each may end with the number of a database (`unix:///path?db=2`). */
  readonly url: string;
  /** For a Unix socket, whose URL cannot contain credentials. */
  readonly username?: string;
  readonly password?: string;
  /** PEM certificates of the CAs to trust. Absent: the system's. */
  readonly ca?: string;
}

export interface SentinelTarget {
  readonly kind: 'sentinel';
  readonly sentinels: readonly Address[];
  /** The name by which the Sentinels know the primary. */
  readonly primary: string;
  readonly access: Access;
  readonly sentinelAccess: Access;
  readonly ca?: string;
}

export interface ClusterTarget {
  readonly kind: 'cluster';
  /** Nodes from which the others are discovered. */
  readonly nodes: readonly Address[];
  readonly access: Access;
  readonly ca?: string;
}

export type RedisTarget = ServerTarget | SentinelTarget | ClusterTarget;

/** One server, reached by its URL. */
export function serverAt(url: string): ServerTarget {
  return { kind: 'server', url };
}

/** The address for display, without user and password. */
export function describeTarget(target: RedisTarget): string {
  switch (target.kind) {
    case 'server': {
      const { protocol, host, pathname } = new URL(target.url);
      return protocol === 'unix:' ? decodeURIComponent(pathname) : host;
    }
    case 'sentinel':
      return `${target.primary} (Sentinels ${target.sentinels.map(hostAndPort).join(', ')})`;
    case 'cluster':
      return `Cluster ${target.nodes.map(hostAndPort).join(', ')}`;
  }
}

export function hostAndPort({ host, port }: Address): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

/** What ioredis needs to reach one server: address, user, database, TLS. */
export function serverOptions({ url, username, password, ca }: ServerTarget): RedisOptions {
  const parsed = new URL(url);
  if (parsed.protocol === 'unix:') {
    const db = Number(parsed.searchParams.get('db') ?? 0);
    return { path: decodeURIComponent(parsed.pathname), db, username, password };
  }
  return {
    host: parsed.hostname.replace(/^\[|\]$/g, ''),
    port: Number(parsed.port || 6379),
    username: decodeURIComponent(parsed.username) || undefined,
    password: decodeURIComponent(parsed.password) || undefined,
    db: Number(parsed.pathname.slice(1)),
    ...(parsed.protocol === 'rediss:' ? { tls: tlsOptions(ca) } : {}),
  };
}

/** What ioredis needs to log in to a server whose address comes from elsewhere. */
export function accessOptions({ username, password, tls }: Access, ca: string | undefined): RedisOptions {
  return { username, password, ...(tls ? { tls: tlsOptions(ca) } : {}) };
}

export function tlsOptions(ca: string | undefined): NonNullable<RedisOptions['tls']> {
  return ca === undefined ? {} : { ca };
}
