/** Registers the slash commands, only when they differ from what Discord has. */
import type { CommandDefinition } from '../../core/commands.ts';
import type { Logger } from '../../core/ports.ts';
import { retry } from '../../lib/backoff.ts';
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
  const register = async () => {
    const existing = await rest.request('GET', route, { query: { with_localizations: 'true' } });
    if (isRegistered(existing, wanted)) return;
    await rest.request('PUT', route, { body: [...wanted, ...keptCommands(existing)] });
    log.info({ commands: wanted.length }, 'Discord: slash commands registered');
  };
  await retry(register, { tries: TRIES, firstMs: 2_000 });
}
