/** The operations that a live reply needs. Each adapter implements them with its platform's client. */

/** Options of every write. */
export interface WriteOptions {
  /** Aborts when the write takes too long. Its outcome is unknown then. */
  readonly signal: AbortSignal;
  /**
   * Throws if this worker may no longer write. It has just been called. A writer that does something else first (connects, waits
   * in a queue) calls it again as late as possible: a process that was suspended in between, while another worker ended the
   * reply, would overwrite the answer.
   */
  readonly check: () => void;
  /** This part is still growing, so it has the Stop button. */
  readonly live: boolean;
}

export interface PostOptions extends WriteOptions {
  /** The same for every attempt to post this part of this turn. At most 25 characters (Discord's limit). */
  readonly nonce: string;
}

/** How to search for a part that may have been posted. */
export interface FindOptions {
  readonly signal: AbortSignal;
  /** When it was about to be posted, in Unix milliseconds. */
  readonly intentAt: number;
  /** The platform's id of the previous part. */
  readonly after: string | undefined;
}

/**
 * All methods reject with a BotError: `platform_rate_limited` (nothing was done; `retryAfterMs` if known), `platform_unavailable`
 * (retryable; the outcome is unknown), `platform_refused` or `platform_credentials` (permanent, nothing was done). Any other
 * error, and a write that exceeds `writeTimeoutMs`, counts as `platform_unavailable`, so a client's own queue and retries should
 * give up earlier.
 */
export interface ReplyWriter {
  /** Posts a part (from 1) of the reply. The first one replies to the person's message. Returns the platform's message id. */
  post(part: number, text: string, options: PostOptions): Promise<string>;
  /** `gone`: the message was deleted. */
  edit(id: string, text: string, options: WriteOptions): Promise<'edited' | 'gone'>;
  /** Deletes one of the reply's messages. Succeeds if it no longer exists. */
  remove(id: string, options: Pick<WriteOptions, 'signal' | 'check'>): Promise<void>;
  /** Searches for this part of this turn's reply. Absent if the platform offers no way. */
  find?(part: number, options: FindOptions): Promise<string | undefined>;
  /** Shows the typing indicator for a while. */
  showTyping?(signal: AbortSignal): Promise<void>;
  /** Hides the typing indicator at once. Absent if the platform cannot. */
  stopTyping?(signal: AbortSignal): Promise<void>;
}
