/**
 * Fetches the files of messages from Discord's CDN. Their URLs are signed and expire after about a day; the message has new ones
 * (https://docs.discord.com/developers/reference#signed-attachment-cdn-urls). A deleted message, or one that no longer has the file, is
 * how Discord says that the file is gone.
 */
import type { Clock, FetchedFile, FetchLimits, FileFetcher } from '../../core/ports.ts';
import type { FileFault, FileRef } from '../../core/types.ts';
import { type FetchedBytes, fetchBytes } from '../../files/fetch.ts';
import { type AttachmentRef, attachmentRef } from './attachment-ref.ts';
import { allFilesOf } from './channels/attachments.ts';
import { messagePayload } from './payloads.ts';
import { type DiscordRest, statusOf, toPlatformError } from './rest.ts';

const HOSTS = ['cdn.discordapp.com', 'media.discordapp.net'];

/**
 * Longest side in pixels of the smaller variants of an image, the larger one first. Models scale images down to 2,048 pixels:
 * https://platform.openai.com/docs/guides/images-vision
 */
const VARIANTS = [2_048, 1_024];

export interface FileFetcherDeps {
  readonly rest: DiscordRest;
  /** A proxy or test server may serve the files as well. */
  readonly apiUrl?: string | undefined;
  readonly clock: Pick<Clock, 'now'>;
}

export function createFileFetcher({ rest, apiUrl, clock }: FileFetcherDeps): FileFetcher {
  const origins = apiUrl === undefined ? [] : [apiUrl];

  const fetch = (url: string, maxBytes: number, { signal }: FetchLimits) =>
    fetchBytes(url, { hosts: HOSTS, origins, maxBytes, signal });

  async function download({ type = '', size = 0 }: FileRef, ref: AttachmentRef, limits: FetchLimits) {
    const { maxBytes, maxImageBytes } = limits;
    const isLargeImage = type.startsWith('image/') && size > maxImageBytes;
    const variants = isLargeImage ? variantsOf(ref) : [];
    if (variants.length === 0) return await fetch(ref.url, maxBytes, limits);
    for (const url of variants) {
      const fetched = await fetch(url, Math.min(maxBytes, maxImageBytes), limits);
      if (fetched.kind === 'fetched' || fetched.why !== 'too_large') return fetched;
    }
    return unread('too_large');
  }

  /** The file as the message has it now; undefined if Discord no longer has it. @throws BotError `platform_*` */
  async function refreshed(ref: AttachmentRef, signal: AbortSignal): Promise<AttachmentRef | FileFault> {
    try {
      const found = await rest.request('GET', `/channels/${ref.channel}/messages/${ref.message}`, { signal });
      const message = messagePayload.parse(found);
      const refs = allFilesOf(message, message).flatMap((file) => attachmentRef.safeParse(file.ref).data ?? []);
      return refs.find(({ attachment }) => attachment === ref.attachment) ?? 'gone';
    } catch (thrown) {
      signal.throwIfAborted();
      const status = statusOf(thrown);
      if (status === 404) return 'gone';
      if (status === 403) return 'refused';
      throw toPlatformError(thrown);
    }
  }

  return {
    async fetchFile(file, limits) {
      const parsed = attachmentRef.safeParse(file.ref);
      if (!parsed.success) return unread('refused');
      if (!isExpired(parsed.data.url, clock.now())) {
        const fetched = await download(file, parsed.data, limits);
        if (!isMissing(fetched)) return withoutType(fetched);
      }
      const ref = await refreshed(parsed.data, limits.signal);
      return typeof ref === 'string' ? unread(ref) : withoutType(await download(file, ref, limits));
    },
  };
}

function unread(why: FileFault): Extract<FetchedFile, { kind: 'unread' }> {
  return { kind: 'unread', why };
}

function withoutType(fetched: FetchedBytes): FetchedFile {
  return fetched.kind === 'fetched' ? { kind: 'fetched', bytes: fetched.bytes } : unread(fetched.why);
}

/** `ex` is the time at which the URL expires: hexadecimal Unix seconds. */
function isExpired(url: string, now: number): boolean {
  const ex = URL.canParse(url) ? new URL(url).searchParams.get('ex') : null;
  return ex !== null && /^[\da-f]{1,12}$/i.test(ex) && Number.parseInt(ex, 16) * 1_000 <= now;
}

/** The CDN answers 404 for an expired URL, and for a file that it no longer has. */
function isMissing(fetched: FetchedBytes): boolean {
  return fetched.kind === 'unread' && (fetched.why === 'gone' || fetched.status === 403);
}

/**
 * URLs of the media proxy for smaller images, by its parameters `width` and `height`
 * (https://github.com/discord/discord-api-docs/issues/6660). It takes only files with a known size
 * (https://github.com/discord/discord-api-docs/pull/5174).
 */
function variantsOf({ proxy, width, height }: AttachmentRef): readonly string[] {
  if (proxy === undefined || width === undefined || height === undefined || !URL.canParse(proxy)) return [];
  return VARIANTS.map((longest) => {
    const scale = Math.min(1, longest / Math.max(width, height));
    const url = new URL(proxy);
    url.searchParams.set('width', String(Math.max(1, Math.round(width * scale))));
    url.searchParams.set('height', String(Math.max(1, Math.round(height * scale))));
    return url.href;
  });
}
