/** The command catalogue as Discord's slash commands and message commands, and how they are registered. */

import { z } from 'zod';
import type { CommandDefinition, CommandOption, Localised } from '../../../core/commands.ts';
import type { Logger } from '../../../core/ports.ts';
import { localised } from '../../../i18n/messages.ts';
import { retry } from '../../../lib/backoff.ts';
import type { DiscordRest } from '../rest.ts';

/** Sends a message to the bot from anywhere, even where it is not present. */
export const CHAT = 'chat';
export const CHAT_MESSAGE = 'message';
/** Longest message of /chat: as of a message with Nitro. (An option may have up to 6000.) */
const MAX_CHAT = 4_000;

/** https://docs.discord.com/developers/interactions/application-commands */
const CHAT_INPUT = 1;
/** In the menu of a message, under "Apps". It has neither a description nor options; its name may have blanks and capitals. */
export const MESSAGE = 3;
const STRING = 3;
const INTEGER = 4;
const BOOLEAN = 5;
/** Installed to a server, or by a user for themselves. */
const INTEGRATION_TYPES = [0, 1];
/** In servers, in the DM with the bot, in DMs with others. */
const CONTEXTS = [0, 1, 2];

const choice = z.object({
  name: z.string(),
  name_localizations: z.record(z.string(), z.string()).nullish(),
  value: z.union([z.string(), z.number()]),
});
const option = z.object({
  type: z.number(),
  name: z.string(),
  description: z.string(),
  description_localizations: z.record(z.string(), z.string()).nullish(),
  required: z.boolean().optional(),
  choices: z.array(choice).optional(),
  min_value: z.number().optional(),
  max_value: z.number().optional(),
  min_length: z.number().optional(),
  max_length: z.number().optional(),
});
/** The registered part of a command, without what Discord adds (ids, versions). */
const command = z.object({
  type: z.number().default(CHAT_INPUT),
  name: z.string(),
  name_localizations: z.record(z.string(), z.string()).nullish(),
  description: z.string().default(''),
  description_localizations: z.record(z.string(), z.string()).nullish(),
  options: z.array(option).optional(),
  integration_types: z.array(z.number()).optional(),
  contexts: z.array(z.number()).nullish(),
});
export type CommandBody = z.infer<typeof command>;
type OptionBody = z.infer<typeof option>;

/** All commands, as they should be registered. */
export function commandBodies(catalogue: readonly CommandDefinition[]): readonly CommandBody[] {
  const chat = commandBody(
    CHAT,
    localised((texts) => texts.chat.about),
    [
      {
        type: STRING,
        name: CHAT_MESSAGE,
        ...described(localised((texts) => texts.chat.message)),
        required: true,
        max_length: MAX_CHAT,
      },
    ],
  );
  const others = catalogue.map(({ name, description, options }) =>
    commandBody(name, description, options.filter(({ textOnly }) => textOnly !== true).map(optionBody)),
  );
  const onMessages = catalogue.flatMap(({ onMessage }) =>
    onMessage === undefined ? [] : [messageCommandBody(onMessage)],
  );
  return [chat, ...others, ...onMessages];
}

function messageCommandBody({ en, ...others }: Localised): CommandBody {
  return {
    type: MESSAGE,
    name: en,
    name_localizations: others,
    description: '',
    integration_types: INTEGRATION_TYPES,
    contexts: CONTEXTS,
  };
}

function commandBody(name: string, description: Localised, options: OptionBody[]): CommandBody {
  return {
    type: CHAT_INPUT,
    name,
    ...described(description),
    ...(options.length === 0 ? {} : { options }),
    integration_types: INTEGRATION_TYPES,
    contexts: CONTEXTS,
  };
}

function optionBody(definition: CommandOption): OptionBody {
  const { name, description } = definition;
  const base = { name, ...described(description), ...(definition.required === true ? { required: true } : {}) };
  switch (definition.kind) {
    case 'integer':
      return { ...base, type: INTEGER, min_value: definition.min, max_value: definition.max };
    case 'flag':
      return { ...base, type: BOOLEAN };
    case 'duration':
    case 'word':
      return { ...base, type: STRING };
    case 'text':
      // Clients send line breaks too (discord/discord-api-docs#8598, September 2026; before that, those on phones only).
      return { ...base, type: STRING, max_length: definition.maxLength };
    case 'choice': {
      const choices = definition.choices.map(({ value, label }) => {
        const { en, ...others } = label;
        return { name: en, name_localizations: others, value };
      });
      return { ...base, type: STRING, choices };
    }
  }
}

function described({ en, ...others }: Localised) {
  return { description: en, description_localizations: others };
}

/**
 * The command that launches an app's activity. Discord creates it, and refuses (50240) to overwrite the commands of such an app
 * without it. https://docs.discord.com/developers/interactions/application-commands#entry-point-commands
 */
const entryPoint = z.object({
  id: z.string(),
  type: z.literal(4),
  name: z.string(),
  name_localizations: z.record(z.string(), z.string()).nullish(),
  description: z.string().optional(),
  description_localizations: z.record(z.string(), z.string()).nullish(),
  handler: z.number().optional(),
  default_member_permissions: z.string().nullish(),
  nsfw: z.boolean().optional(),
  integration_types: z.array(z.number()).optional(),
  contexts: z.array(z.number()).nullish(),
});

/** Registered commands that are not the bot's own. They are registered again unchanged. */
function foreignCommands(existing: unknown): readonly z.infer<typeof entryPoint>[] {
  const all = z.array(z.unknown()).safeParse(existing).data ?? [];
  return all.flatMap((each) => {
    const parsed = entryPoint.safeParse(each);
    return parsed.success ? [parsed.data] : [];
  });
}

/** Whether the registered commands (with localisations) are the wanted ones. Discord allows 200 creations a day. */
export function isRegistered(existing: unknown, wanted: readonly CommandBody[]): boolean {
  const foreign = new Set(foreignCommands(existing).map(({ id }) => id));
  const own = z.array(z.looseObject({ id: z.string().optional() })).safeParse(existing).data ?? [];
  const parsed = z.array(command).safeParse(own.filter(({ id }) => id === undefined || !foreign.has(id)));
  return parsed.success && canonical(parsed.data) === canonical(wanted);
}

/** The same text for equal commands, in whatever order, and whether empty fields are absent or null. */
function canonical(commands: readonly CommandBody[]): string {
  const sorted = commands.toSorted((a, b) => (a.name < b.name ? -1 : 1));
  return JSON.stringify(sorted, (_, value: unknown) => {
    if (Array.isArray(value)) return value.every((each) => typeof each === 'number') ? value.toSorted() : value;
    if (typeof value !== 'object' || value === null) return value;
    const entries = Object.entries(value).filter(([, each]) => !isNothing(each));
    return Object.fromEntries(entries.toSorted(([a], [b]) => (a < b ? -1 : 1)));
  });
}

function isNothing(value: unknown): boolean {
  return value === null || value === undefined || value === false || (Array.isArray(value) && value.length === 0);
}

const TRIES = 6;

/** Registers the commands if they differ from the registered ones. @throws BotError `platform_*` after several attempts */
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
    await rest.request('PUT', route, { body: [...wanted, ...foreignCommands(existing)] });
    log.info({ commands: wanted.length }, 'Discord: slash commands registered');
  };
  await retry(register, { tries: TRIES, firstMs: 2_000 });
}
