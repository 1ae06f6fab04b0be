/** How a process ends by a fault of the program: seen from outside. */
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { describeFault } from '../../src/app/fatal.ts';
import { startGuarded } from '../support/guarded-process.ts';
import { variants } from '../support/tier.ts';

const FAULTY = fileURLToPath(new URL('../support/faulty-process.ts', import.meta.url));

async function runFaulty(kind: string, when = 'later'): Promise<{ readonly code: number; readonly output: string }> {
  const env = { PATH: process.env.PATH, LOG_FORMAT: 'json' };
  const child = await startGuarded(process.execPath, ['--import', 'tsx', FAULTY, kind, when], { env });
  onTestFinished(() => child.release());
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (data: Buffer) => {
      output += data.toString();
    });
  }
  const code = await child.exited;
  await new Promise(setImmediate);
  return { code, output };
}

const FAULTS: readonly (readonly [string, RegExp])[] = [
  ['thrown', /"name":"Error".*"name":"ReplyError"/],
  ['rejected', /"name":"ReplyError"/],
  ['together', /"name":"AggregateError".*"name":"ReplyError".*"thrown: string"/],
  ['text', /"ERR_UNHANDLED_REJECTION"|thrown: string/],
  ['data', /"ERR_UNHANDLED_REJECTION"|thrown: object/],
  ['nothing', /"ERR_UNHANDLED_REJECTION"|thrown: null/],
];

test.each(variants(FAULTS, 2))(
  'an error that nobody caught (%s) ends the process with 70 and says where it was, and nothing of what it carries',
  async (kind, named) => {
    const { code, output } = await runFaulty(kind);
    expect(code).toBe(70);
    expect(output).toContain('started');
    const line = output.split('\n').find((one) => one.includes('uncaught error'));
    expect(line).toMatch(named);
    expect(output).not.toMatch(/diagnosis|confidential|secret/);
    if (kind === 'thrown') expect(line).toMatch(/faulty-process\.ts:\d+:\d+/);
  },
);

test('one that can’t even be looked at ends it all the same', async () => {
  const { code, output } = await runFaulty('hostile');
  expect(code).toBe(70);
  expect(output).not.toMatch(/diagnosis|confidential|secret/);
});

test.each(variants(['thrown', 'rejected', 'together', 'text', 'nothing']))(
  'one that comes up in the start (%s) tells no more',
  async (kind) => {
    const { code, output } = await runFaulty(kind, 'starting');
    expect(code).toBe(70);
    expect(output).toContain('Internal error: {"name":');
    expect(output).not.toMatch(/diagnosis|confidential|secret|started/);
  },
);

test('what the system said is told', () => {
  const refused = Object.assign(new Error('listen EACCES: permission denied 0.0.0.0:80'), {
    ...{ code: 'EACCES', errno: -13, syscall: 'listen' },
  });
  expect(describeFault(refused)).toMatchObject({ code: 'EACCES', detail: refused.message });
});
