import { baseSession, type SessionId } from '../core/session.ts';
import { isShared, placeSession } from './access.ts';
import type { CommandRequest } from './command.ts';

/**
 * The person's conversation here outside any thread, under which their facts are kept. Undefined where people share one
 * conversation: there are no facts.
 */
export function factPlace({
  context,
  deps,
  sessionId,
}: Pick<CommandRequest, 'context' | 'deps' | 'sessionId'>): SessionId | undefined {
  const base = sessionId === undefined ? placeSession(context, deps.scope) : baseSession(sessionId);
  return isShared(context, base) ? undefined : base;
}
