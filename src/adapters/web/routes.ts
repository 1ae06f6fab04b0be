/** What the page asks for, under /playground/api. */
import { createHash } from 'node:crypto';
import type { Hono } from 'hono';
import { streamSSE } from 'hono/streaming';
import type { z } from 'zod';
import type { BotPort } from '../../core/bot-port.ts';
import type { CommandCall, MemoryCommand } from '../../core/commands.ts';
import type { Clock, CoreMessages, Logger } from '../../core/ports.ts';
import { isOwn, personOf, type SessionId, type SessionScope } from '../../core/session.ts';
import { BotError } from '../../errors.ts';
import type { BodyRoom } from '../../lib/body-room.ts';
import { bodyLimit, readJson, withLargeJson } from '../../lib/json-body.ts';
import { keepAlive } from '../../lib/keep-alive.ts';
import { MAX_FILE_BYTES, MAX_FILES, MAX_FILES_JSON } from '../attachments.ts';
import { announce } from './announcements.ts';
import { runFeed } from './feed.ts';
import { createFeedSlots } from './feed-slots.ts';
import { contextOf, parse, sessionOf, toMessage } from './normalize.ts';
import { renderAnswer, renderCommands, renderFiles, renderMemory, renderReceived } from './render.ts';
import { SAMPLE_MS, type Samples } from './samples.ts';
import {
  actionBody,
  eventsQuery,
  type FeedEvents,
  factBody,
  messageBody,
  messageRef,
  type Reads,
  type Seat,
  SHOWN_MESSAGES,
  seatQuery,
  setupQuery,
  type Writes,
} from './schemas.ts';

export interface RouteDeps {
  /** @throws BotError `platform_unavailable` before the start. */
  readonly bot: () => BotPort;
  readonly scope: SessionScope;
  readonly store: string;
  /** For people: which model answers. */
  readonly model: string;
  /** Longest message of a person, in UTF-16 units. */
  readonly maxMessageLength: number;
  /** For bodies with files. */
  readonly bodies: BodyRoom;
  readonly samples: Pick<Samples, 'list'>;
  readonly coreMessages: CoreMessages;
  readonly logger: Logger;
  readonly clock: Pick<Clock, 'now'>;
  /** False once the process is ending: messages are refused then. */
  readonly isOpen: () => boolean;
  /** Aborts when all streams have to end. */
  readonly ending: AbortSignal;
  readonly pollMs: number;
  readonly heartbeatMs: number;
}

const API = '/playground/api';
/** How long the author of a turn is known: as long as the turn's record. */
const AUTHOR_MS = 24 * 3_600_000;

