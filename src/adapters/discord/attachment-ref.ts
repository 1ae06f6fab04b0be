/** What it takes to fetch a file of Discord again. It is stored with the message, so it is parsed when it is read. */
import { z } from 'zod';

const pixels = z.number().int().positive();
const snowflake = z.string().regex(/^\d{1,20}$/);

export const attachmentRef = z.object({
  /** The message that the bot can read: of a forwarded file, the one that forwards it. */
  channel: snowflake,
  message: snowflake,
  /** The attachment's id. */
  attachment: snowflake,
  /** Signed; it expires. https://docs.discord.com/developers/reference#signed-attachment-cdn-urls */
  url: z.string(),
  /** Of images and videos: the media proxy, which makes them smaller. */
  proxy: z.string().optional(),
  width: pixels.optional(),
  height: pixels.optional(),
});
export type AttachmentRef = z.infer<typeof attachmentRef>;
