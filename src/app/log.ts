/** The log has ids, sizes and durations, but never message text or tokens. */
import { pino } from 'pino';
import { prettyFactory } from 'pino-pretty';
import type { Logger } from '../core/ports.ts';

export interface LogSettings {
  readonly level: 'debug' | 'info' | 'warn' | 'error' | 'silent';
  /** Absent: pretty on a terminal, else json. */
  readonly format?: 'pretty' | 'json';
  /** Strings that are masked everywhere, including in errors. */
  readonly secrets: readonly string[];
}

/** The destination of log lines. */
export interface LogOutput {
  readonly isTTY?: boolean;
  write(line: string): unknown;
}

/** Fields that contain message text, in our own types and in the payloads and errors of platforms. */
const MESSAGE_TEXT =
  /^(text|content|contents|message|messages|prompt|question|answer|response|reply|input|output|body|rawBody|data|payload|raw|chunk|quote|quotes|history|title|subject|description|blocks|attachments|embeds|args)$/i;
const CREDENTIAL = /(token|secret|password|passwd|credentials?|api_?key|authorization|cookie|signature)$/i;

const HIDDEN = '[hidden]';
const LONGEST_TEXT = 500;
const MOST_ELEMENTS = 50;
const DEEPEST = 5;
/** Shorter secrets would be masked within ordinary words. */
const SHORTEST_SECRET = 6;

/** Redis repeats the arguments of an unknown command (`commandCheckExistence` in its src/server.c). */
const ARGUMENTS = /(with args beginning with:).*/s;

/** Returns a function that masks secrets, and credentials in URLs. */
export function createMask(secrets: readonly string[]): (text: string) => string {
  const long = secrets.filter((secret) => secret.length >= SHORTEST_SECRET).sort((a, b) => b.length - a.length);
  return (text) => {
    const masked = long.reduce((rest, secret) => rest.replaceAll(secret, HIDDEN), text);
    return masked.replace(/\/\/[^\s/@:]*:[^\s/@]*@/g, `//${HIDDEN}@`).replace(ARGUMENTS, `$1 ${HIDDEN}`);
  };
}

/** Returns a function that turns any value into plain data that may be logged. */
function createScrub(mask: (text: string) => string): (value: unknown) => unknown {
  const cut = (text: string) => {
    const masked = mask(text);
    return masked.length <= LONGEST_TEXT ? masked : `${masked.slice(0, LONGEST_TEXT)}… (${masked.length} characters)`;
  };

  /** Only known fields: platform libraries attach requests with message text to their errors. */
  const scrubError = (error: Error, depth: number): object => {
    const { name, message, stack, cause } = error;
    const code =
      'code' in error && (typeof error.code === 'string' || typeof error.code === 'number') ? error.code : undefined;
    const status = 'status' in error && typeof error.status === 'number' ? error.status : undefined;
    // JSON.parse quotes its input in the error.
    const quotes = error instanceof SyntaxError || (cause instanceof SyntaxError && cause.message === message);
    // The first lines of the stack repeat the message.
    const frames = (stack ?? '').split('\n').filter((line) => line.startsWith('    at '));
    return {
      name,
      code,
      status,
      message: quotes ? HIDDEN : cut(message),
      at: frames.slice(0, 12).map((frame) => mask(frame.trim().slice(3))),
      cause: cause === undefined ? undefined : scrub(cause, depth + 1),
    };
  };

  const scrub = (value: unknown, depth: number): unknown => {
    if (typeof value === 'string') return cut(value);
    if (typeof value === 'bigint') return String(value);
    if (typeof value !== 'object' || value === null) return value;
    if (depth > DEEPEST) return '[deeper]';
    if (value instanceof Error) return scrubError(value, depth);
    if (value instanceof Date || value instanceof URL) return cut(String(value.toJSON()));
    if (value instanceof Map || value instanceof Set) return `[${value.size} entries]`;
    if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`;
    if (Array.isArray(value)) {
      const kept = value.slice(0, MOST_ELEMENTS).map((element) => scrub(element, depth + 1));
      return value.length > MOST_ELEMENTS ? [...kept, `… (${value.length} elements)`] : kept;
    }
    const entries = Object.entries(value).map(([key, field]) => {
      // Numbers and booleans reveal nothing: `tokens: 812`, `answer: false`.
      const tells =
        typeof field === 'string' || (typeof field === 'object' && field !== null && !(field instanceof Error));
      return [key, tells && (MESSAGE_TEXT.test(key) || CREDENTIAL.test(key)) ? HIDDEN : scrub(field, depth + 1)];
    });
    return Object.fromEntries(entries);
  };

  return (value) => scrub(value, 0);
}

/**
 * Creates the logger. Fields are reduced before they are written: errors to name, code, status, message, frames and cause; fields
 * named like text or credentials to `[hidden]`; long strings, long lists and deep structures are cut.
 * @param output pipes and files are written synchronously, so that the last line before a crash is not lost
 */
export function createLogger(settings: LogSettings, output: LogOutput = process.stdout): Logger {
  const terminal = output.isTTY === true;
  const format = settings.format ?? (terminal ? 'pretty' : 'json');
  const prettify = prettyFactory({ colorize: terminal, ignore: 'pid,hostname', translateTime: 'SYS:HH:MM:ss.l' });
  const write = (line: string) => void output.write(format === 'pretty' ? prettify(line) : line);
  const log = pino(
    {
      level: settings.level,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      // Errors are plain data already: pino's serializer would add an empty stack and a type.
      serializers: { err: (plain: unknown) => plain },
    },
    { write },
  );
  const mask = createMask(settings.secrets);
  return wrap(log, createScrub(mask), mask);
}

function wrap(log: pino.Logger, scrub: (value: unknown) => unknown, mask: (text: string) => string): Logger {
  const plain = (fields: object): object => {
    const scrubbed = scrub(fields instanceof Error ? { error: fields } : fields);
    return typeof scrubbed === 'object' && scrubbed !== null ? scrubbed : {};
  };
  const at = (level: 'debug' | 'info' | 'warn' | 'error') => (fields: object, message: string) => {
    if (log.isLevelEnabled(level)) log[level](plain(fields), mask(message));
  };
  return {
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    child: (fields) => wrap(log.child(plain(fields)), scrub, mask),
  };
}
