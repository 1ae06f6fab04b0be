/**
 * Classifies errors of Redis and of connections to it. One table for the store, the connections, startup and /health.
 */
/**
 * - `full`: maxmemory is reached
 * - `elsewhere`: this server is not a usable primary; a new connection may lead to one
 * - `refusing`: the primary temporarily refuses writes
 * - `settings`: wrong credentials, permissions or certificate
 * - `away`: no connection, or no response
 * - `other`: a bug, or an unknown error
 */
type FaultKind = 'full' | 'elsewhere' | 'refusing' | 'settings' | 'away' | 'other';

export interface RedisFault {
  readonly kind: FaultKind;
  /** A public description without addresses, names or text. */
  readonly reason: string;
}

/**
 * Error codes of Redis: https://redis.io/docs/latest/develop/reference/protocol-spec/#simple-errors and `shared.*err` in its
 * src/server.c (7.0 and newer). In errors of scripts they come first as well, or after a dash.
 */
const CODES: ReadonlyMap<string, RedisFault> = new Map([
  ['OOM', { kind: 'full', reason: 'Redis has reached its maxmemory (OOM)' }],
  ['READONLY', { kind: 'elsewhere', reason: 'this Redis is a read-only replica (READONLY)' }],
  ['MASTERDOWN', { kind: 'elsewhere', reason: 'this Redis is a replica that has lost its primary (MASTERDOWN)' }],
  ['UNBLOCKED', { kind: 'elsewhere', reason: 'this Redis has become a replica (UNBLOCKED)' }],
  ['LOADING', { kind: 'elsewhere', reason: 'Redis is loading its data (LOADING)' }],
  ['NOREPLICAS', { kind: 'refusing', reason: 'Redis has fewer replicas than min-replicas-to-write (NOREPLICAS)' }],
  ['MISCONF', { kind: 'refusing', reason: 'Redis cannot write to its disk (MISCONF)' }],
  ['BUSY', { kind: 'refusing', reason: 'Redis is busy with a script (BUSY)' }],
  ['TRYAGAIN', { kind: 'refusing', reason: 'the Redis Cluster is moving keys (TRYAGAIN)' }],
  ['CLUSTERDOWN', { kind: 'refusing', reason: 'the Redis Cluster is down (CLUSTERDOWN)' }],
  ['NOAUTH', { kind: 'settings', reason: 'Redis wants a password (NOAUTH)' }],
  ['WRONGPASS', { kind: 'settings', reason: 'Redis refuses the user name or password (WRONGPASS)' }],
  ['NOPERM', { kind: 'settings', reason: 'the Redis user lacks a right (NOPERM)' }],
  ['DENIED', { kind: 'settings', reason: 'Redis is in protected mode (DENIED)' }],
]);

/** Anchored, so that an argument repeated in the error is not mistaken for its code. */
const CODE = /^(?:ERR )?-?([A-Z]+)\b/;
const MAX_CLIENTS = 'max number of clients reached';
/** A script accesses a key whose slot has moved since the script was sent. Redis may prefix it with "ERR Error running script". */
const SLOT_MOVED = 'attempted to access a non local key';
const AWAY =
  /ECONN|EPIPE|ENOENT|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|ENOTFOUND|EAI_AGAIN|Connection is closed|connection close|max retries per request|timed out|Socket timeout|Stream isn't writeable|operation was aborted|sentinels are unreachable|Cluster isn't ready|slots cache|startup nodes|Too many Cluster redirections/;

export function faultOf(thrown: unknown): RedisFault {
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  const known = CODES.get(CODE.exec(message)?.[1] ?? '');
  if (known !== undefined) return known;
  if (message.includes(SLOT_MOVED)) return { kind: 'refusing', reason: 'the Redis Cluster is moving keys' };
  if (message.includes(MAX_CLIENTS)) return { kind: 'away', reason: 'Redis has reached its maxclients' };
  if (isCertificateFault(thrown)) return { kind: 'settings', reason: 'TLS with Redis fails' };
  if (AWAY.test(message)) return { kind: 'away', reason: 'Redis does not answer' };
  return { kind: 'other', reason: 'Redis refuses what it is asked' };
}

/** Node's codes for problems with certificates or TLS: https://nodejs.org/api/tls.html#x509-certificate-error-codes */
export function isCertificateFault(thrown: unknown): boolean {
  return /^(?:ERR_SSL_|ERR_TLS_|CERT_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|EPROTO$)/.test(codeOf(thrown));
}

/** The code of a Node error; empty for others. */
export function codeOf(thrown: unknown): string {
  return thrown instanceof Error && 'code' in thrown && typeof thrown.code === 'string' ? thrown.code : '';
}

/** The name of the command that Redis refused; empty for other errors. */
export function refusedCommand(thrown: unknown): string {
  if (!(thrown instanceof Error) || !('command' in thrown)) return '';
  const { command } = thrown;
  if (typeof command !== 'object' || command === null || !('name' in command)) return '';
  return typeof command.name === 'string' ? command.name.toLowerCase() : '';
}