export function addRoutes(app: Hono, deps: RouteDeps): void {
  const { bot, scope, coreMessages, logger } = deps;
  const maxBytes = bodyLimit(deps.maxMessageLength);
  const slots = createFeedSlots();
  const messageLimits = {
    ...{ small: maxBytes, large: maxBytes + MAX_FILES_JSON, field: 'attachments' },
    room: deps.bodies,
  };

  app.get(`${API}/setup`, (c) => {
    const { locale, can_manage } = parse(setupQuery, c.req.query());
    const answer: Reads['setup']['answer'] = {
      scope,
      store: deps.store,
      model: deps.model,
      ...{ max_message_length: deps.maxMessageLength, max_files: MAX_FILES, max_file_bytes: MAX_FILE_BYTES },
      commands: renderCommands(bot().commands.catalogue, locale, can_manage === 'true'),
    };
    return c.json(answer);
  });

  app.post(`${API}/messages`, (c) =>
    withLargeJson(c.req.raw, messageLimits, async (received) => {
      const body = parse(messageBody, received);
      if (!deps.isOpen()) return c.json({ detail: 'The bot is shutting down.' }, 503, { 'Retry-After': '1' });
      const command = bot().commands.readText(body.text);
      if (command === undefined) return c.json(await receive(body));
      return c.json(await runCommand({ command, context: contextOf(body, scope, 'text') }));
    }),
  );

  app.post(`${API}/messages/delete`, async (c) => {
    const body = parse(messageRef, await readJson(c.req.raw, maxBytes));
    const session = sessionOf(body, scope);
    const limited = await limitOf({ name: 'forget', scope: 'here', confirmed: true }, session, body);
    if (limited !== undefined) return c.json({ detail: limited.text }, 429);
    const stored = (await bot().memory.history(session))?.messages ?? [];
    // In a shared conversation only one's own.
    const message = stored.find(({ turn, authorId }) => turn === body.id && authorId === body.user);
    if (message !== undefined) {
      await bot().memory.removeTurns(session, { source: message.source });
      await announce(bot(), logger, session, { kind: 'web.changed' });
    }
    return c.json({ deleted: message !== undefined } satisfies Writes['messages/delete']['answer']);
  });

  app.post(`${API}/actions`, async (c) => {
    const body = parse(actionBody, await readJson(c.req.raw, maxBytes));
    const pressed = bot().commands.readAction(body.action);
    if (pressed === undefined) throw new BotError('bad_input', 'There is no such button.');
    const { command, targetHash } = pressed;
    return c.json(await runCommand({ command, targetHash, context: contextOf(body, scope, 'action') }));
  });

  app.post(`${API}/stop`, async (c) => {
    const body = parse(messageRef, await readJson(c.req.raw, maxBytes));
    const asked = await bot().flags.has(sessionOf(body, scope), authorNote(body.id, body.user));
    const stopped = asked && (await bot().stop(sessionOf(body, scope), body.id));
    return c.json({ stopped } satisfies Writes['stop']['answer']);
  });

  app.post(`${API}/facts/remove`, async (c) => {
    const body = parse(factBody, await readJson(c.req.raw, maxBytes));
    const session = sessionOf(body, scope);
    if (!isOwn(session)) throw new BotError('bad_input', 'There are no facts where people share one conversation.');
    const limited = await limitOf({ name: 'facts', remove: body.id }, session, body);
    if (limited !== undefined) return c.json({ detail: limited.text }, 429);
    const removed = await bot().facts.remove(session, body.id);
    if (removed) await announce(bot(), logger, session, { kind: 'web.changed' });
    return c.json({ removed } satisfies Writes['facts/remove']['answer']);
  });

  app.get(`${API}/memory`, async (c) => {
    const session = sessionOf(parse(seatQuery, c.req.query()), scope);
    const { memory, stats } = bot();
    const [ttl, figures, history, seen, facts] = await Promise.all([
      memory.ttl(session),
      stats.conversationStats(session),
      memory.history(session, { limit: SHOWN_MESSAGES }),
      bot().seen(session),
      isOwn(session) ? bot().facts.list(session) : undefined,
    ]);
    const answer: Reads['memory']['answer'] = renderMemory({ ttl, stats: figures, history, seen, facts });
    return c.json(answer);
  });

  app.get(`${API}/overview`, (c) => {
    const answer: Reads['overview']['answer'] = { every_ms: SAMPLE_MS, samples: [...deps.samples.list()] };
    return c.json(answer);
  });

  app.get(`${API}/events`, (c) => {
    const query = parse(eventsQuery, { ...c.req.query(), track: c.req.queries('track') ?? [] });
    const free = slots.take(JSON.stringify([query.channel, query.user]));
    if (free === undefined) {
      return c.json({ detail: 'Too many pages are open. Close some of them.' }, 429, { 'Retry-After': '10' });
    }
    const gone = new AbortController();
    const signal = AbortSignal.any([gone.signal, deps.ending]);
    // nginx would hold the events back otherwise.
    c.header('X-Accel-Buffering', 'no');
    return streamSSE(c, async (stream) => {
      stream.onAbort(() => gone.abort());
      const stopHeartbeat = keepAlive(stream, deps.heartbeatMs);
      try {
        await runFeed({
          bot: bot(),
          sessionId: sessionOf(query, scope),
          locale: query.locale,
          tracked: query.track,
          send: <Name extends keyof FeedEvents>(event: Name, data: FeedEvents[Name]) =>
            stream.writeSSE({ event, data: JSON.stringify(data) }),
          ...{ coreMessages, logger, signal, pollMs: deps.pollMs },
        });
      } finally {
        stopHeartbeat();
        free();
      }
    });
  });

  /** Of what costs the store as much as this command. */
  function limitOf(command: MemoryCommand, session: SessionId, { user, locale }: Pick<Seat, 'user' | 'locale'>) {
    return bot().commands.limit(command, { person: personOf(session, user), locale });
  }

  async function receive(body: z.infer<typeof messageBody>): Promise<Writes['messages']['answer']> {
    const message = toMessage(body, scope, deps.clock.now());
    const { sessionId, turnId, author, text, attachments } = message;
    const result = await bot().receive(message);
    if (result.kind === 'queued') {
      // Not earlier: a refused message must leave no trace, and repeating somebody's message id must not make one its author.
      await bot().flags.set(sessionId, authorNote(turnId, author.id), AUTHOR_MS);
      const said = { turn: turnId, author: author.name, text, ...renderFiles(attachments) };
      await announce(bot(), logger, sessionId, { kind: 'web.said', ...said });
    }
    return renderReceived(result);
  }

  async function runCommand(call: CommandCall): Promise<Writes['actions']['answer']> {
    const answer = renderAnswer(await bot().commands.run(call));
    const { sessionId } = call.context;
    if (sessionId !== undefined) await announce(bot(), logger, sessionId, { kind: 'web.changed' });
    return { kind: 'answer', answer };
  }
}

/** Others in the conversation may stay when this person is forgotten, so it does not name them. */
function authorNote(turn: string, user: string): string {
  return `asked:${createHash('sha256').update(`${turn}\n${user}`).digest('base64url')}`;
}
