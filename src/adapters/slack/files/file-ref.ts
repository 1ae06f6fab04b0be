/** The files of Slack's messages, and what it takes to fetch them. Pure. */
import { z } from 'zod';
import type { FileFault, FileRef } from '../../../core/types.ts';

/** A field that cannot be read is no reason to refuse the file, or its message. */
const loose = <Schema extends z.ZodType>(schema: Schema) => schema.nullish().catch(undefined);

/**
 * A file object (docs.slack.dev/reference/objects/file-object). In a channel shared by Slack Connect, events have only `id` and
 * `file_access: "check_file_info"` (docs.slack.dev/reference/objects/file-object#slack_connect_files).
 */
export const fileShape = z.object({
  id: loose(z.string()),
  name: loose(z.string()),
  title: loose(z.string()),
  mimetype: loose(z.string()),
  filetype: loose(z.string()),
  /** Bytes. */
  size: loose(z.number().int().nonnegative()),
  mode: loose(z.string()),
  is_external: loose(z.boolean()),
  file_access: loose(z.string()),
  url_private: loose(z.string()),
  url_private_download: loose(z.string()),
});
export type RawFile = z.infer<typeof fileShape>;

const UNREAD = ['gone', 'refused', 'unsupported'] as const satisfies readonly FileFault[];

/** What is stored with the message, so it is parsed when it is read. */
const refShape = z.object({
  /** The file's id. */
  file: z.string().min(1),
  /** Where it is; absent where only files.info tells. */
  url: z.string().optional(),
  /** Slack said with the message that the file cannot be read. */
  unread: z.enum(UNREAD).optional(),
});
export type SlackFileRef = z.infer<typeof refShape>;

/** Undefined for a reference that this adapter did not make. */
export function readFileRef({ ref }: FileRef): SlackFileRef | undefined {
  return refShape.safeParse(ref).data;
}

/** The longest name, in UTF-16 units, and the most files of a message. */
const MAX_NAME = 200;
const MAX_FILES = 20;

export function filesOf(files: readonly RawFile[] | null | undefined): readonly FileRef[] {
  return (files ?? []).slice(0, MAX_FILES).map(fileOf);
}

function fileOf(file: RawFile): FileRef {
  const ref = refOf(file);
  return {
    name: (file.name || file.title || file.id || '?').slice(0, MAX_NAME),
    ...(file.mimetype ? { type: file.mimetype } : {}),
    ...(file.size == null ? {} : { size: file.size }),
    ...(ref === undefined ? {} : { ref }),
  };
}

function refOf(file: RawFile): SlackFileRef | undefined {
  if (!file.id) return undefined;
  const unread = unreadOf(file);
  if (unread !== undefined) return { file: file.id, unread };
  const url = urlOf(file);
  return { file: file.id, ...(url === undefined ? {} : { url }) };
}

/** Where the file is, without any token; undefined for one of which files.info has to tell. */
export function urlOf({ url_private_download: download, url_private: url }: RawFile): string | undefined {
  const found = download || url;
  return found ? withoutToken(found) : undefined;
}

/**
 * In exports of a workspace, the parameter `t` is a token that gives access to its files (grundleborg/slack-advanced-exporter#17). The bot
 * sends its own token and stores none.
 */
function withoutToken(address: string): string {
  if (!URL.canParse(address)) return address;
  const url = new URL(address);
  if (!url.searchParams.has('t')) return address;
  url.searchParams.delete('t');
  return url.href;
}

/**
 * Why a file object is not of a file that can be read. A canvas, a list or a post is no file but a page of Slack, whose address gives
 * HTML for its own client; `external` is a link to another service, such as Google Drive.
 */
export function unreadOf({ mode, is_external: isExternal, file_access: access }: RawFile): SlackFileRef['unread'] {
  if (mode === 'tombstone' || access === 'file_not_found') return 'gone';
  // Older than a free workspace shows, or not for this app.
  if (mode === 'hidden_by_limit' || access === 'access_denied') return 'refused';
  if (isExternal === true || PAGES.has(mode ?? '')) return 'unsupported';
  return undefined;
}

const PAGES: ReadonlySet<string> = new Set(['external', 'post', 'space', 'docs', 'canvas', 'quip', 'list', 'email']);

/**
 * The documentation of the RTM API told clients to offer a snippet for a text of more characters than this, which has at least as many
 * bytes (docs.slack.dev/legacy/legacy-rtm-api). When Slack's own clients offer one is not documented.
 */
const LONG_TEXT_BYTES = 4_000;

/**
 * The files of a person's own message. A long, plain snippet without a name is a long paste, and so is what the person says, if it is
 * `alone`: there is nothing else in the message. A snippet with a name or a language, or with a text beside it, is a file.
 */
export function ownFilesOf(files: readonly RawFile[] | null | undefined, alone: boolean): readonly FileRef[] {
  const refs = filesOf(files);
  const [raw, another] = files ?? [];
  const [ref] = refs;
  if (!alone || raw === undefined || another !== undefined || ref === undefined) return refs;
  return isLongPaste(raw) ? [{ ...ref, longText: true }] : refs;
}

function isLongPaste({ mode, filetype, name, title, size }: RawFile): boolean {
  const isNamed = [name, title].some((each) => each && !UNNAMED.test(each));
  return mode === 'snippet' && filetype === 'text' && !isNamed && (size ?? 0) > LONG_TEXT_BYTES;
}

/** The name and title of a snippet to which nobody gave one. */
const UNNAMED = /^untitled(?:\.txt)?$/i;
