/** The native stream, write by write: real requests to the fake Slack, on a clock that the test controls. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { createSlackClients } from '../../../src/adapters/slack/api/clients.ts';
import { createBoltLogger } from '../../../src/adapters/slack/receive/bolt.ts';
import { createStreamFlags, type StreamFlags } from '../../../src/adapters/slack/reply/ownership.ts';
import { createSlackStream, type SlackStream } from '../../../src/adapters/slack/reply/stream.ts';
import type { Capabilities } from '../../../src/adapters/slack/reply/writer.ts';
import { createLogger } from '../../../src/app/log.ts';
import { encodeSession } from '../../../src/core/session.ts';
import type { ConversationStore } from '../../../src/core/store.ts';
import type { MessageRef } from '../../../src/core/types.ts';
import { BotError } from '../../../src/errors.ts';
import { createSqliteStore } from '../../../src/memory/sqlite/store.ts';
import { LIMITS } from '../../contracts/store/support.ts';
import { type FakeSlack, startFakeSlack } from '../../support/fake-slack/fake-slack.ts';
import { createManualClock, type ManualClock } from '../../support/manual-clock.ts';

const logger = createLogger({ level: 'silent', secrets: [] });
const ADA = 'U0ADA';

let slack: FakeSlack;
let store: ConversationStore;
let folder: string;
let streams: StreamFlags;
let clock: ManualClock;
let stream: SlackStream;
let root: string;
let capabilities: Capabilities;
/** What was saved and sent, in order. */
let steps: string[];
let lease: { alive: boolean; controller: AbortController };
let gaveUp: number;
let saving: (part: number, ref: MessageRef) => void;

function countUp(): void {
  gaveUp += 1;
}

// One store for all: each test has a thread of its own.
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'recollect-slack-'));
  store = await createSqliteStore({ ...LIMITS, dataDir: folder, observer: { badElement() {}, error() {} } });
});
afterAll(async () => {
  await store.close();
  await rm(folder, { recursive: true, force: true });
});
beforeEach(async () => {
  slack = await startFakeSlack({ scopes: ['chat:write'] });
  slack.addUser({ id: ADA });
  root = slack.workspace.add({ channel: 'C0ROOM', user: ADA, text: 'Question' }).ts;
  clock = createManualClock();
  streams = flagsOf(root);
  steps = [];
  gaveUp = 0;
  saving = () => {};
  lease = { alive: true, controller: new AbortController() };
  capabilities = { streams: true, sessions: true };
  const clients = createSlackClients({
    ...{ botToken: slack.botToken, apiUrl: slack.apiUrl, logger: createBoltLogger(logger) },
    onInvalidToken() {},
  });
  stream = createSlackStream(
    { clients, capabilities, streams, clock, timers: clock, logger, prepare: (text) => text, onGaveUp: countUp },
    {
      ...{ platform: 'slack', team: slack.workspace.team, channel: 'C0ROOM', thread: root, trigger: root, user: ADA },
      direct: false,
    },
    {
      sessionId: encodeSession({ place: { platform: 'slack', channel: 'C0ROOM' } }),
      ...{ turnId: root, messageRefs: new Map(), resumed: false, locale: 'en' },
      lease: { alive: () => lease.alive, signal: lease.controller.signal },
      async saveMessageRef(part, ref) {
        saving(part, ref);
        steps.push(`${ref.id === undefined ? 'intent' : 'id'} ${part} after ${slack.calls.length} calls`);
      },
    },
  );
});
afterEach(async () => {
  await stream.close();
  await slack.close();
});

/** The stream flags of this message's turn. */
function flagsOf(turnId: string): StreamFlags {
  return createStreamFlags(store.flags, { team: slack.workspace.team, channel: 'C0ROOM', thread: root }, turnId);
}

