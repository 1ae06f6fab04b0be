/** The life of a process around an app: settings, exit codes, signals. */

import { type Config, EXIT_CONFIG, loadConfig } from '../config/config.ts';
import type { Logger } from '../core/ports.ts';
import { type BotError, type ErrorCode, toBotError } from '../errors.ts';
import { operatorTexts } from '../i18n/messages.ts';
import type { App } from './compose.ts';
import { describeFault } from './fatal.ts';
import { createLogger, createMask } from './log.ts';

/** EX_UNAVAILABLE of sysexits.h: something that the bot needs is not there, and trying again may help. */
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

/** Runs until a signal ends it. SIGTERM or SIGINT ends in good order, a second one at once. */
export async function runProcess(start: (config: Config, logger: Logger) => Promise<App>): Promise<void> {
  let logger = createLogger({ level: 'error', secrets: [] });
  // Rejections that nobody handles come here, too: https://nodejs.org/api/process.html#event-uncaughtexception
  process.on('uncaughtException', (thrown) => {
    try {
      logger.error({ fault: describeFault(thrown) }, 'uncaught error: the process ends');
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
    // Also while it starts: a turn that it has taken already is ended, or handed over.
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
  // What nobody has foreseen may say anything.
  const { code, message, cause } = error;
  const text =
    code === 'internal' ? `A fault of the program: ${JSON.stringify(describeFault(cause ?? error))}` : message;
  process.stderr.write(`${mask(text)}\n`);
  process.exit(EXIT_CODES[error.code] ?? EXIT_SOFTWARE);
}
