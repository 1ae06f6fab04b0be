/** /ttl: how long a conversation is remembered, and the person's choice of it. */
import { z } from 'zod';
import type { CommandResult } from '../core/commands.ts';
import { baseSession, type SessionId } from '../core/session.ts';
import { localised } from '../i18n/messages.ts';
import { isManager, isShared, placeSession } from './access.ts';
import { answer, type CommandRequest, defineCommand, MAX_LABEL } from './command.ts';
import { plainLine } from './markdown.ts';
import { conversationsHere, labelOf } from './target.ts';

/** Conversations whose time left is listed where the platform does not tell which one is meant. */
const MAX_LISTED = 10;

const ttlArgs = z.object({
  /** Whole seconds; any number, since the command itself checks the bounds. */
  value: z.union([z.custom<number>((value) => typeof value === 'number'), z.literal('default')]).optional(),
});
type TtlArgs = z.output<typeof ttlArgs>;

export const ttl = defineCommand<TtlArgs>({
  definition: {
    name: 'ttl',
    description: localised(({ commands }) => commands.about.ttl),
    options: [
      {
        kind: 'duration',
        name: 'value',
        description: localised(({ commands }) => commands.options.value),
        examples: ['10m', '2h', '7d', 'default'],
      },
    ],
    who: 'everybody',
    alsoTried: ['expire', 'expiry'],
  },
  args: ttlArgs,
  fromOptions(values) {
    const value = values.get('value');
    return typeof value === 'number' || value === 'default' ? { value } : {};
  },
  button: {
    letter: 't',
    encode: ({ value }) => (value === 'default' ? 'd' : String(value ?? '')),
    decode(text) {
      if (text === '') return {};
      if (text === 'd') return { value: 'default' };
      return /^\d{1,15}$/.test(text) ? { value: Number(text) } : undefined;
    },
  },
  points: () => 1,
  async run(request, { value }) {
    const { sessionId } = request;
    if (value !== undefined) return change(request, value);
    return sessionId === undefined ? showPlace(request) : showConversation(request, sessionId);
  },
});

/** "How long I remember must be …, from … to …", in the person's language. */
export function boundsText({ texts, deps }: CommandRequest): string {
  return texts.commands.ttl.bounds(deps.minTtl, deps.maxTtl);
}

async function showConversation(request: CommandRequest, sessionId: SessionId): Promise<CommandResult> {
  const { ttl: lines, nothingHere } = request.texts.commands;
  const state = await request.deps.memory.ttl(sessionId);
  const left = state.expiresInMs === undefined ? nothingHere : lines.left(state.expiresInMs);
  const setting = lines.setting(state.effective, state.choice !== undefined);
  return answer('done', [left, setting, changeText(request)].join('\n'));
}

async function showPlace(request: CommandRequest): Promise<CommandResult> {
  const { deps, context, texts } = request;
  const { ttl: lines, nothingHere } = texts.commands;
  const [state, found] = await Promise.all([
    deps.memory.ttl(placeSession(context, deps.scope)),
    conversationsHere(request),
  ]);
  const living = found.filter(({ expiresInMs }) => expiresInMs > 0).slice(0, MAX_LISTED);
  const left = await Promise.all(
    living.map(
      async (summary) =>
        `- ${lines.leftOf(summary.expiresInMs, plainLine(await labelOf(request, summary), MAX_LABEL))}`,
    ),
  );
  const setting = lines.placeSetting(state.effective, state.choice !== undefined);
  return answer('done', [...(left.length === 0 ? [nothingHere] : left), setting, changeText(request)].join('\n'));
}

/**
 * Where the thread is unknown the choice is the person's for the place; its threads follow unless they have their own, and those
 * that are alive do so at once.
 */
async function change(request: CommandRequest, value: number | 'default'): Promise<CommandResult> {
  const { deps, context, texts } = request;
  const { ttl: lines, managersOnly } = texts.commands;
  const target = request.sessionId ?? placeSession(context, deps.scope);
  // A short time would forget for everybody: as much as wiping it.
  if (isShared(context, target) && !isManager(context, deps)) return answer('refused', managersOnly);
  if (value !== 'default' && !isWithin(value, deps.minTtl, deps.maxTtl)) return answer('refused', boundsText(request));

  const state = await deps.memory.setTtl(target, value === 'default' ? undefined : value);
  const ofPlace = request.sessionId === undefined;
  const living = ofPlace ? (await letFollow(request, target)) + (state.expiresInMs === undefined ? 0 : 1) : 0;
  const atOnce = living === 0 ? '' : ` ${lines.atOnce(living)}`;
  if (value === 'default') return answer('done', `${lines.back(state.effective)}${atOnce}`);
  const set = ofPlace ? lines.placeSet(state.effective) : lines.set(state.effective);
  return answer('done', `${set}${atOnce} ${lines.kept}`);
}

/** Gives the living threads of the place the time that holds for it now, and says how many there were. */
async function letFollow({ deps, context }: CommandRequest, ofPlace: SessionId): Promise<number> {
  const here = await deps.memory.conversationsAt(context.place);
  const threads = here.filter((sessionId) => sessionId !== ofPlace && baseSession(sessionId) === ofPlace);
  const followed = await Promise.all(threads.map((sessionId) => deps.memory.followPlaceTtl(sessionId)));
  return followed.filter((did) => did).length;
}

function changeText({ texts, deps }: CommandRequest): string {
  return texts.commands.ttl.change(deps.minTtl, deps.maxTtl);
}

function isWithin(value: number, min: number, max: number): boolean {
  return Number.isSafeInteger(value) && value >= min && value <= max;
}
