import { describe, expect, it } from 'vitest';
import { BotError } from '../../src/errors.ts';
import { delay } from '../../src/lib/delay.ts';
import { raceTimeout, withTimeout } from '../../src/lib/timeout.ts';
import { createManualClock } from '../support/manual-clock.ts';

const never = new Promise<never>(() => {});

describe('raceTimeout', () => {
  it('settles like the work that is in time, and leaves no timer behind', async () => {
    const clock = createManualClock();
    expect(await raceTimeout(100, Promise.resolve('done'), () => 'late', clock)).toBe('done');
    await expect(raceTimeout(100, Promise.reject(new Error('broken')), () => 'late', clock)).rejects.toThrow('broken');
    expect(clock.pending()).toBe(0);
  });

  it('settles by what is given for the case that the work takes too long', async () => {
    const clock = createManualClock();
    const value = raceTimeout(100, never, () => 'late', clock);
    const thrown = raceTimeout(
      100,
      never,
      () => {
        throw new BotError('store_unavailable', 'late');
      },
      clock,
    );
    const outcome = expect(thrown).rejects.toMatchObject({ code: 'store_unavailable' });
    await clock.advance(100);
    expect(await value).toBe('late');
    await outcome;
  });
});

describe('withTimeout', () => {
  it('aborts a request that takes too long, and rejects even if the request goes on', async () => {
    const clock = createManualClock();
    let aborted = false;
    const request = withTimeout(100, clock, (signal) => {
      signal.addEventListener('abort', () => {
        aborted = true;
      });
      return never;
    });
    const outcome = expect(request).rejects.toMatchObject({ code: 'platform_unavailable', retryable: true });
    await clock.advance(99);
    expect(aborted).toBe(false);
    await clock.advance(1);
    await outcome;
    expect(aborted).toBe(true);
  });

  it('passes on a BotError and wraps every other error', async () => {
    const clock = createManualClock();
    const refused = new BotError('platform_refused', 'no');
    await expect(withTimeout(100, clock, () => Promise.reject(refused))).rejects.toBe(refused);
    const broken = new TypeError('fetch failed');
    await expect(withTimeout(100, clock, () => Promise.reject(broken))).rejects.toMatchObject({
      ...{ code: 'platform_unavailable', retryable: true, cause: broken },
    });
  });
});

describe('delay', () => {
  it('waits for its time, or until the signal aborts', async () => {
    const clock = createManualClock();
    const controller = new AbortController();
    const ended: string[] = [];
    void delay(100, undefined, clock).then(() => ended.push('time'));
    void delay(1_000, controller.signal, clock).then(() => ended.push('signal'));
    await clock.advance(100);
    expect(ended).toEqual(['time']);
    controller.abort();
    await clock.settle();
    expect(ended).toEqual(['time', 'signal']);
    expect(clock.pending()).toBe(0);
    await delay(1_000, controller.signal, clock);
  });

  it('can be waited for by many at once without a warning of a leak', async () => {
    const warnings: Error[] = [];
    const note = (warning: Error) => warnings.push(warning);
    process.on('warning', note);
    const controller = new AbortController();
    const waits = Array.from({ length: 50 }, () => delay(60_000, controller.signal));
    await new Promise((resolve) => setImmediate(resolve));
    controller.abort();
    await Promise.all(waits);
    process.off('warning', note);
    expect(warnings).toEqual([]);
  });
});
