/**
 * Ends a worker of vitest when vitest itself was killed: by itself it may go on, with everything that it has started.
 * (Processes started under the guard end with the worker.) By a signal, because vitest makes process.exit throw in a worker.
 */
function endWithTheRun(): void {
  process.kill(process.pid, 'SIGKILL');
}

// This is run for each file, in a worker that runs several.
if (!process.listeners('disconnect').some(({ name }) => name === endWithTheRun.name)) {
  process.once('disconnect', endWithTheRun);
}
