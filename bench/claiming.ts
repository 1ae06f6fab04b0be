/** What a worker does at both ends of a turn, for benchmarks that measure the store alone. */
import { randomBytes } from 'node:crypto';
import type { SessionId } from '../src/core/session.ts';
import type { ClaimedTurn, ConversationStore } from '../src/core/store.ts';
import type { TurnLease } from '../src/core/types.ts';

const process = randomBytes(9).toString('base64url');
let tokens = 0;

/** The head of a conversation that nobody runs; undefined when nothing waits. */
export async function tryClaim(
  store: Pick<ConversationStore, 'claim'>,
  sessionId: SessionId,
): Promise<ClaimedTurn | undefined> {
  tokens += 1;
  const claimed = await store.claim(sessionId, `${process}.1:${tokens}`, undefined);
  return claimed.kind === 'claimed' ? claimed.turn : undefined;
}

export async function finish(store: Pick<ConversationStore, 'complete'>, lease: TurnLease): Promise<void> {
  await store.complete(lease);
}
