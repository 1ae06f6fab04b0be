/** A signal within this process. It only wakes the waiter, who then checks what has happened. */
export interface Signal {
  notify(): void;
  /** Resolves at the next {@link Signal.notify}, or at once if there was one since the last wait. One waiter at a time. */
  wait(ms: number, signal: AbortSignal): Promise<'notified' | 'timeout' | 'aborted'>;
}

export function createSignal(): Signal {
  let notified = false;
  let wake: (() => void) | undefined;
  return {
    notify() {
      notified = true;
      wake?.();
    },
    async wait(ms, signal) {
      if (!notified && !signal.aborted) {
        await new Promise<void>((resolve) => {
          const timer = setTimeout(done, ms);
          function done(): void {
            clearTimeout(timer);
            signal.removeEventListener('abort', done);
            wake = undefined;
            resolve();
          }
          signal.addEventListener('abort', done);
          wake = done;
        });
      }
      if (signal.aborted) return 'aborted';
      if (!notified) return 'timeout';
      notified = false;
      return 'notified';
    },
  };
}
