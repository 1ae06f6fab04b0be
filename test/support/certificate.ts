/** A certificate that nobody but its owner trusts. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';

/** Writes `cert.pem` and `key.pem` into the folder: self-signed, for these names (`DNS:localhost`, `IP:127.0.0.1`). */
export async function makeCertificate(
  folder: string,
  names = 'DNS:localhost',
): Promise<{ readonly cert: string; readonly key: string }> {
  const [cert, key] = [join(folder, 'cert.pem'), join(folder, 'key.pem')];
  const subject = ['-subj', '/CN=localhost', '-addext', `subjectAltName=${names}`];
  const options = ['-newkey', 'rsa:2048', '-nodes', '-keyout', key, '-out', cert, '-days', '2', ...subject];
  await promisify(execFile)('openssl', ['req', '-x509', ...options]);
  return { cert, key };
}
