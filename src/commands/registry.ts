/** All commands, in the order in which people read them. A new command is one file and one line here. */
import type { CommandDefinition } from '../core/commands.ts';
import type { RegisteredCommand } from './command.ts';
import { facts } from './facts.ts';
import { forget } from './forget.ts';
import { help } from './help.ts';
import { history } from './history.ts';
import { memstats } from './memstats.ts';
import { remember } from './remember.ts';
import { ttl } from './ttl.ts';

export const COMMANDS: readonly RegisteredCommand[] = [history, forget, remember, facts, ttl, memstats, help];

/** Their definitions: what platforms register, and what the parser, /help and completion work by. */
export const CATALOGUE: readonly CommandDefinition[] = COMMANDS.map(({ definition }) => definition);
