/** Slack's Stop button: stops the turn that runs in the thread, in any replica, if it belongs to the person who pressed. */
import { z } from 'zod';
import type { BotPort } from '../../../core/bot-port.ts';
import type { Logger } from '../../../core/ports.ts';
import type { TurnId } from '../../../core/types.ts';
import type { Timers } from '../../../lib/timers.ts';
import type { SlackClients } from '../api/clients.ts';
import { logFailure } from '../commands/private-answers.ts';
import { type Scopes, sessionAt } from '../ids.ts';
import type { SlackInput } from '../receive/inputs.ts';
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

const repliesShape = z.object({
  messages: z.array(z.object({ ts: z.string(), user: z.string().optional() })).default([]),
});

export function createSlackStop({ bot, clients, capabilities, scopes, timers, logger }: SlackStopDeps): SlackStop {
  /** Whether the turn's message is in this thread and by this person. Turn ids are timestamps of messages. */
  async function isTheirs(turn: TurnId, channel: string, thread: string, user: string): Promise<boolean> {
    const answer = await clients.lookUp((client) =>
      client.conversations.replies({ channel, ts: thread, oldest: turn, latest: turn, inclusive: true, limit: 2 }),
    );
    return repliesShape.parse(answer).messages.some((message) => message.ts === turn && message.user === user);
  }

  return {
    async pressed({ team, channel, thread, user }) {
      const direct = channel.startsWith('D');
      const sessionId = sessionAt({ team, channel, root: thread, user, direct }, scopes);
      const [running] = await bot.waiting(sessionId);
      // The press names a conversation of one person in one thread; other conversations have turns of other people or threads.
      const own = direct ? scopes.dmScope === 'thread' : scopes.scope === 'user';
      const mayStop =
        running !== undefined && (own || (await isTheirs(running, channel, thread, user).catch(() => false)));
      if (mayStop && (await bot.stop(sessionId, running))) return;
      // Slack does not change the session: without this the button would stay.
      if (running === undefined) {
        const shown = { clients, capabilities, timers, text: '', alive: () => true, leftShown: true };
        const status = createSlackStatus(shown, { channel, thread });
        status.clear().catch(logFailure(logger, 'could not clear a status'));
      }
    },
  };
}
