/** The files of Discord's messages. Pure. */
import type { FileRef } from '../../../core/types.ts';
import { type AttachmentRef, attachmentRef } from '../attachment-ref.ts';
import type { AttachmentPayload, MessageBody, MessagePayload } from '../payloads.ts';

/** The message that Discord is asked for when a file is fetched again. */
export type CarryingMessage = Pick<MessagePayload, 'id' | 'channel_id'>;

/**
 * A text that is too long for a message is sent as a file of this name by Discord's clients. Nothing in the documentation tells such a
 * file from another one of that name, so it must also be longer than a message can be, and stand alone.
 */
const LONG_TEXT = 'message.txt';
/** UTF-16 units that a message may have; a text of more has more bytes. https://docs.discord.com/developers/resources/message#create-message */
const MAX_TEXT = 2_000;

/** The files of a message, and its stickers by name. */
function filesOf(body: MessageBody, carrying: CarryingMessage): readonly FileRef[] {
  return [
    ...body.attachments.map((attachment) => fileOf(attachment, carrying)),
    ...body.sticker_items.map(({ name }) => ({ name: `sticker ${name}` })),
  ];
}

/** The files of a message and its stickers by name, with those of everything that was forwarded in the message. */
export function allFilesOf(body: MessageBody, carrying: CarryingMessage): readonly FileRef[] {
  return [
    ...filesOf(body, carrying),
    ...body.message_snapshots.flatMap(({ message }) => allFilesOf(message, carrying)),
  ];
}

/** The files of a person's own message with this text, which is without mentions of the bot. */
export function ownFilesOf(body: MessageBody, carrying: CarryingMessage, text: string): readonly FileRef[] {
  const files = filesOf(body, carrying);
  const [file] = files;
  return file !== undefined && files.length === 1 && text === '' && isLongText(file)
    ? [{ ...file, longText: true }]
    : files;
}

function isLongText({ name, type, size = 0 }: FileRef): boolean {
  // Some clients send no type.
  const isText = type === undefined || /^text\/plain(?:;|$)/i.test(type);
  return name === LONG_TEXT && isText && size > MAX_TEXT;
}

function fileOf(attachment: AttachmentPayload, { id, channel_id }: CarryingMessage): FileRef {
  const { content_type: type, size } = attachment;
  const ref = refOf(attachment, id, channel_id);
  return {
    name: attachmentName(attachment),
    ...(type == null ? {} : { type }),
    ...(size == null ? {} : { size }),
    ...(ref === undefined ? {} : { ref }),
  };
}

/** Undefined if Discord does not say where the file is. */
function refOf(
  { id, url, proxy_url: proxy, width, height }: AttachmentPayload,
  message: string,
  channel: string,
): AttachmentRef | undefined {
  const hasSize = proxy != null && width != null && height != null;
  const ref = { channel, message, attachment: id, url, ...(hasSize ? { proxy, width, height } : {}) };
  return attachmentRef.safeParse(ref).data;
}

/**
 * A file's name as its sender knows it: Discord removes special characters from `filename`, and keeps the name without its extension as
 * `title`. https://github.com/discord/discord-api-docs/pull/6945
 */
export function attachmentName({ filename, title }: AttachmentPayload): string {
  if (title == null || title.trim() === '') return filename;
  const dot = filename.lastIndexOf('.');
  const extension = dot > 0 ? filename.slice(dot) : '';
  return title.toLowerCase().endsWith(extension.toLowerCase()) ? title : `${title}${extension}`;
}
