/** Explains why Redis cannot be reached at startup: names the setting to fix, or a temporary reason. */
import { connect, type NetConnectOpts } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { BotError } from '../../errors.ts';
import { codeOf, faultOf, isCertificateFault, refusedCommand } from '../../redis/faults.ts';
import { toStoreError } from './client.ts';
import type { Endpoint } from './endpoint.ts';

/** Milliseconds to detect the protocol of the other end. */
const PROBE_MS = 2_000;
/** Milliseconds to wait for unsolicited data before sending a PING. */
const UNASKED_MS = 300;

/** @param thrown the first error of a connection to the endpoint */
export async function connectFault(thrown: unknown, endpoint: Endpoint): Promise<BotError> {
  if (thrown instanceof BotError) return thrown;
  const cause = await diagnose(thrown, endpoint);
  if (cause instanceof BotError) return cause;
  const fix = settingOf(cause, endpoint);
  if (fix !== undefined) return new BotError('config_invalid', fix, { cause });
  const { reason } = faultOf(cause);
  const { message, retryable } = toStoreError(cause);
  const { announced } = endpoint.naming;
  const text = `Redis cannot be used: ${reason}. ${message}`;
  return new BotError('store_unavailable', announced === undefined ? text : `${text} ${announced}`, {
    cause,
    retryable,
  });
}

/** Finds the cause of a connection that was closed or not established, by probing the other end. Returns the same error if it finds none. */
async function diagnose(thrown: unknown, { options, naming }: Endpoint): Promise<unknown> {
  if (!isCut(thrown)) return thrown;
  const { host = 'localhost', port = 6379, path } = options;
  const heard = await overhear(path === undefined ? { host, port } : { path });
  // Redis sends these errors on connecting and hangs up. If the client has sent data meanwhile, it sees a reset instead.
  if (/^-(?:ERR max number of clients|DENIED)/.test(heard)) return new Error(heard.slice(1));
  if (path !== undefined) return thrown;
  if (options.tls !== undefined && /^[+-]/.test(heard)) return noTls(naming, thrown);
  if (options.tls === undefined && heard === '' && (await speaksTls({ host, port }))) {
    const text = `${naming.address} leads to a port that speaks TLS: ${naming.tlsOn}.`;
    return new BotError('config_invalid', text, { cause: thrown });
  }
  return thrown;
}

function noTls({ address, tlsOff }: Endpoint['naming'], cause: unknown): BotError {
  return new BotError('config_invalid', `${address} leads to a port that does not speak TLS: ${tlsOff}.`, { cause });
}

/** The fix of a setting; undefined if the settings are not the reason. */
function settingOf(thrown: unknown, { options, naming }: Endpoint): string | undefined {
  const { address, addPassword, credentials, user } = naming;
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  if (refusedCommand(thrown) === 'select' && !message.includes('max number of clients')) {
    return `${address} names database ${options.db}, which cannot be used on this Redis (${message}). Take it out, or raise databases in redis.conf.`;
  }
  if (message.startsWith('NOAUTH')) return `Redis wants a password: ${addPassword}.`;
  if (message.startsWith('WRONGPASS')) return `Redis refuses the user name or the password ${credentials}.`;
  if (message.startsWith('NOPERM')) {
    return `The Redis user of ${user} lacks a right: ${message} docs/operations.md has all that it needs.`;
  }
  if (message.startsWith('DENIED')) {
    return `Redis is in protected mode and takes connections of its own machine only: set a password on it, and ${addPassword}.`;
  }
  if (codeOf(thrown) === 'EACCES') {
    return `${address} names the socket ${options.path}, which the user of this process may not use: set unixsocketperm in redis.conf, or its group.`;
  }
  if (codeOf(thrown) === 'ENOTFOUND') return `${address} names the host ${options.host}, which does not exist.`;
  if (message.startsWith('Unknown RESP type')) {
    return `${address} leads to something that is no Redis: check its host and port.`;
  }
  return isCertificateFault(thrown) ? certificateFix(thrown, { options, naming }) : undefined;
}

function certificateFix(thrown: unknown, { options: { host }, naming }: Endpoint): string {
  switch (codeOf(thrown)) {
    case 'ERR_SSL_WRONG_VERSION_NUMBER':
    case 'EPROTO':
      return noTls(naming, thrown).message;
    case 'ERR_TLS_CERT_ALTNAME_INVALID':
      return `The certificate of Redis is for another host than ${naming.address} names (${host}): name the one that it is for.`;
    case 'CERT_HAS_EXPIRED':
    case 'CERT_NOT_YET_VALID':
      return 'The certificate of Redis is not valid at this time: renew it, or set the clock.';
    case 'ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED':
    case 'ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE':
      return 'Redis wants a certificate of its clients, and the bot has none: set tls-auth-clients no in redis.conf.';
    default:
      return `The certificate of Redis is not signed by a CA that is trusted here (${codeOf(thrown)}): set REDIS_TLS_CA to the file of its CA.`;
  }
}

/** Whether the other end hung up or did not respond. */
function isCut(thrown: unknown): boolean {
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  return /^(?:ECONNRESET|EPIPE|ETIMEDOUT)$/.test(codeOf(thrown)) || message.startsWith('Connection is closed');
}

/** The first data without TLS, unsolicited or in response to a PING. Empty if there is none. */
function overhear(at: NetConnectOpts): Promise<string> {
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

/** Begins a TLS handshake and sends nothing else. */
function speaksTls(at: { readonly host: string; readonly port: number }): Promise<boolean> {
  return new Promise((resolve) => {
    // No data is sent, so an unverified certificate is acceptable: it shows that the port uses TLS.
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
