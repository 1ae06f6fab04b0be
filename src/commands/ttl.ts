/** /ttl: how long a conversation is remembered, and the person's choice of it. */
import type { CommandResult, MemoryCommand } from '../core/commands.ts';
import { baseSession, type SessionId } from '../core/session.ts';
import { isManager, isShared, placeSession } from './access.ts';
import { plainLine } from './markdown.ts';
import { answer, type CommandRequest, MAX_LABEL } from './request.ts';
import { conversationsHere, labelOf } from './target.ts';

type TtlCommand = Extract<MemoryCommand, { name: 'ttl' }>;

/** Conversations whose time left is listed where the platform does not tell which one is meant. */
const MAX_LISTED = 10;

export function runTtl(ask: CommandRequest, command: TtlCommand): Promise<CommandResult> {
  const { sessionId } = ask;
  if (command.value === undefined) return sessionId === undefined ? showPlace(ask) : showConversation(ask, sessionId);
  return change(ask, command.value);
}

/** "How long I remember must be …, from … to …", in the person's language. */
export function boundsText({ texts, deps }: CommandRequest): string {
  return texts.commands.ttl.bounds(deps.minTtl, deps.maxTtl);
}

async function showConversation(ask: CommandRequest, sessionId: SessionId): Promise<CommandResult> {
  const { ttl, nothingHere } = ask.texts.commands;
  const state = await ask.deps.memory.ttl(sessionId);
  const left = state.expiresInMs === undefined ? nothingHere : ttl.left(state.expiresInMs);
  const setting = ttl.setting(state.effective, state.choice !== undefined);
  return answer('done', [left, setting, changeText(ask)].join('\n'));
}

async function showPlace(ask: CommandRequest): Promise<CommandResult> {
  const { deps, context, texts } = ask;
  const { ttl, nothingHere } = texts.commands;
  const [state, found] = await Promise.all([
    deps.memory.ttl(placeSession(context, deps.scope)),
    conversationsHere(ask),
  ]);
  const living = found.filter(({ expiresInMs }) => expiresInMs > 0).slice(0, MAX_LISTED);
  const left = await Promise.all(
    living.map(
      async (summary) => `- ${ttl.leftOf(summary.expiresInMs, plainLine(await labelOf(ask, summary), MAX_LABEL))}`,
    ),
  );
  const setting = ttl.placeSetting(state.effective, state.choice !== undefined);
  return answer('done', [...(left.length === 0 ? [nothingHere] : left), setting, changeText(ask)].join('\n'));
}

/**
 * Where the thread is unknown the choice is the person's for the place; its threads follow unless they have their own, and those
 * that are alive do so at once.
 */
async function change(ask: CommandRequest, value: number | 'default'): Promise<CommandResult> {
  const { deps, context, texts } = ask;
  const { ttl, managersOnly } = texts.commands;
  const target = ask.sessionId ?? placeSession(context, deps.scope);
  // A short time would forget for everybody: as much as wiping it.
  if (isShared(context, target) && !isManager(context, deps.admins)) return answer('refused', managersOnly);
  if (value !== 'default' && !isWithin(value, deps.minTtl, deps.maxTtl)) return answer('refused', boundsText(ask));

  const state = await deps.memory.setTtl(target, value === 'default' ? undefined : value);
  const ofPlace = ask.sessionId === undefined;
  const living = ofPlace ? (await letFollow(ask, target)) + (state.expiresInMs === undefined ? 0 : 1) : 0;
  const atOnce = living === 0 ? '' : ` ${ttl.atOnce(living)}`;
  if (value === 'default') return answer('done', `${ttl.back(state.effective)}${atOnce}`);
  const set = ofPlace ? ttl.placeSet(state.effective) : ttl.set(state.effective);
  return answer('done', `${set}${atOnce} ${ttl.kept}`);
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
