import { describe, expect, it } from 'vitest';
import { createRateLimiter } from '../../src/app/rate-limiter.ts';
import { createCommands } from '../../src/commands/commands.ts';
import { COMMAND_LIMIT } from '../../src/commands/limit.ts';
import type { Command, CommandContext, CommandResult } from '../../src/core/commands.ts';
import type { ConversationStore } from '../../src/core/store.ts';
import { useStore } from '../contracts/store/support.ts';
import { makeSqliteFixture } from '../memory/sqlite-fixture.ts';
import { BOB, contextOf, depsOf, here, talk } from './suite/support.ts';

const MEMSTATS: Command = { name: 'memstats' };
const FORGET: Command = { name: 'forget', scope: 'here', confirmed: true };

describe('what a person may ask of their memory in a minute', () => {
  const harness = useStore(makeSqliteFixture);

  /** Commands that share one limiter, and how often they asked the store for figures. */
  function limited() {
    let asked = 0;
    const { store } = harness;
    const stats: ConversationStore = {
      ...store,
      async stats() {
        asked += 1;
        return store.stats();
      },
    };
    const commands = createCommands({ ...depsOf(store), stats, limiter: createRateLimiter(COMMAND_LIMIT) });
    const burst = async (command: Command, times: number, context: CommandContext = contextOf()) => {
      const results: CommandResult[] = [];
      for (let n = 0; n < times; n += 1) results.push(await commands.run({ command, context }));
      return results.filter(({ limited: refusal }) => refusal !== undefined);
    };
    return { commands, burst, asked: () => asked };
  }

  it('ends a burst of /memstats: what is refused asks the store for nothing, and is told once', async () => {
    const { burst, asked } = limited();
    const refused = await burst(MEMSTATS, 150);
    expect(asked()).toBe(30);
    expect(refused).toHaveLength(120);
    expect(refused.filter((result) => result.limited?.tell === true)).toEqual(refused.slice(0, 1));
    expect(refused[0]).toMatchObject({
      kind: 'refused',
      text: expect.stringMatching(/^You’re sending messages too fast/),
      files: [],
    });
    expect(refused[0]?.limited?.retryAfterMs).toBeGreaterThan(0);
  });

  it('never stops anybody from forgetting, however much they asked before', async () => {
    const { commands, burst } = limited();
    await talk(harness.store, here(), 'm1');
    await burst(MEMSTATS, 150);
    const forgotten = await commands.run({ command: FORGET, context: contextOf() });
    expect(forgotten.limited).toBeUndefined();
    expect(await harness.store.history(here())).toBeUndefined();
    expect(await burst(FORGET, 200)).toHaveLength(81);
  });

  it("is each person's own, counts all surfaces together, and says so in their language", async () => {
    const { burst } = limited();
    expect(await burst(MEMSTATS, 15, contextOf({ surface: 'slash' }))).toEqual([]);
    expect(await burst(MEMSTATS, 15, contextOf({ surface: 'action' }))).toEqual([]);
    const [refused] = await burst(MEMSTATS, 1, contextOf({ surface: 'text', locale: 'zh-CN' }));
    expect(refused?.text).toMatch(/^消息发得太快了/);
    expect(await burst(MEMSTATS, 1, contextOf({ person: BOB }))).toEqual([]);
  });

  it('allows fewer exports than pages', async () => {
    expect(await limited().burst({ name: 'history', export: true }, 60)).toHaveLength(50);
    expect(await limited().burst({ name: 'history' }, 61)).toHaveLength(1);
    expect(await limited().burst({ name: 'hint', near: 'help', reason: 'unknown', given: 'x' }, 121)).toHaveLength(1);
  });

  it('counts what is asked without a command in the same way', async () => {
    const { commands, burst } = limited();
    for (let n = 0; n < 60; n += 1) expect(await commands.limit({ name: 'history' }, contextOf())).toBeUndefined();
    expect(await commands.limit({ name: 'history' }, contextOf())).toMatchObject({ limited: { tell: true } });
    expect(await burst({ name: 'help' }, 1)).toHaveLength(1);
  });
});
