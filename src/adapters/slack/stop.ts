/** Slack's own Stop button: it stops the turn that runs in the thread, wherever it runs, if it is the presser's own. */
import { z } from 'zod';
import type { BotPort } from '../../core/bot-port.ts';
import type { Logger } from '../../core/ports.ts';
import type { TurnId } from '../../core/types.ts';
import type { Timers } from '../../lib/timers.ts';
import type { SlackClients } from './clients.ts';
import { type Scopes, type SlackInput, sessionAt } from './normalize.ts';
import { logged } from './private-answers.ts';
import { createSlackStatus } from './status.ts';
import type { Capabilities } from './writer.ts';

export interface SlackStop {
  /** @throws BotError `store_unavailable` */
  pressed(press: Extract<SlackInput, { kind: 'stop' }>): Promise<void>;
}

export interface SlackStopDeps {
  readonly bot: BotPort;
  readonly clients: SlackClients;
  readonly capabilities: Capabilities;
  readonly scopes: Scopes;
  readonly timers: Timers;
  readonly logger: Logger;
}

const shape = z.object({ messages: z.array(z.object({ ts: z.string(), user: z.string().optional() })).default([]) });

export function createSlackStop({ bot, clients, capabilities, scopes, timers, logger }: SlackStopDeps): SlackStop {
  /** The turn's message stands in this thread and is this person's. Turn ids are timestamps of messages. */
  async function isTheirs(turn: TurnId, channel: string, thread: string, user: string): Promise<boolean> {
    const answer = await clients.look((client) =>
      client.conversations.replies({ channel, ts: thread, oldest: turn, latest: turn, inclusive: true, limit: 2 }),
    );
    return shape.parse(answer).messages.some((message) => message.ts === turn && message.user === user);
  }

  return {
    async pressed({ team, channel, thread, user }) {
      const direct = channel.startsWith('D');
      const sessionId = sessionAt({ team, channel, root: thread, user, direct }, scopes);
      const [running] = await bot.waiting(sessionId);
      // A conversation of one person in one thread is named by the press itself; others hold other people's or threads' turns.
      const own = direct ? scopes.dmScope === 'thread' : scopes.scope === 'user';
      const mayStop =
        running !== undefined && (own || (await isTheirs(running, channel, thread, user).catch(() => false)));
      if (mayStop && (await bot.stop(sessionId, running))) return;
      // Slack leaves the session as it was: without this the button would stay.
      if (running === undefined) {
        const shown = { clients, capabilities, timers, text: '', alive: () => true, leftShown: true };
        const status = createSlackStatus(shown, { channel, thread });
        status.clear().catch(logged(logger, 'a status could not be cleared'));
      }
    },
  };
}
