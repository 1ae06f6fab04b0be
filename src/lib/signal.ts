/** Wakes the one who waits, whatever it was that happened: what happened is looked up. */
export interface Signal {
  notify(): void;
  /** Resolves at the next ring, at once when one came since the last wait. */
  wait(ms: number, signal: AbortSignal): Promise<'rung' | 'timeout' | 'aborted'>;
}

export function createSignal(): Signal {
  let rung = false;
  let wake: (() => void) | undefined;
  return {
    notify() {
      rung = true;
      wake?.();
    },
    async wait(ms, signal) {
      if (!rung && !signal.aborted) {
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
      if (!rung) return 'timeout';
      rung = false;
      return 'rung';
    },
  };
}
