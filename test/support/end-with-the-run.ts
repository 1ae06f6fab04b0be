/**
 * Ends a worker of vitest when vitest itself was killed: by itself it would go on, with everything that it has started.
 * (Processes started under the guard end with the worker.)
 */
process.once('disconnect', () => process.exit(1));
