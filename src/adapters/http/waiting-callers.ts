/** Who is waiting for an answer just now, and whether new messages are taken in. */

/** One caller who waits. `signal` aborts when they go, when their time is up, or when the server stops. */
export interface Caller {
  readonly signal: AbortSignal;
  /** The caller has gone. */
  hangUp(): void;
  /** Must be called in the end: frees what the waiting held. */
  leave(): void;
}

export interface WaitingCallers {
  /** False: new messages are refused. */
  readonly open: boolean;
  /** `gone` aborts when the connection is lost; `waitMs` bounds the waiting. */
  join(gone: AbortSignal, waitMs?: number): Caller;
  /** Takes no more messages; those who wait go on waiting. */
  close(): void;
  /** Ends all waiting. */
  dismiss(): void;
}

export function createWaitingCallers(): WaitingCallers {
  const waiting = new Set<AbortController>();
  let open = true;
  return {
    get open() {
      return open;
    },
    join(gone, waitMs) {
      const controller = new AbortController();
      const hangUp = () => controller.abort();
      if (gone.aborted) hangUp();
      gone.addEventListener('abort', hangUp);
      const timer = waitMs === undefined ? undefined : setTimeout(hangUp, waitMs);
      waiting.add(controller);
      return {
        signal: controller.signal,
        hangUp,
        leave() {
          clearTimeout(timer);
          gone.removeEventListener('abort', hangUp);
          waiting.delete(controller);
        },
      };
    },
    close() {
      open = false;
    },
    dismiss() {
      open = false;
      for (const controller of waiting) controller.abort();
    },
  };
}
