/** The bodies of Slack's deliveries: their signature is checked over the bytes as they come, before anything is made of them. */
import { createHmac, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Clock } from '../../core/ports.ts';

export interface SignedBodies {
  /** The body of a request that Slack has signed; else the HTTP status it is refused with. Never rejects. */
  read(request: IncomingMessage): Promise<Buffer | number>;
}

export interface SignedBodiesOptions {
  readonly signingSecret: string;
  readonly clock: Pick<Clock, 'now'>;
}

/** How far Slack's clock and ours may differ, in seconds (docs.slack.dev, verifying requests from Slack). */
const MAX_SKEW_S = 300;
/**
 * Longest body in bytes, as Bolt has it. A message of 40,000 characters comes twice (text and blocks), an edit twice as often,
 * with each character written as up to 12 bytes: about 2 MB, and more with shares.
 */
const MAX_BODY = 4 * 1024 * 1024;
/** All bodies that are being read together, in bytes: more than that nobody needs who answers within 3 s. */
const MAX_BODIES = 64 * 1024 * 1024;
/** Slack itself waits 3 s for the answer. Milliseconds. */
const BODY_MS = 5_000;

const TYPES: ReadonlySet<string> = new Set(['application/json', 'application/x-www-form-urlencoded']);

export function createSignedBodies({ signingSecret, clock }: SignedBodiesOptions): SignedBodies {
  let held = 0;

  /** The status with which a request is refused that need not be read for it. */
  function refusal({ headers }: IncomingMessage): number | undefined {
    const type = mediaType(headers['content-type']);
    if (type === undefined || !TYPES.has(type) || (headers['content-encoding'] ?? 'identity') !== 'identity')
      return 415;
    const stamp = headers['x-slack-request-timestamp'];
    if (typeof stamp !== 'string' || !/^\d{1,12}$/.test(stamp)) return 401;
    // Also from the future: Bolt takes those, and they could be sent again for as long.
    if (Math.abs(clock.now() / 1000 - Number(stamp)) > MAX_SKEW_S) return 401;
    if (!/^v0=[0-9a-f]{64}$/.test(signatureOf(headers))) return 401;
    return Number(headers['content-length'] ?? 0) > MAX_BODY ? 413 : undefined;
  }

  async function receive(request: IncomingMessage): Promise<Buffer | number> {
    const { headers } = request;
    const hmac = createHmac('sha256', signingSecret).update(`v0:${headers['x-slack-request-timestamp']}:`);
    const chunks: Buffer[] = [];
    let length = 0;
    let late = false;
    const deadline = setTimeout(() => {
      late = true;
      request.destroy();
    }, BODY_MS);
    try {
      // Left open, so that a refusal can still be answered.
      for await (const chunk of request.iterator({ destroyOnReturn: false })) {
        const bytes = Buffer.from(chunk);
        length += bytes.length;
        held += bytes.length;
        if (length > MAX_BODY) return 413;
        if (held > MAX_BODIES) return 503;
        hmac.update(bytes);
        chunks.push(bytes);
      }
    } catch {
      return late ? 408 : 400;
    } finally {
      clearTimeout(deadline);
      held -= length;
    }
    const ours = Buffer.from(`v0=${hmac.digest('hex')}`);
    const theirs = Buffer.from(signatureOf(headers));
    return ours.length === theirs.length && timingSafeEqual(ours, theirs) ? Buffer.concat(chunks) : 401;
  }

  return { read: async (request) => refusal(request) ?? (await receive(request)) };
}

/** Without its parameters, in lower case. */
export function mediaType(header: string | undefined): string | undefined {
  return header?.split(';', 1)[0]?.trim().toLowerCase();
}

function signatureOf(headers: IncomingMessage['headers']): string {
  const signature = headers['x-slack-signature'];
  return typeof signature === 'string' ? signature : '';
}
