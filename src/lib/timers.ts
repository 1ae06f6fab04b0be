/** Timers, as an interface so that tests can control time. */
export interface Timers {
  /** Runs `task` once, after `ms` milliseconds. The returned function cancels it. */
  after(ms: number, task: () => void): () => void;
}

/** Node's timers, unreferenced: they do not keep the process alive. */
export const systemTimers: Timers = {
  after(ms, task) {
    const timer = setTimeout(task, ms);
    timer.unref();
    return () => clearTimeout(timer);
  },
};
