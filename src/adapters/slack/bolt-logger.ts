/** Bolt's log in ours. Its texts may hold payloads, so only those of warnings and errors that hold none pass. */
import { LogLevel, type Logger as SlackLogger } from '@slack/bolt';
import type { Logger } from '../../core/ports.ts';

/** Longest line passed on, in UTF-16 units. */
const MAX_LINE = 300;

export function createBoltLogger(logger: Logger): SlackLogger {
  const line = (parts: readonly unknown[]) =>
    parts
      .filter((part) => typeof part === 'string')
      .join(' ')
      .slice(0, MAX_LINE);
  return {
    // Bolt's debug lines are whole requests.
    debug() {},
    info: (...parts) => logger.debug({}, line(parts)),
    warn: (...parts) => logger.debug({}, line(parts)),
    error: (...parts) => logger.warn({}, line(parts)),
    setLevel() {},
    getLevel: () => LogLevel.INFO,
    setName() {},
  };
}
