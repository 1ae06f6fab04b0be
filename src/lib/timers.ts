/** Timers, so that tests can play them. */
export interface Timers {
  /** Runs `task` once, after `ms` milliseconds. The returned function calls it off. */
  after(ms: number, task: () => void): () => void;
}

/** Node's timers; they keep no process alive. */
export const systemTimers: Timers = {
  after(ms, task) {
    const timer = setTimeout(task, ms);
    timer.unref();
    return () => clearTimeout(timer);
  },
};
