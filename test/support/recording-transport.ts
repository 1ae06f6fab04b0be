/** How the recording adapter writes to its platform: plain node:http, checked just before the bytes leave. */
import { type Agent, request as httpRequest } from 'node:http';
import { json } from 'node:stream/consumers';
import { BotError } from '../../src/errors.ts';
import type { ReplyWriter } from '../../src/replies/writer.ts';
import { foundSchema, postedSchema, REPLICA_HEADER } from './recording-protocol.ts';

export interface RecordingClient {
  /**
   * One request. Gives the body of a 2xx, or `missing` for 404.
   * @throws BotError `platform_*`, or what `check` throws
   */
  send(method: string, path: string, options?: SendOptions): Promise<unknown>;
}

interface SendOptions {
  readonly body?: object;
  readonly signal?: AbortSignal;
  readonly check?: () => void;
}

/** What `send` gives when there is no such message. */
const MISSING = Symbol('missing');

interface Answer {
  readonly status: number;
  readonly retryAfter: string | undefined;
  readonly body: unknown;
}

export function createRecordingClient(platformUrl: string, replica: string, agent: Agent): RecordingClient {
  function exchange(method: string, path: string, { body, signal, check }: SendOptions): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const payload = body === undefined ? '' : JSON.stringify(body);
      const request = httpRequest(new URL(path, platformUrl), {
        method,
        agent,
        ...(signal === undefined ? {} : { signal }),
        headers: {
          [REPLICA_HEADER]: replica,
          'content-type': 'application/json',
          'content-length': Buffer.byteLength(payload),
        },
      });
      request.once('error', reject);
      request.once('response', (response) => {
        const status = response.statusCode ?? 0;
        const retryAfter = response.headers['retry-after'];
        const read = response.headers['content-type'] === 'application/json' && status !== 204 ? json(response) : null;
        if (read === null) response.resume();
        Promise.resolve(read).then((answered) => resolve({ status, retryAfter, body: answered }), reject);
      });
      // With a connected socket `end` writes at once, so nothing lies between the check and the write but this line.
      request.once('socket', (socket) => {
        const go = () => {
          try {
            check?.();
            request.end(payload);
          } catch (lost) {
            request.destroy(lost instanceof Error ? lost : undefined);
          }
        };
        if (socket.connecting) socket.once('connect', go);
        else go();
      });
    });
  }

  return {
    async send(method, path, options = {}) {
      let answer: Answer;
      try {
        answer = await exchange(method, path, options);
      } catch (thrown) {
        if (thrown instanceof BotError) throw thrown;
        throw new BotError('platform_unavailable', 'The platform was not reached.', { cause: thrown, retryable: true });
      }
      const { status, retryAfter, body } = answer;
      if (status >= 200 && status < 300) return body;
      if (status === 404) return MISSING;
      if (status === 429) {
        const retryAfterMs = Number(retryAfter ?? 1) * 1000;
        throw new BotError('platform_rate_limited', 'Too many requests.', { retryable: true, retryAfterMs });
      }
      const retryable = status >= 500;
      throw new BotError(retryable ? 'platform_unavailable' : 'platform_refused', `Status ${status}.`, { retryable });
    },
  };
}

/** The transport of one reply. */
export function createRecordingTransport(client: RecordingClient, trigger: string, channel: string): ReplyWriter {
  return {
    async post(part, text, { nonce, signal, check }) {
      const body = await client.send('POST', '/messages', {
        body: { trigger, channel, part, text, nonce },
        signal,
        check,
      });
      return postedSchema.parse(body).id;
    },
    async edit(id, text, { signal, check }) {
      const answer = await client.send('PATCH', `/messages/${id}`, { body: { text }, signal, check });
      return answer === MISSING ? 'gone' : 'edited';
    },
    async remove(id, { signal, check }) {
      await client.send('DELETE', `/messages/${id}`, { signal, check });
    },
    async find(part, { signal }) {
      const query = new URLSearchParams({ trigger, part: String(part) });
      const found = foundSchema.parse(await client.send('GET', `/messages?${query}`, { signal }));
      return found.messages[0]?.id;
    },
    async showTyping(signal) {
      await client.send('POST', '/thinking', { body: { trigger }, signal });
    },
    async stopTyping(signal) {
      await client.send('DELETE', '/thinking', { body: { trigger }, signal });
    },
  };
}
