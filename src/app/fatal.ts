/** Describes an uncaught error for the log, without any message text. */

/** How far causes, and the errors of an AggregateError, are followed. */
const DEEPEST = 4;
const MOST_ERRORS = 3;
const MOST_FRAMES = 12;
/** An identifier, as opposed to text that a person wrote. */
const WORD = /^[A-Za-z][\w$]{0,60}$/;
/** A line of a stack trace: file, line and column, optionally with the function. */
const FRAME = /^ {4}at (?:[\w$.<>[\] ]{1,120} \()?(?:file:|node:|\/)[^\s()]{1,300}:\d+:\d+\)?$/;

/**
 * The parts of an uncaught error that may be logged. Errors of libraries carry the data they were working on (ioredis: `command`
 * with its arguments, `previousErrors`), and their messages repeat it. So only names, codes and stack frames are used.
 */
export function describeFault(thrown: unknown, depth = 0): object {
  if (!(thrown instanceof Error)) return { name: `thrown: ${thrown === null ? 'null' : typeof thrown}` };
  const { name, message, stack, cause } = thrown;
  const code = 'code' in thrown && typeof thrown.code === 'string' && WORD.test(thrown.code) ? thrown.code : undefined;
  const deeper = depth < DEEPEST;
  return {
    name: WORD.test(name) ? name : 'Error',
    code,
    detail: isSystemError(thrown) ? message : undefined,
    // The message precedes the frames and may have lines that look like frames.
    at: (stack ?? '')
      .slice((stack ?? '').lastIndexOf(message) + message.length)
      .split('\n')
      .filter((line) => FRAME.test(line))
      .slice(0, MOST_FRAMES)
      .map((line) => line.trim().slice(3)),
    cause: deeper && cause instanceof Error ? describeFault(cause, depth + 1) : undefined,
    errors:
      deeper && thrown instanceof AggregateError
        ? thrown.errors.slice(0, MOST_ERRORS).map((error) => describeFault(error, depth + 1))
        : undefined,
  };
}

/** Messages of system errors only have a code, a system call and an address: https://nodejs.org/api/errors.html#class-systemerror */
function isSystemError(error: Error): boolean {
  return 'errno' in error && typeof error.errno === 'number' && 'syscall' in error;
}
