import { describe, expect, test } from 'vitest';
import { createHeartbeat } from '../../src/core/heartbeat.ts';
import { BEAT_MS } from '../../src/core/limits.ts';
import { BotError } from '../../src/errors.ts';

describe('the heartbeat', () => {
  test('tells why the last write was refused, in words for anybody, until one is taken', () => {
    const heartbeat = createHeartbeat({ monotonic: () => 0 });
    expect(heartbeat.health()).toEqual({ ok: true });
    heartbeat.failed(new BotError('store_full', 'secret', { reason: 'it is full' }));
    expect(heartbeat.health()).toEqual({ ok: false, reason: 'nothing can be stored: it is full' });
    heartbeat.failed(new BotError('store_unavailable', 'secret'));
    expect(heartbeat.health()).toEqual({ ok: false, reason: 'nothing can be stored: store_unavailable' });
    heartbeat.wrote();
    expect(heartbeat.health()).toEqual({ ok: true });
  });

  test('notices that no write comes to an end any more', () => {
    let now = 0;
    const heartbeat = createHeartbeat({ monotonic: () => now });
    heartbeat.wrote();
    now = 6 * BEAT_MS;
    expect(heartbeat.health()).toEqual({ ok: true });
    now += 1;
    expect(heartbeat.health()).toEqual({ ok: false, reason: 'the store has not answered a write for 6 s' });
    heartbeat.wrote();
    expect(heartbeat.health()).toEqual({ ok: true });
  });
});
