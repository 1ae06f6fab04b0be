/** Which conversation a command means. */
import type { CommandCall, CommandResult, MemoryCommand } from '../core/commands.ts';
import type { SessionId } from '../core/session.ts';
import type { ConversationSummary } from '../core/store.ts';
import { isCoherent, mayReach, placeSession } from './access.ts';
import { targetHashOf } from './action-id.ts';
import { answer, button, type CommandDeps, type CommandRequest } from './command.ts';
import { cut, oneLine } from './markdown.ts';

/** Entries of a picker. Discord shows 25 buttons in a message, Slack 25 in a block: more than people read. */
const MAX_PICK = 10;
const MAX_BEGIN = 30;

export type Target =
  | { readonly kind: 'session'; readonly sessionId: SessionId }
  /** The platform does not tell the thread. */
  | { readonly kind: 'unknown' }
  /** Not within this person's reach. */
  | { readonly kind: 'refused' };

/**
 * The conversation that a call names: by the target hash of its button, else by its context. The hash is looked up among the
 * conversations of the person who pressed, so it can never name somebody else's.
 */
export async function targetOf({ context, targetHash }: CommandCall, { memory, scope }: CommandDeps): Promise<Target> {
  if (!isCoherent(context)) return { kind: 'refused' };
  const { person, sessionId } = context;
  if (sessionId !== undefined && !mayReach(context, sessionId)) return { kind: 'refused' };
  const here: Target = sessionId === undefined ? { kind: 'unknown' } : { kind: 'session', sessionId };
  if (targetHash === undefined || targetHash === targetHashOf(person, undefined)) return here;

  const matches = (candidate: SessionId) =>
    targetHash === targetHashOf(person, candidate) && mayReach(context, candidate);
  // Before the first message, or after the last was forgotten, a conversation is in no list.
  const known = [...(sessionId === undefined ? [] : [sessionId]), placeSession(context, scope)].find(matches);
  if (known !== undefined) return { kind: 'session', sessionId: known };
  const live = (await memory.conversations(person)).find((summary) => matches(summary.sessionId));
  return live === undefined ? { kind: 'refused' } : { kind: 'session', sessionId: live.sessionId };
}

/** The person's living conversations of the place, newest first. */
export async function conversationsHere({ deps, context }: CommandRequest): Promise<readonly ConversationSummary[]> {
  const found = await deps.memory.conversations(context.person, context.place);
  return found.filter(({ sessionId }) => mayReach(context, sessionId));
}

/**
 * Runs `act` on the conversation meant: the one named, else the only one of the place. With none it says so (or does what
 * `withNone` does), with several it asks which.
 */
export async function withConversation(
  request: CommandRequest,
  command: MemoryCommand,
  act: (sessionId: SessionId) => Promise<CommandResult>,
  withNone: () => Promise<CommandResult> | CommandResult = () => answer('done', request.texts.commands.nothingHere),
): Promise<CommandResult> {
  if (request.sessionId !== undefined) return act(request.sessionId);
  const found = await conversationsHere(request);
  const [only] = found;
  if (only === undefined) return withNone();
  return found.length === 1 ? act(only.sessionId) : pick(request, command, found);
}

async function pick(
  request: CommandRequest,
  command: MemoryCommand,
  found: readonly ConversationSummary[],
): Promise<CommandResult> {
  const { texts } = request;
  const listed = found.slice(0, MAX_PICK);
  const actions = await Promise.all(
    listed.map(async (summary) =>
      button(request, { label: await labelOf(request, summary) }, command, summary.sessionId),
    ),
  );
  const more = found.length - listed.length;
  const text = [texts.commands.pick(found.length), ...(more > 0 ? [texts.commands.pickMore(more)] : [])].join(' ');
  return answer('pick', text, { actions });
}

/** One line by which a person knows a conversation again: when, how long, and how their newest message begins. */
export async function labelOf({ deps, texts }: CommandRequest, summary: ConversationSummary): Promise<string> {
  const newest = await deps.memory.history(summary.sessionId, { limit: 2 });
  const said = newest?.messages.findLast(({ role }) => role === 'user')?.content ?? '';
  return texts.commands.pickEntry(summary.messages, summary.lastAt, cut(oneLine(said), MAX_BEGIN));
}