const until = (assertions: () => void) => vi.waitFor(assertions, { timeout: 10_000, interval: 5 });
const replies = () => slack.replies('C0ROOM', root);
/** Lets time pass until the next write has been made. */
async function nextWrite(ms = 1_000): Promise<void> {
  const before = slack.calls.length;
  await clock.advance(ms);
  await until(() => expect(slack.calls.length).toBe(before + 1));
  await until(() => expect(stream.shown().length).toBeGreaterThan(0));
}

describe('a stream', () => {
  it('saves the intent before a write, and the id after it', async () => {
    stream.update('Hello');
    await nextWrite();
    expect(await stream.end('Hello there')).toBe(true);
    expect(steps).toEqual(['intent 1 after 0 calls', 'id 1 after 1 calls']);
    expect(slack.calls.map(({ method }) => method)).toEqual(['chat.startStream', 'chat.stopStream']);
    expect(replies().map(({ text, stream: live }) => [text, live])).toEqual([['Hello there', undefined]]);
  });

  it('counts text as shown before its id is saved', async () => {
    const shown: string[] = [];
    saving = (_, { id }) => {
      if (id !== undefined) shown.push(stream.shown());
    };
    stream.update('Hello');
    await nextWrite();
    await stream.end('Hello there');
    expect(shown).toEqual(['Hello']);
  });

  it('starts nothing for an answer that is complete at once', async () => {
    stream.update('Hello');
    expect(await stream.end('Hello')).toBe(false);
    expect(stream.messageRefs().size).toBe(0);
    expect(slack.calls).toEqual([]);
  });

  it('continues in a new message before Slack ends the old one, and repeats nothing', async () => {
    stream.update('One two');
    await nextWrite();
    await clock.advance(240_000);
    stream.update('One two three four fi');
    await until(() => expect(slack.calls.length).toBe(2));
    stream.update('One two three four five six');
    await nextWrite();
    expect(await stream.end('One two three four five six.')).toBe(true);
    expect(replies().map(({ text }) => text)).toEqual(['One two three four ', 'five six.']);
    expect(replies().map(({ metadata }) => metadata)).toMatchObject([
      { event_payload: { turn: root, part: 1 } },
      { event_payload: { turn: root, part: 2 } },
    ]);
  });

  it('sends only new text, once a second, however often the text grows', async () => {
    let text = '';
    for (let word = 0; word < 50; word += 1) {
      text += `word${word} `;
      stream.update(text);
    }
    await nextWrite();
    for (let word = 50; word < 60; word += 1) {
      text += `word${word} `;
      stream.update(text);
    }
    await nextWrite();
    expect(slack.calls.map(({ method }) => method)).toEqual(['chat.startStream', 'chat.appendStream']);
    expect(slack.calls[1]?.args.markdown_text).toBe(Array.from({ length: 10 }, (_, at) => `word${at + 50} `).join(''));
  });

  it('waits as long as Slack asks, and then sends the rest', async () => {
    stream.update('Hello');
    await nextWrite();
    slack.fail('chat.appendStream', { kind: 'rate_limited', retryAfter: 30 });
    stream.update('Hello there');
    await nextWrite();
    // The call was counted before its answer left: the stream waits only when that has come.
    await until(() => expect(clock.pending()).toBe(1));
    await clock.advance(29_000);
    expect(slack.calls).toHaveLength(2);
    await nextWrite(2_000);
    expect(replies()[0]?.text).toBe('Hello there');
    expect(gaveUp).toBe(0);
  });

  it.each([
    ['its answer is lost', { kind: 'lost' }],
    ['Slack fails', { kind: 'status', status: 503 }],
    ['the stream is dead', { kind: 'error', error: 'message_not_in_streaming_state' }],
  ] as const)('gives up when %s, because the content of the message is uncertain', async (_, fault) => {
    stream.update('Hello');
    await nextWrite();
    slack.fail('chat.appendStream', fault);
    stream.update('Hello there');
    await nextWrite();
    await until(() => expect(gaveUp).toBe(1));
    expect(await stream.end('Hello there')).toBe(false);
    expect(slack.calls).toHaveLength(2);
    expect(stream.messageRefs().get(1)?.id).toBe(replies()[0]?.ts);
    expect(stream.shown()).toBe('Hello');
  });

  it('that was not started leaves no intent', async () => {
    slack.fail('chat.startStream', { kind: 'error', error: 'unknown_method' });
    stream.update('Hello');
    await clock.advance(1_000);
    await until(() => expect(gaveUp).toBe(1));
    expect(stream.messageRefs().size).toBe(0);
    expect(await streams.isReserved()).toBe(false);
    expect(capabilities.streams).toBe(false);
  });

  it('whose first answer is lost stays reserved, and no other stream starts in the thread until it is found', async () => {
    slack.fail('chat.startStream', { kind: 'lost' });
    stream.update('Hello');
    await clock.advance(1_000);
    await until(() => expect(gaveUp).toBe(1));
    expect(stream.messageRefs().get(1)).toEqual({ intentAt: expect.any(Number) });
    expect(await streams.isReserved()).toBe(true);
    expect(capabilities.streams).toBe(true);
    const rival = flagsOf('another turn');
    expect(await rival.reserve()).toBe(false);
    expect(await rival.isReserved()).toBe(false);
    await rival.cancel();
    expect(await rival.reserve()).toBe(false);
    await streams.confirm(replies()[0]?.ts ?? '');
    expect(await rival.reserve()).toBe(true);
    expect(await rival.isConfirmed(replies()[0]?.ts ?? '')).toBe(true);
  });

  it('is not started while another stream in its thread is reserved', async () => {
    expect(await flagsOf('another turn').reserve()).toBe(true);
    stream.update('Hello');
    await clock.advance(1_000);
    await until(() => expect(gaveUp).toBe(1));
    expect(slack.calls).toEqual([]);
    expect(steps).toEqual([]);
    expect(capabilities.streams).toBe(true);
  });

  it('that is confirmed belongs to its turn, and another one may start', async () => {
    stream.update('Hello');
    await nextWrite();
    await until(() => expect(steps).toHaveLength(2));
    stream.update('Hello there');
    await nextWrite();
    const rival = flagsOf('another turn');
    expect(await streams.isReserved()).toBe(false);
    expect(await rival.isConfirmed(replies()[0]?.ts ?? '')).toBe(true);
    expect(await rival.reserve()).toBe(true);
  });

  it('gives up when the answer starts again, and shows what was streamed until that is replaced', async () => {
    stream.update('Hello');
    await nextWrite();
    stream.update('Another answer');
    await clock.advance(1_000);
    await until(() => expect(gaveUp).toBe(1));
    expect(stream.shown()).toBe('Hello');
    expect(slack.calls).toHaveLength(1);
  });

  it('gives up when its text is taken back, even before any of it was sent', async () => {
    stream.update('secret');
    stream.update('');
    stream.update('Hi');
    await clock.advance(1_000);
    await until(() => expect(gaveUp).toBe(1));
    expect(slack.calls).toEqual([]);
    expect(await stream.end('Hi')).toBe(false);
  });

  it('writes nothing without its lease', async () => {
    stream.update('Hello');
    await nextWrite();
    lease.alive = false;
    stream.update('Hello there');
    await clock.advance(2_000);
    expect(slack.calls).toHaveLength(1);
    lease.controller.abort();
    await expect(stream.end('Hello there')).rejects.toMatchObject({ code: 'turn_lost' });
    expect(slack.calls).toHaveLength(1);
  });

  it('writes nothing once another worker has the turn', async () => {
    saving = () => {
      throw new BotError('turn_lost', 'Another worker has this turn.');
    };
    stream.update('Hello');
    await clock.advance(1_000);
    await expect(stream.end('Hello')).rejects.toMatchObject({ code: 'turn_lost' });
    expect(slack.calls).toEqual([]);
  });

  it('that Slack has ended (Stop button) needs no further write if it is complete', async () => {
    stream.update('Hello');
    await nextWrite();
    slack.expireStreams();
    expect(await stream.end('Hello')).toBe(true);
    expect(replies().map(({ text }) => text)).toEqual(['Hello']);
  });
});
