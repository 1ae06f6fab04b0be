import { describe, expect, it } from 'vitest';
import { watchDepartures } from '../../src/memory/redis/departures.ts';

/** As Redis 7.0 tells it: https://redis.io/docs/latest/commands/info/ */
function info(replicas: readonly (readonly [port: number, lag: number, state?: string])[], history = 'h1'): string {
  const lines = replicas.map(
    ([port, lag, state = 'online'], index) =>
      `slave${index}:ip=10.0.0.1,port=${port},state=${state},offset=7,lag=${lag}`,
  );
  return ['# Replication', 'role:master', ...lines, `master_replid:${history}`, 'master_repl_offset:7', ''].join(
    '\r\n',
  );
}

function watchAt() {
  let now = 0;
  const { justLeft } = watchDepartures(() => now);
  const wait = (ms: number) => {
    now += ms;
  };
  return { justLeft, wait };
}

describe('a replica that left', () => {
  it('is missed for ten seconds after it was last there', () => {
    const { justLeft, wait } = watchAt();
    expect(
      justLeft(
        info([
          [1, 0],
          [2, 1],
        ]),
      ),
    ).toBe(false);
    wait(9_000);
    expect(
      justLeft(
        info([
          [1, 0],
          [2, 2],
        ]),
      ),
    ).toBe(false);
    wait(1_000);
    expect(justLeft(info([[1, 0]]))).toBe(true);
    wait(9_000);
    expect(justLeft(info([[1, 0]]))).toBe(true);
    wait(1);
    expect(justLeft(info([[1, 0]]))).toBe(false);
  });

  it('is one that says nothing, or has to be sent everything anew', () => {
    const { justLeft } = watchAt();
    expect(
      justLeft(
        info([
          [1, 0],
          [2, 0],
        ]),
      ),
    ).toBe(false);
    expect(
      justLeft(
        info([
          [1, 0],
          [2, 3],
        ]),
      ),
    ).toBe(true);
    expect(
      justLeft(
        info([
          [1, 0],
          [2, 0],
        ]),
      ),
    ).toBe(false);
    expect(
      justLeft(
        info([
          [1, 0],
          [2, 0, 'wait_bgsave'],
        ]),
      ),
    ).toBe(true);
  });

  it('is not one of another primary, nor one that was never there', () => {
    const { justLeft } = watchAt();
    expect(
      justLeft(
        info([
          [1, 9],
          [2, 0],
        ]),
      ),
    ).toBe(false);
    expect(justLeft(info([[1, 9]], 'h2'))).toBe(false);
    expect(justLeft('')).toBe(false);
  });
});
