/**
 * The CDN and the media proxy of the fake Discord. URLs are signed and expire; every payload has fresh ones:
 * https://docs.discord.com/developers/reference#signed-attachment-cdn-urls. Without a valid signature the answer is 404
 * (https://github.com/useapi/discord-cdn-proxy), as it is for deleted files.
 */
import { createHmac } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import type { APIAttachment, APIMessage } from 'discord-api-types/v10';
import { makePng } from '../png.ts';

/** A file as its sender attaches it. */
export interface FakeFile {
  readonly name: string;
  readonly content: Buffer;
  /** Its type by the client's upload. */
  readonly type?: string;
  /** Pixels, of an image. */
  readonly width?: number;
  readonly height?: number;
}

/** A request for a file. */
export interface CdnRequest {
  /** `cdn`: the file itself. `media`: the media proxy. */
  readonly host: 'cdn' | 'media';
  readonly name: string;
  /** The size that was asked of the media proxy, such as `640x480`. */
  readonly size: string | undefined;
  readonly status: number;
}

export interface Cdn {
  /** Where it is served: the origin of the API. */
  open(origin: string): void;
  add(id: string, channelId: string, file: FakeFile): APIAttachment;
  /** The message with URLs that are valid now. */
  signed(message: APIMessage): APIMessage;
  serve(url: URL, authorization: string | undefined, response: ServerResponse): void;
  /** The next request for a file is answered 429, with this `Retry-After`. */
  limitOnce(retryAfterS: number): void;
  /** Moves the time of the CDN. */
  advance(ms: number): void;
  readonly requests: readonly CdnRequest[];
}

export interface CdnDeps {
  /** Whether a message has this attachment. */
  readonly exists: (attachmentId: string) => boolean;
  /** What a client must never do. */
  readonly violations: string[];
}

const VALID_S = 24 * 3_600;
const SECRET = 'secret of the fake CDN';
const PATH = /^\/(cdn|media)(\/attachments\/\d+\/(\d+)\/([^/]+))$/;

/** https://github.com/discord/discord-api-docs/issues/2102 and, for `title`, https://github.com/discord/discord-api-docs/pull/6945 */
const nameInUrl = (name: string) => name.replaceAll(' ', '_').replaceAll(/[^\w.-]/g, '');

export function createCdn({ exists, violations }: CdnDeps): Cdn {
  const files = new Map<string, { readonly path: string; readonly file: FakeFile }>();
  const requests: CdnRequest[] = [];
  let origin = 'https://cdn.invalid';
  let movedMs = 0;
  let limited: number | undefined;
  const nowS = () => Math.floor((Date.now() + movedMs) / 1_000);
  const signature = (path: string, ex: string, is: string) =>
    createHmac('sha256', SECRET).update(`${path} ${ex} ${is}`).digest('hex');

  function query(path: string): string {
    const [ex, is] = [(nowS() + VALID_S).toString(16), nowS().toString(16)];
    return `?ex=${ex}&is=${is}&hm=${signature(path, ex, is)}&`;
  }

  function isValid(path: string, parameters: URLSearchParams): boolean {
    const [ex = '', is = '', hm] = ['ex', 'is', 'hm'].map((name) => parameters.get(name) ?? undefined);
    return hm === signature(path, ex, is) && Number.parseInt(ex, 16) > nowS();
  }

  const freshUrls = (attachment: APIAttachment): APIAttachment => {
    const path = files.get(attachment.id)?.path;
    if (path === undefined) return attachment;
    const signed = `${path}${query(path)}`;
    return { ...attachment, url: `${origin}/cdn${signed}`, proxy_url: `${origin}/media${signed}` };
  };

  function signed(message: APIMessage): APIMessage {
    const { attachments, message_snapshots: snapshots } = message;
    return {
      ...message,
      attachments: attachments.map(freshUrls),
      ...(snapshots === undefined
        ? {}
        : {
            message_snapshots: snapshots.map(({ message: inner }) => ({
              message: { ...inner, attachments: inner.attachments.map(freshUrls) },
            })),
          }),
    };
  }

  return {
    open(at) {
      origin = at;
    },
    add(id, channelId, file) {
      const { name, content, type, width, height } = file;
      const filename = nameInUrl(name);
      const path = `/attachments/${channelId}/${id}/${filename}`;
      files.set(id, { path, file });
      return {
        ...{ id, filename, size: content.length, url: `${origin}/cdn${path}`, proxy_url: `${origin}/media${path}` },
        ...(filename === name ? {} : { title: name.replace(/\.[^.]*$/, '') }),
        ...(type === undefined ? {} : { content_type: type }),
        ...(width === undefined ? {} : { width }),
        ...(height === undefined ? {} : { height }),
      };
    },
    signed,
    serve({ pathname, searchParams }, authorization, response) {
      const [, host, path = '', id = '', name = ''] = PATH.exec(pathname) ?? [];
      const [width, height] = [searchParams.get('width'), searchParams.get('height')];
      const size = width === null && height === null ? undefined : `${width}x${height}`;
      const send = (status: number, type: string, body: Buffer) => {
        requests.push({ host: host === 'media' ? 'media' : 'cdn', name, size, status });
        response.writeHead(status, {
          'content-type': type,
          'content-length': body.length,
          'content-disposition': `attachment; filename="${name}"`,
          'cache-control': 'public, max-age=31536000',
        });
        response.end(body);
      };
      if (limited !== undefined) {
        response.setHeader('retry-after', limited);
        limited = undefined;
        return send(429, 'text/plain', Buffer.alloc(0));
      }
      if (authorization !== undefined) violations.push(`the token was sent to the CDN: ${pathname}`);
      const found = files.get(id)?.file;
      if (found === undefined || !exists(id) || !isValid(path, searchParams)) {
        return send(404, 'text/plain', Buffer.from('This content is no longer available.'));
      }
      const { content, type = 'application/octet-stream', width: fullWidth, height: fullHeight } = found;
      if (host === 'cdn') return send(200, type, content);
      // https://github.com/discord/discord-api-docs/pull/5174
      if (fullWidth === undefined || fullHeight === undefined)
        return send(415, 'text/plain', Buffer.from('Unsupported'));
      if (size === undefined) return send(200, type, content);
      const smaller = [Number(width), Number(height)];
      if (!smaller.every((side) => Number.isInteger(side) && side > 0)) return send(400, 'text/plain', Buffer.alloc(0));
      const [w = 1, h = 1] = smaller;
      send(200, 'image/png', makePng(Math.min(w, fullWidth), Math.min(h, fullHeight)));
    },
    limitOnce(retryAfterS) {
      limited = retryAfterS;
    },
    advance(ms) {
      movedMs += ms;
    },
    requests,
  };
}
