/**
 * Ends a worker of vitest when vitest itself was killed: by itself it may go on, with everything that it has started.
 * (Processes started under the guard end with the worker.) By a signal, because vitest makes process.exit throw in a worker.
 */
process.once('disconnect', () => process.kill(process.pid, 'SIGKILL'));
