/** Fetches the files of Slack's messages. */
import { z } from 'zod';
import type { FetchedFile, FetchLimits, FileFetcher, Logger } from '../../../core/ports.ts';
import type { FileFault, FileRef } from '../../../core/types.ts';
import { BotError } from '../../../errors.ts';
import { type FetchedBytes, fetchBytes } from '../../../files/fetch.ts';
import { delay } from '../../../lib/delay.ts';
import { refusalOf, type SlackClients } from '../api/clients.ts';
import { fileShape, readFileRef, unreadOf, urlOf } from './file-ref.ts';

/**
 * Where Slack keeps files (docs.slack.dev/reference/objects/file-object); nothing else is sent the token. GovSlack has the domain
 * slack-gov.com (opsdroid/opsdroid#2013). That its files are at `files` there is what other clients assume; Slack does not document it.
 */
const HOSTS = ['files.slack.com', 'files.slack-gov.com'];

const NO_SCOPE =
  'The app may not read files: its scope files:read is missing. Update the app from slack/manifest.json and reinstall it.';

/** Tries of files.info, and the longest delay that Slack may ask for in between. Milliseconds. */
const TRIES = 3;
const MAX_RETRY_MS = 15_000;

export interface SlackFilesOptions {
  readonly clients: SlackClients;
  readonly botToken: string;
  readonly apiUrl: string | undefined;
  readonly logger: Logger;
}

/** The smaller variants of an image, the largest first (docs.slack.dev/reference/objects/file-object#thumbs). */
const THUMBS = ['thumb_1024', 'thumb_960', 'thumb_800', 'thumb_720', 'thumb_480', 'thumb_360'] as const;
const url = z.string().optional().catch(undefined);
const infoShape = z.object({
  file: fileShape.extend({
    ...{ thumb_1024: url, thumb_960: url, thumb_800: url, thumb_720: url, thumb_480: url, thumb_360: url },
  }),
});
type FileInfo = z.infer<typeof infoShape>['file'];

/** What files.info says when there is no such file, and when it is not for this app (docs.slack.dev/reference/methods/files.info). */
const GONE: ReadonlySet<string> = new Set(['file_not_found', 'file_deleted']);

/** What is known of a file before it is downloaded. */
type Expected = Pick<FileRef, 'type' | 'size'>;

export function createSlackFiles({ clients, botToken, apiUrl, logger }: SlackFilesOptions): FileFetcher {
  let toldNoScope = false;

  async function download(from: string, maxBytes: number, signal: AbortSignal): Promise<FetchedBytes> {
    return await fetchBytes(from, {
      ...{ hosts: HOSTS, origins: apiUrl === undefined ? [] : [apiUrl], maxBytes, signal },
      headers: { authorization: `Bearer ${botToken}` },
    });
  }

  /** What Slack knows of the file now, or why it does not tell. */
  async function ask(file: string, signal: AbortSignal): Promise<FileInfo | FileFault> {
    for (let tries = 1; ; tries += 1) {
      signal.throwIfAborted();
      try {
        return infoShape.parse(await clients.lookUp((client) => client.files.info({ file }))).file;
      } catch (thrown) {
        const refusal = refusalOf(thrown);
        if (refusal === 'missing_scope') tellNoScope();
        if (GONE.has(refusal ?? '')) return 'gone';
        if (!(thrown instanceof BotError)) return 'failed';
        const { code, retryable, retryAfterMs = 0 } = thrown;
        if (code === 'platform_refused') return 'refused';
        if (!retryable || tries >= TRIES || retryAfterMs > MAX_RETRY_MS) throw thrown;
        await delay(retryAfterMs, signal);
      }
    }
  }

  function tellNoScope(): void {
    if (toldNoScope) return;
    toldNoScope = true;
    logger.error({ code: 'platform_refused' }, NO_SCOPE);
  }

  /** Asks Slack where the file is, and fetches it from there. `tried`: an address that did not give it, and why. */
  async function fetchKnown(
    file: string,
    { maxBytes, maxImageBytes, signal }: FetchLimits,
    tried?: { readonly url: string; readonly why: FileFault },
  ): Promise<FetchedFile> {
    const info = await ask(file, signal);
    if (typeof info === 'string') return unread(info);
    const why = unreadOf(info);
    if (why !== undefined) return unread(why);
    const expected: Expected = { type: info.mimetype ?? undefined, size: info.size ?? undefined };
    const smaller = isLargeImage(expected, maxImageBytes);
    const from = smaller ? THUMBS.map((name) => info[name]).find((each) => each !== undefined) : urlOf(info);
    if (from === undefined) return unread(smaller ? 'too_large' : 'refused');
    if (from === tried?.url) return unread(tried.why);
    const fetched = await download(from, smaller ? maxImageBytes : maxBytes, signal);
    if (fetched.kind === 'fetched' && isPage(fetched, smaller ? {} : expected)) {
      logger.warn({}, 'Slack sent a page instead of a file');
      return unread('refused');
    }
    return withoutType(fetched);
  }

  return {
    async fetchFile(file, limits) {
      const ref = readFileRef(file);
      if (ref === undefined) return unread('refused');
      if (ref.unread !== undefined) return unread(ref.unread);
      if (ref.url === undefined || isLargeImage(file, limits.maxImageBytes)) return await fetchKnown(ref.file, limits);
      const fetched = await download(ref.url, limits.maxBytes, limits.signal);
      // Without the scope or for a file that moved, Slack sends its login page, or redirects to it (OpenRouterLabs/spawn#2316,
      // slackapi/bolt-js#2585); files.info says what is wrong.
      if (fetched.kind === 'fetched' && isPage(fetched, file)) {
        return await fetchKnown(ref.file, limits, { url: ref.url, why: 'refused' });
      }
      if (fetched.kind === 'unread' && (fetched.why === 'gone' || fetched.why === 'refused')) {
        return await fetchKnown(ref.file, limits, { url: ref.url, why: fetched.why });
      }
      return withoutType(fetched);
    },
  };
}

function unread(why: FileFault): FetchedFile {
  return { kind: 'unread', why };
}

function withoutType(fetched: FetchedBytes): FetchedFile {
  return fetched.kind === 'fetched' ? { kind: 'fetched', bytes: fetched.bytes } : unread(fetched.why);
}

function isLargeImage({ type = '', size = 0 }: Expected, maxImageBytes: number): boolean {
  return type.startsWith('image/') && size > maxImageBytes;
}

/** An HTML page in place of the file: an HTML file has the size that Slack told. */
function isPage(
  { bytes, contentType }: FetchedBytes & { readonly kind: 'fetched' },
  { type, size }: Expected,
): boolean {
  return contentType === 'text/html' && !(type === 'text/html' && size === bytes.length);
}
