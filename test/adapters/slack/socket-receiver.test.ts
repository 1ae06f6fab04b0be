/** Slack's socket when it is open and brings nothing: a real one of the fake Slack's, on a clock that the test plays. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createBoltLogger, type SlackReceiver } from '../../../src/adapters/slack/receive/bolt.ts';
import { createSocketReceiver } from '../../../src/adapters/slack/receive/socket-receiver.ts';
import { IDLE_MS, SILENT_MS } from '../../../src/adapters/slack/receive/socket-watch.ts';
import { createLogger } from '../../../src/app/log.ts';
import { type FakeSlack, startFakeSlack } from '../../support/fake-slack/fake-slack.ts';
import { createManualClock, type ManualClock } from '../../support/manual-clock.ts';

const logger = createLogger({ level: 'silent', secrets: [] });
const PINGS = 'undici:websocket:ping';

let slack: FakeSlack;
let clock: ManualClock;
let transport: SlackReceiver;
let pings: number;

function countPing(): void {
  pings += 1;
}

beforeEach(async () => {
  pings = 0;
  subscribe(PINGS, countPing);
  slack = await startFakeSlack({ scopes: [] });
  clock = createManualClock();
  transport = createSocketReceiver({
    ...{ appToken: slack.appToken, apiUrl: slack.apiUrl, logger, slackLogger: createBoltLogger(logger), timers: clock },
  });
  await transport.start();
  await until(() => expect(pings).toBeGreaterThan(0));
});
afterEach(async () => {
  unsubscribe(PINGS, countPing);
  await transport.stop();
  await slack.close();
});

const until = (assertions: () => void | Promise<void>) => vi.waitFor(assertions, { timeout: 10_000, interval: 5 });
async function pinged(): Promise<void> {
  const before = pings;
  slack.deliveries.ping();
  await until(() => expect(pings).toBeGreaterThan(before));
}

/** A new socket has replaced the old one. */
async function untilRenewed(): Promise<void> {
  await until(() => expect(slack.deliveries.connected()).toBe(2));
  await until(() => expect(transport.health()).toEqual({ ok: true }));
}

describe('a socket', () => {
  it('that brings nothing for half a minute is reported by the health check, and replaced', async () => {
    slack.deliveries.mute({ pings: false });
    await clock.advance(SILENT_MS - 1);
    expect(transport.health()).toEqual({ ok: true });
    let open = () => {};
    const release = new Promise<void>((resolve) => {
      open = resolve;
    });
    slack.fail('apps.connections.open', { kind: 'held', release });
    await clock.advance(1);
    expect(transport.health()).toEqual({ ok: false, detail: expect.stringContaining('Slack sent nothing') });
    open();
    await untilRenewed();
    await until(() => expect(slack.deliveries.connections()).toBe(1));
  });

  it('that is pinged but brings no message is replaced after a quarter of an hour', async () => {
    slack.deliveries.mute({ pings: true });
    for (let left = IDLE_MS - 1; left > 0; left -= SILENT_MS - 1) {
      await pinged();
      await clock.advance(Math.min(left, SILENT_MS - 1));
    }
    expect(slack.deliveries.connected()).toBe(1);
    expect(transport.health()).toEqual({ ok: true });
    await pinged();
    await clock.advance(1);
    await untilRenewed();
  });

  it('on which Slack sends no hello is replaced', async () => {
    slack.deliveries.greet(false);
    slack.deliveries.cut();
    await until(() => expect(slack.deliveries.connected()).toBe(2));
    expect(transport.health().ok).toBe(false);
    slack.deliveries.greet(true);
    await clock.advance(15_000);
    await until(() => expect(transport.health().detail).toContain('in time'));
    await clock.advance(250);
    await until(() => expect(transport.health()).toEqual({ ok: true }));
    expect(slack.deliveries.connected()).toBe(3);
  });

  it('that is one too many is reported, is requested again, and opens when a connection becomes free', async () => {
    const open = () =>
      createSocketReceiver({
        ...{
          appToken: slack.appToken,
          apiUrl: slack.apiUrl,
          logger,
          slackLogger: createBoltLogger(logger),
          timers: clock,
        },
      });
    const others = Array.from({ length: 9 }, open);
    const surplus = open();
    try {
      for (const other of others) await other.start();
      expect(slack.deliveries.connections()).toBe(10);
      await surplus.start();
      await until(() =>
        expect(surplus.health()).toEqual({ ok: false, detail: expect.stringMatching(/ten.*SLACK_SIGNING_SECRET/) }),
      );
      const asked = slack.callsOf('apps.connections.open').length;
      await clock.advance(25_000);
      expect(slack.callsOf('apps.connections.open')).toHaveLength(asked);
      await pinged();
      await clock.advance(5_000);
      await until(() => expect(slack.callsOf('apps.connections.open')).toHaveLength(asked + 1));
      await until(() => expect(surplus.health().detail).toContain('ten'));
      await others[0]?.stop();
      await until(() => expect(slack.deliveries.connections()).toBe(9));
      // The half minute begins when Slack has closed the attempt above, whenever that is.
      await until(async () => {
        await pinged();
        await clock.advance(15_000);
        expect(surplus.health()).toEqual({ ok: true });
      });
    } finally {
      for (const each of [...others, surplus]) await each.stop();
    }
  });
});
