/** Command text: everything that may be typed, chosen or pressed, read by the real commands and run on a real store. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { createCommands } from '../../../src/commands/commands.ts';
import { CATALOGUE } from '../../../src/commands/registry.ts';
import type { Command, CommandContext } from '../../../src/core/commands.ts';
import { encodeSession } from '../../../src/core/session.ts';
import { BotError } from '../../../src/errors.ts';
import { createSqliteStore } from '../../../src/memory/sqlite/store.ts';
import { LIMITS, messageOf, runTurn } from '../../contracts/store/support.ts';
import { previewOf } from '../../support/context.ts';
import { createTally, type FuzzEdge } from '../edge.ts';
import { inputsOf, mutated, nastyText } from '../inputs.ts';

const COMMAND_NAMES = CATALOGUE.map(({ name }) => name);
const PLACE = { platform: 'slack', workspace: 'T1', channel: 'C1' };
const SESSION = encodeSession({ place: PLACE, user: 'ada' });
/** The longest answer that the surfaces show. */
const LONGEST = 2_000;

interface Input {
  readonly how: 'typed' | 'arguments' | 'options' | 'message' | 'pressed';
  readonly name: string;
  readonly text: string;
  readonly options: unknown;
  readonly context: Pick<CommandContext, 'isDirect' | 'canManage' | 'surface' | 'hasButtons' | 'locale'> & {
    timeZone: string;
  };
}

const text = fc.oneof(
  nastyText,
  fc
    .tuple(fc.constantFrom('/', '!', '', '@bot /'), fc.constantFrom(...COMMAND_NAMES), nastyText)
    .map(([sign, name, rest]) => `${sign}${name} ${rest}`),
);

const input: fc.Arbitrary<Input> = fc.record({
  how: fc.constantFrom<Input['how'][]>('typed', 'typed', 'arguments', 'options', 'message', 'pressed'),
  name: fc.constantFrom(...COMMAND_NAMES),
  text,
  options: mutated({ limit: 10, export: true, scope: 'here', value: '10m', text: 'I am vegetarian' }),
  context: fc.record({
    isDirect: fc.boolean(),
    canManage: fc.boolean(),
    surface: fc.constantFrom<CommandContext['surface'][]>('slash', 'text', 'action'),
    hasButtons: fc.boolean(),
    locale: fc.constantFrom<CommandContext['locale'][]>('en', 'zh-CN'),
    timeZone: nastyText,
  }),
});

export const fuzzCommands: FuzzEdge = async ({ runs, seed }) => {
  const tally = createTally();
  const dataDir = await mkdtemp(join(tmpdir(), 'recollect-fuzz-'));
  const store = await createSqliteStore({ ...LIMITS, dataDir, observer: { badElement() {}, error() {} } });
  const commands = createCommands({
    ...{
      memory: store,
      stats: store,
      facts: store.facts,
      model: undefined,
      scope: 'user',
      admins: new Set(),
      clock: { now: () => Date.now() },
    },
    limiter: { take: async () => ({ ok: true }) },
    platform: () => undefined,
    ...{ minTtl: LIMITS.minTtl, maxTtl: LIMITS.maxTtl, memoryWindow: 20, maxMessages: LIMITS.maxMessages },
    context: previewOf(store),
  });

  function read({ how, name, text: typed, options }: Input): Command | undefined {
    switch (how) {
      case 'typed':
        return commands.readText(typed);
      case 'arguments':
        return commands.readArguments(name, typed);
      case 'options':
        return commands.readOptions(name, isRecord(options) ? options : {});
      case 'message':
        return commands.readMessage(name, { text: typed, author: isRecord(options) ? 'ada' : undefined });
      case 'pressed':
        return commands.readAction(typed)?.command;
    }
  }

  try {
    let turns = 0;
    for (const one of inputsOf(input, runs, seed)) {
      if ((await store.conversationStats(SESSION)) === undefined) {
        turns += 1;
        await runTurn(store, messageOf(SESSION, `m${turns}`));
      }
      try {
        const command = read(one);
        tally.count(command?.name ?? 'no command');
        if (command === undefined) continue;
        const context = {
          ...one.context,
          place: PLACE,
          sessionId: SESSION,
          person: { platform: 'slack', workspace: 'T1', user: 'ada' },
        };
        const before = (await store.facts.list(SESSION)).length;
        const result = await commands.run({ command, context });
        const kept = (await store.facts.list(SESSION)).length > before;
        if (kept && !context.isDirect && one.how !== 'pressed') tally.complain('kept without being asked', one);
        if (result.text === '' || result.text.length > LONGEST)
          tally.complain(`an answer of ${result.text.length} characters`, one);
        const asked = context.surface === 'text' && context.hasButtons && one.how !== 'pressed';
        if (asked && (await store.conversationStats(SESSION)) === undefined)
          tally.complain('erased without being asked twice', one);
      } catch (thrown) {
        if (!(thrown instanceof BotError) || thrown.code === 'internal') tally.complain(String(thrown), one);
        else tally.count(thrown.code);
      }
    }
  } finally {
    await store.close();
    await rm(dataDir, { recursive: true, force: true });
  }
  return tally;
};

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
