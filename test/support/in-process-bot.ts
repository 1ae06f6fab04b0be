/** The bot inside of the process of a test: all of the product but the process around it (src/app/process.ts). */
import type { Adapter } from '../../src/adapters/adapter.ts';
import { startApp } from '../../src/app/compose.ts';
import { createLogger } from '../../src/app/log.ts';
import { type Config, loadConfig } from '../../src/config/config.ts';
import type { Logger } from '../../src/core/ports.ts';
import type { BotSettings, RunningBot } from './bot-process.ts';
import { freePort } from './free-port.ts';

/**
 * Starts it with these settings and no others; resolves when it is healthy. For tests in which no process has to end: a start costs
 * little, and what the product loads is loaded once for the whole file.
 * @param cwd what a relative DATA_DIR is relative to
 * @param platforms more than the settings switch on
 */
export async function startInProcess(
  cwd: string,
  settings: BotSettings,
  platforms: (config: Config, logger: Logger) => readonly Adapter[] = () => [],
): Promise<RunningBot> {
  const port = Number(settings.PORT ?? (await freePort()));
  const config = loadConfig({ LOG_FORMAT: 'json', ...settings, PORT: String(port) }, { cwd });
  let output = '';
  const logger = createLogger(config.log, {
    write(line) {
      output += line;
    },
  });
  for (const warning of config.warnings) logger.warn({}, warning);
  const app = await startApp({ config, logger, adapters: platforms(config, logger) });
  for (const line of app.banner) logger.info({}, line);
  let stopped: Promise<void> | undefined;
  return {
    ...{ url: `http://127.0.0.1:${port}`, port, output: () => output },
    release() {
      stopped ??= app.stop();
      return stopped;
    },
  };
}
