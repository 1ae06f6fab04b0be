/** What it takes to fetch a file of Discord again. It is stored with the message, so it is parsed when it is read. */
import { z } from 'zod';

const pixels = z.number().int().positive();

export const attachmentRef = z.object({
  /** The message that the bot can read: of a forwarded file, the one that forwards it. */
  channel: z.string(),
  message: z.string(),
  /** The attachment's id. */
  attachment: z.string(),
  /** Signed; it expires. https://docs.discord.com/developers/reference#signed-attachment-cdn-urls */
  url: z.string(),
  /** Of images and videos: the media proxy, which makes them smaller. */
  proxy: z.string().optional(),
  width: pixels.optional(),
  height: pixels.optional(),
});
export type AttachmentRef = z.infer<typeof attachmentRef>;
