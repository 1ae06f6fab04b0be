/** The files of the fake Slack: file objects, and the host that serves them to whoever may have them. */
import { randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';

/** A file as a test gives it. */
export interface FakeFile {
  readonly name: string;
  readonly content: string;
  /** Instead of `content`. */
  readonly bytes?: Uint8Array;
  /** Default: text/plain. */
  readonly mimetype?: string;
  /** Default: hosted. */
  readonly mode?: 'hosted' | 'snippet' | 'external' | 'hidden_by_limit' | 'space';
  /** By the longer side in pixels; only of images. */
  readonly thumbs?: Readonly<Record<number, Uint8Array>>;
  /** It is in a channel shared by Slack Connect: events only have its id. */
  readonly connect?: boolean;
}

export interface StoredFile extends FakeFile {
  readonly id: string;
  readonly bytes: Uint8Array;
  deleted: boolean;
}

export interface FileFault {
  readonly status: number;
  /** Seconds. */
  readonly retryAfter?: number;
}

/** One request for a file. */
export interface FileRequest {
  readonly path: string;
  readonly token: string | undefined;
  readonly status: number;
}

export interface FakeFiles {
  readonly requests: readonly FileRequest[];
  store(file: FakeFile): StoredFile;
  find(id: string): StoredFile | undefined;
  /** As events have it (docs.slack.dev/reference/objects/file-object). */
  inEvent(file: StoredFile): object;
  /** As files.info and conversations.replies have it (docs.slack.dev/apis/slack-connect#check_file_info). */
  whole(file: StoredFile): object;
  /** The next requests for files fail. */
  fail(fault: FileFault, times: number): void;
  handle(request: IncomingMessage, response: ServerResponse): void;
}

export interface FakeFilesOptions {
  readonly team: string;
  readonly url: () => string;
  readonly botToken: () => string;
  readonly mayRead: boolean;
}

const LOGIN_PAGE = '<!DOCTYPE html><html lang="en-US"><head><title>Login | Slack</title></head><body></body></html>';

export function createFiles(options: FakeFilesOptions): FakeFiles {
  const files = new Map<string, StoredFile>();
  const requests: FileRequest[] = [];
  const faults: { readonly fault: FileFault; times: number }[] = [];

  const at = (kind: string, file: StoredFile, name: string) =>
    `${options.url()}/${kind}/${options.team}-${file.id}/${name}`;

  function whole(file: StoredFile): object {
    const { id, name, mimetype = 'text/plain', mode = 'hosted', bytes, thumbs = {}, deleted } = file;
    if (deleted) return { id, mode: 'tombstone' };
    // slackapi/python-slack-sdk#1163
    if (mode === 'hidden_by_limit') return { id, mode };
    const base = {
      ...{
        id,
        created: 1_700_000_000,
        timestamp: 1_700_000_000,
        name,
        title: name,
        mimetype,
        mode,
        size: bytes.length,
      },
      ...{ filetype: mimetype === 'text/plain' ? 'text' : (mimetype.split('/')[1] ?? ''), file_access: 'visible' },
      ...{ is_external: mode === 'external', external_type: mode === 'external' ? 'gdrive' : '', is_public: true },
    };
    if (mode === 'external') return { ...base, url_private: 'https://docs.google.com/document/d/1/edit' };
    return {
      ...base,
      url_private: at('files-pri', file, name),
      url_private_download: at('files-pri', file, `download/${name}`),
      ...Object.fromEntries(Object.keys(thumbs).map((px) => [`thumb_${px}`, at('files-tmb', file, `${px}.png`)])),
    };
  }

  function answer(
    path: string,
    token: string | undefined,
  ): { status: number; type?: string; body?: Uint8Array | string } {
    const [, kind, key = '', ...rest] = path.split('/');
    // Reported as a redirect to the login page (slackapi/deno-slack-sdk#285) and as the page itself (slackapi/bolt-js#2585).
    if (token !== options.botToken()) return { status: 302 };
    if (!options.mayRead) return { status: 200, type: 'text/html; charset=utf-8', body: LOGIN_PAGE };
    const file = files.get(key.slice(options.team.length + 1));
    if (file === undefined || file.deleted) return { status: 404, type: 'text/html; charset=utf-8', body: 'Not found' };
    const type = file.mimetype ?? 'text/plain';
    if (kind === 'files-pri') return { status: 200, type, body: file.bytes };
    const thumb = file.thumbs?.[Number(rest.join('/').replace('.png', ''))];
    return thumb === undefined ? { status: 404 } : { status: 200, type: 'image/png', body: thumb };
  }

  return {
    requests,
    store(file) {
      const id = `F${randomBytes(5).toString('hex').toUpperCase()}`;
      const stored = { ...file, id, bytes: file.bytes ?? Buffer.from(file.content), deleted: false };
      files.set(id, stored);
      return stored;
    },
    find: (id) => files.get(id),
    inEvent: (file) => (file.connect === true ? { id: file.id, file_access: 'check_file_info' } : whole(file)),
    whole,
    fail: (fault, times) => void faults.push({ fault, times }),
    handle(request, response) {
      const path = decodeURI(new URL(request.url ?? '', options.url()).pathname);
      const token = /^Bearer (.+)$/.exec(request.headers.authorization ?? '')?.[1];
      const planned = faults.find(({ times }) => times > 0);
      if (planned !== undefined) planned.times -= 1;
      const { status, type, body } = planned === undefined ? answer(path, token) : { status: planned.fault.status };
      requests.push({ path, token, status });
      response.writeHead(status, {
        ...(type === undefined ? {} : { 'content-type': type }),
        ...(status === 302 ? { location: `${options.url()}/?redir=${encodeURIComponent(path)}` } : {}),
        ...(planned?.fault.retryAfter === undefined ? {} : { 'retry-after': String(planned.fault.retryAfter) }),
      });
      response.end(body);
    },
  };
}
