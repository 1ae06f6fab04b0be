/** What a platform does for a live reply. Each adapter implements it with its client; nothing here knows a platform. */

/** Goes with every write. */
export interface WriteOptions {
  /** Aborts when the write is given up as too slow: its outcome is then unknown. */
  readonly signal: AbortSignal;
  /**
   * Throws when this worker may not write any more. It was called just before; a transport that does other things first
   * (connects, waits in a queue) calls it again as late as it can: a process that was stopped in between, and woke up when
   * another worker had ended the reply, would overwrite the answer.
   */
  readonly check: () => void;
  /** More text is to come in this part: the place of a Stop button. */
  readonly live: boolean;
}

export interface PostOptions extends WriteOptions {
  /** The same for every attempt to post this part of this turn; at most 25 characters, the longest that Discord takes. */
  readonly nonce: string;
}

/** Where to look for a part that may have been posted. */
export interface FindOptions {
  readonly signal: AbortSignal;
  /** Unix milliseconds when it was about to be posted. */
  readonly intentAt: number;
  /** The platform's id of the part before it. */
  readonly after: string | undefined;
}

/**
 * All methods reject with a BotError: `platform_rate_limited` (nothing was done; `retryAfterMs` where it is known),
 * `platform_unavailable` (retryable; the outcome is unknown), `platform_refused` or `platform_credentials` (for good,
 * nothing was done). Anything else that they throw is taken for `platform_unavailable`. What a write does not get done in
 * time is taken for that too, so a client's own queue or retries should give up before `writeTimeoutMs`.
 */
export interface ReplyWriter {
  /** Posts part `part` (from 1) of the reply; the first refers to the person's message. Gives the platform's id. */
  post(part: number, text: string, options: PostOptions): Promise<string>;
  /** `gone`: somebody has deleted that message. */
  edit(id: string, text: string, options: WriteOptions): Promise<'edited' | 'gone'>;
  /** Deletes one of the reply's messages; one that is not there any more is as good as deleted. */
  remove(id: string, options: Pick<WriteOptions, 'signal' | 'check'>): Promise<void>;
  /** Looks for the bot's own message that is this part of this turn's reply. Absent where the platform can't tell. */
  find?(part: number, options: FindOptions): Promise<string | undefined>;
  /** Shows for a while that an answer is being prepared. */
  showTyping?(signal: AbortSignal): Promise<void>;
  /** Takes that sign away at once. Absent where the platform can't. */
  stopTyping?(signal: AbortSignal): Promise<void>;
}
