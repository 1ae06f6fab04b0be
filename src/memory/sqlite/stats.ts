/** Statistics of the service and of one conversation. */
import { z } from 'zod';
import type { Stats } from '../../core/store.ts';
import type { SqliteContext } from './context.ts';
import type { Sweep } from './sweep.ts';
import type { Tables } from './tables.ts';

const dayRow = z.object({ turns: z.number(), tokens: z.number() });

export function createStats(context: SqliteContext, tables: Tables, sweep: Sweep): Stats {
  const { db, read } = context;
  const { inbox, conversations } = tables;
  const selectDay = db.query('SELECT turns, tokens FROM day WHERE date = ?', dayRow);

  return {
    async stats() {
      await sweep.all();
      return await read('stats', (now) => {
        const today = selectDay.one(new Date(now).toISOString().slice(0, 10));
        return {
          ...conversations.totals(now),
          turnsToday: today?.turns ?? 0,
          tokensToday: today?.tokens ?? 0,
          pending: inbox.countPending(now),
          server: {
            store: 'sqlite' as const,
            version: db.version,
            usedMemoryBytes: null,
            usedMemoryHuman: null,
            connectedClients: null,
          },
        };
      });
    },

    conversationStats: (sessionId) =>
      read('conversationStats', (now) => {
        const living = conversations.living(sessionId, now);
        if (living === undefined) return undefined;
        const { messages, turns, tokens, createdAt, expiresAt } = living;
        const bytes = conversations.bytes(sessionId);
        return { messages, turns, tokens, bytes, createdAt, expiresInMs: expiresAt - now, key: sessionId };
      }),
  };
}
