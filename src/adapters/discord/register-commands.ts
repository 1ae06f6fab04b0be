/** Registers the slash commands, only when they differ from what Discord has. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { CommandDefinition } from '../../core/commands.ts';
import type { Logger } from '../../core/ports.ts';
import { toBotError } from '../../errors.ts';
import { commandBodies, isRegistered, keptCommands } from './registration.ts';
import type { DiscordRest } from './rest.ts';

const TRIES = 6;

/** @throws BotError `platform_*` when Discord refuses, or does not answer in some tries */
export async function registerCommands(
  rest: DiscordRest,
  application: string,
  catalogue: readonly CommandDefinition[],
  log: Logger,
): Promise<void> {
  const wanted = commandBodies(catalogue);
  const route = `/applications/${application}/commands` as const;
  for (let failures = 1; ; failures += 1) {
    try {
      const existing = await rest.request('GET', route, { query: { with_localizations: 'true' } });
      if (isRegistered(existing, wanted)) return;
      await rest.request('PUT', route, { body: [...wanted, ...keptCommands(existing)] });
      log.info({ commands: wanted.length }, 'Discord: slash commands registered');
      return;
    } catch (thrown) {
      const error = toBotError(thrown);
      if (!error.retryable || failures >= TRIES) throw error;
      await sleep(Math.max(error.retryAfterMs ?? 0, 1_000 * 2 ** failures), undefined, { ref: false });
    }
  }
}
