/** The writes that a live reply needs. Each adapter implements them with its platform's client. */

/** For every write. */
export interface WriteOptions {
  /** Aborts when the write takes too long. Its outcome is unknown then. */
  readonly signal: AbortSignal;
  /**
   * Throws if this worker may not write any more. It was called just before. A writer that first does something else (connects,
   * waits in a queue) calls it again as late as possible: a process that was suspended in between, while another worker ended
   * the reply, would overwrite the answer.
   */
  readonly check: () => void;
  /** This part still grows, so it has the Stop button. */
  readonly live: boolean;
}

export interface PostOptions extends WriteOptions {
  /** The same for every attempt to post this part of this turn. At most 25 characters (Discord's limit). */
  readonly nonce: string;
}

/** How to search for a part that may have been posted. */
export interface FindOptions {
  readonly signal: AbortSignal;
  /** Unix milliseconds when it was about to be posted. */
  readonly intentAt: number;
  /** The platform's id of the previous part. */
  readonly after: string | undefined;
}

/**
 * All methods reject with a BotError: `platform_rate_limited` (nothing was done; `retryAfterMs` if known), `platform_unavailable`
 * (retryable; the outcome is unknown), `platform_refused` or `platform_credentials` (permanent, nothing was done). Any other
 * error, and a write that exceeds `writeTimeoutMs`, counts as `platform_unavailable`. So a client's own queue or retries should
 * give up earlier.
 */
export interface ReplyWriter {
  /** Posts a part (from 1) of the reply. The first one is a reply to the person's message. Gives the platform's message id. */
  post(part: number, text: string, options: PostOptions): Promise<string>;
  /** `gone`: the message was deleted. */
  edit(id: string, text: string, options: WriteOptions): Promise<'edited' | 'gone'>;
  /** Deletes one of the reply's messages. Succeeds if it does not exist any more. */
  remove(id: string, options: Pick<WriteOptions, 'signal' | 'check'>): Promise<void>;
  /** Searches for the message that is this part of this turn's reply. Absent if the platform offers no way. */
  find?(part: number, options: FindOptions): Promise<string | undefined>;
  /** Shows the typing indicator for a while. */
  showTyping?(signal: AbortSignal): Promise<void>;
  /** Hides the typing indicator at once. Absent if the platform cannot. */
  stopTyping?(signal: AbortSignal): Promise<void>;
}
