/** The HTTP callers that wait for an answer, and whether new messages are accepted. */

/** One waiting caller. `signal` aborts when the connection is lost, the time is up, or the server stops. */
export interface Caller {
  readonly signal: AbortSignal;
  /** The caller has gone. */
  hangUp(): void;
  /** Must be called at the end: frees the resources of the wait. */
  leave(): void;
}

export interface WaitingCallers {
  /** False: new messages are refused. */
  readonly open: boolean;
  /** `gone` aborts when the connection is lost; `waitMs` bounds the waiting. */
  join(gone: AbortSignal, waitMs?: number): Caller;
  /** Accepts no more messages; callers that wait keep waiting. */
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
