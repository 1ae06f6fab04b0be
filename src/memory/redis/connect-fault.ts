/** Why there is no connection to Redis at the start: what to set, where a setting is the reason, else that it may pass. */
import { connect } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { BotError } from '../../errors.ts';
import { codeOf, faultOf, isCertificateFault, refusedCommand } from '../../redis/faults.ts';
import { toStoreError } from './client.ts';

/** Milliseconds that the other end gets to show what it speaks. */
const PROBE_MS = 2_000;
/** Milliseconds in which it may say something before it is asked. */
const UNASKED_MS = 300;

/** @param thrown the first fault of a connection to `url` */
export async function connectFault(thrown: unknown, url: string): Promise<BotError> {
  if (thrown instanceof BotError) return thrown;
  const cause = await plainly(thrown, new URL(url));
  if (cause instanceof BotError) return cause;
  const mend = settingOf(cause, url);
  if (mend !== undefined) return new BotError('config_invalid', mend, { cause });
  const { reason } = faultOf(cause);
  const { message, retryable } = toStoreError(cause);
  return new BotError('store_unavailable', `Redis cannot be used: ${reason}. ${message}`, { cause, retryable });
}

/** What is behind a connection that was cut or did not come about, as far as the other end shows it: else the same fault. */
async function plainly(thrown: unknown, { protocol, hostname, port }: URL): Promise<unknown> {
  if (!isCut(thrown)) return thrown;
  const at = { host: hostname.replace(/^\[|\]$/g, ''), port: Number(port || 6379) };
  const heard = await overhear(at);
  // Redis says these to whoever connects, and hangs up: what was sent meanwhile makes that a reset, and the words are lost.
  if (/^-(?:ERR max number of clients|DENIED)/.test(heard)) return new Error(heard.slice(1));
  if (protocol === 'rediss:' && /^[+-]/.test(heard)) {
    return new BotError('config_invalid', 'REDIS_URL leads to a port that does not speak TLS: write redis:// in it.', {
      cause: thrown,
    });
  }
  if (protocol === 'redis:' && heard === '' && (await speaksTls(at))) {
    return new BotError('config_invalid', 'REDIS_URL leads to a port that speaks TLS: write rediss:// in it.', {
      cause: thrown,
    });
  }
  return thrown;
}

/** What has to be set otherwise; undefined where nothing has. */
function settingOf(thrown: unknown, url: string): string | undefined {
  const { hostname, pathname } = new URL(url);
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  if (refusedCommand(thrown) === 'select' && !message.includes('max number of clients')) {
    return `REDIS_URL names database ${pathname.slice(1)}, which cannot be used on this Redis (${message}). Take it out, or raise databases in redis.conf.`;
  }
  if (message.startsWith('NOAUTH'))
    return 'Redis wants a password: write it in REDIS_URL, as redis://user:password@host.';
  if (message.startsWith('WRONGPASS')) return 'Redis refuses the user name or the password in REDIS_URL.';
  if (message.startsWith('NOPERM')) {
    return `The Redis user of REDIS_URL lacks a right: ${message} docs/operations.md has all that it needs.`;
  }
  if (message.startsWith('DENIED')) {
    return 'Redis is in protected mode and takes connections of its own machine only: give it a password, and REDIS_URL too.';
  }
  if (codeOf(thrown) === 'ENOTFOUND') return `REDIS_URL names the host ${hostname}, which does not exist.`;
  if (message.startsWith('Unknown RESP type'))
    return 'REDIS_URL leads to something that is no Redis: see to its host and port.';
  if (!isCertificateFault(thrown)) return undefined;
  switch (codeOf(thrown)) {
    case 'ERR_SSL_WRONG_VERSION_NUMBER':
    case 'EPROTO':
      return 'REDIS_URL leads to a port that does not speak TLS: write redis:// in it.';
    case 'ERR_TLS_CERT_ALTNAME_INVALID':
      return `The certificate of Redis is for another host than REDIS_URL names (${hostname}): name the one that it is for.`;
    case 'CERT_HAS_EXPIRED':
    case 'CERT_NOT_YET_VALID':
      return 'The certificate of Redis is not valid at this time: renew it, or set the clock.';
    case 'ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED':
    case 'ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE':
      return 'Redis wants a certificate of its clients, and the bot has none: set tls-auth-clients no in redis.conf.';
    default:
      return `The certificate of Redis is signed by nobody whom this machine trusts (${codeOf(thrown)}): name the file of its CA in NODE_EXTRA_CA_CERTS.`;
  }
}

/** Did the other end hang up, or say nothing? */
function isCut(thrown: unknown): boolean {
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  return /^(?:ECONNRESET|EPIPE|ETIMEDOUT)$/.test(codeOf(thrown)) || message.startsWith('Connection is closed');
}

interface Address {
  readonly host: string;
  readonly port: number;
}

/** What is said there without TLS: to nobody yet, or to a PING. Empty when nothing is. */
function overhear(at: Address): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect({ ...at, timeout: PROBE_MS });
    const settle = (heard: string) => {
      clearTimeout(asking);
      socket.destroy();
      resolve(heard);
    };
    const asking = setTimeout(() => socket.write('PING\r\n'), UNASKED_MS);
    socket.once('data', (data) => settle(data.toString('latin1').slice(0, 200).trim()));
    for (const end of ['timeout', 'error', 'close']) socket.once(end, () => settle(''));
  });
}

/** Begins a handshake, and sends nothing else. */
function speaksTls(at: Address): Promise<boolean> {
  return new Promise((resolve) => {
    // Whoever it is, nothing is told to them: a certificate that can't be verified is a sign of TLS, too.
    const socket = connectTls({ ...at, rejectUnauthorized: false, timeout: PROBE_MS });
    const settle = (speaks: boolean) => {
      socket.destroy();
      resolve(speaks);
    };
    socket.once('secureConnect', () => settle(true));
    socket.once('timeout', () => settle(false));
    socket.once('error', (error) => settle(/_ALERT_/.test(codeOf(error))));
    socket.once('close', () => settle(false));
  });
}
