/** Runs the app as a process: settings, exit codes, signals. */

import { type Config, EXIT_CONFIG, loadConfig } from '../config/config.ts';
import type { Logger } from '../core/ports.ts';
import { type BotError, type ErrorCode, toBotError } from '../errors.ts';
import { operatorTexts } from '../i18n/messages.ts';
import type { App } from './compose.ts';
import { describeFault } from './fatal.ts';
import { createLogger, createMask } from './log.ts';

/** EX_UNAVAILABLE of sysexits.h: a required service is unavailable; a restart may help. */
const EXIT_UNAVAILABLE = 69;
const EXIT_SOFTWARE = 70;

const EXIT_CODES: Partial<Record<ErrorCode, number>> = {
  config_invalid: EXIT_CONFIG,
  platform_credentials: EXIT_CONFIG,
  store_evicting: EXIT_CONFIG,
  store_too_old: EXIT_CONFIG,
  store_locked: EXIT_UNAVAILABLE,
  store_unavailable: EXIT_UNAVAILABLE,
  platform_unavailable: EXIT_UNAVAILABLE,
};

/** Runs until a signal stops it. The first SIGTERM or SIGINT shuts down gracefully, the second exits at once. */
export async function runProcess(start: (config: Config, logger: Logger) => Promise<App>): Promise<void> {
  let logger = createLogger({ level: 'error', secrets: [] });
  // Unhandled rejections end up here, too: https://nodejs.org/api/process.html#event-uncaughtexception
  process.on('uncaughtException', (thrown) => {
    try {
      logger.error({ fault: describeFault(thrown) }, 'uncaught error, exiting');
    } finally {
      process.exit(EXIT_SOFTWARE);
    }
  });
  let config: Config;
  try {
    config = loadConfig();
  } catch (thrown) {
    return exit(toBotError(thrown));
  }
  logger = createLogger(config.log);
  const mask = createMask(config.log.secrets);
  for (const warning of config.warnings) logger.warn({}, warning);

  const starting = start(config, logger);
  let ending = false;
  const end = (signal: NodeJS.Signals) => {
    if (ending) process.exit(EXIT_SOFTWARE);
    ending = true;
    logger.info({ signal }, operatorTexts().startup.stopping(config.turns.shutdownGraceMs));
    // Also during startup: a turn that has been claimed is completed or handed over.
    starting
      .then((app) => app.stop())
      .then(
        () => process.exit(0),
        (thrown: unknown) => exit(toBotError(thrown), mask),
      );
  };
  process.on('SIGTERM', end);
  process.on('SIGINT', end);

  try {
    const app = await starting;
    for (const line of app.banner) logger.info({}, line);
  } catch (thrown) {
    exit(toBotError(thrown), mask);
  }
}

function exit(error: BotError, mask = (text: string) => text): void {
  // The message of an unexpected error may contain anything.
  const { code, message, cause } = error;
  const text = code === 'internal' ? `Internal error: ${JSON.stringify(describeFault(cause ?? error))}` : message;
  process.stderr.write(`${mask(text)}\n`);
  process.exit(EXIT_CODES[error.code] ?? EXIT_SOFTWARE);
}
