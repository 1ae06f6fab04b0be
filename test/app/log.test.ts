import { Redis } from 'ioredis';
import { describe, expect, inject, it } from 'vitest';
import { z } from 'zod';
import { createLogger, type LogSettings } from '../../src/app/log.ts';
import { BotError, toBotError } from '../../src/errors.ts';

interface Line {
  readonly [field: string]: unknown;
}

/** A log whose lines are kept, as they were written. */
function keptLog(settings: Partial<LogSettings> = {}, isTTY = false) {
  const lines: string[] = [];
  const write = (line: string) => void lines.push(line);
  const log = createLogger({ level: 'debug', secrets: [], ...settings }, { isTTY, write });
  const last = (): Line => JSON.parse(lines.at(-1) ?? '');
  return { log, lines, last };
}

describe('the log', () => {
  it('writes one line of json with level, time, fields and message', () => {
    const { log, lines, last } = keptLog();
    log.info({ session: '{http:ada}', ms: 12, ok: true, gone: null }, 'turn answered');
    expect(lines).toHaveLength(1);
    expect(lines[0]?.endsWith('\n')).toBe(true);
    expect(last()).toMatchObject({
      level: 'info',
      session: '{http:ada}',
      ms: 12,
      ok: true,
      gone: null,
      msg: 'turn answered',
    });
    expect(last().time).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
  });

  it('writes what is at its level or above', () => {
    const { log, lines } = keptLog({ level: 'warn' });
    log.debug({}, 'a');
    log.info({}, 'b');
    log.warn({}, 'c');
    log.error({}, 'd');
    expect(lines.map((line) => JSON.parse(line).msg)).toEqual(['c', 'd']);
  });

  it('writes nothing when silent', () => {
    const { log, lines } = keptLog({ level: 'silent' });
    log.error({}, 'd');
    expect(lines).toEqual([]);
  });

  it('gives the fields of a child to each of its lines', () => {
    const { log, last } = keptLog();
    log.child({ platform: 'slack', token: 'xoxb-1' }).child({ turn: '1' }).warn({ ms: 3 }, 'slow');
    expect(last()).toMatchObject({ platform: 'slack', token: '[hidden]', turn: '1', ms: 3, msg: 'slow' });
  });

  it.each([
    ['a terminal', true, undefined, false],
    ['a pipe', false, undefined, true],
    ['a terminal when json is set', true, 'json', true],
    ['a pipe when pretty is set', false, 'pretty', false],
  ] as const)('on %s', (_, isTTY, format, json) => {
    const { log, lines } = keptLog({ format }, isTTY);
    log.info({ ms: 5 }, 'hello');
    const [line = ''] = lines;
    expect(line.startsWith('{')).toBe(json);
    expect(line).toContain('hello');
    if (!json) expect(line).toMatch(/INFO.*ms.*5/s);
  });

  it('colours what goes to a terminal only', () => {
    const [terminal, pipe] = [keptLog({ format: 'pretty' }, true), keptLog({ format: 'pretty' }, false)];
    for (const { log } of [terminal, pipe]) log.info({}, 'hello');
    expect(terminal.lines[0]).toContain('\u001b[');
    expect(pipe.lines[0]).not.toContain('\u001b[');
  });
});

describe('what people and models wrote', () => {
  it('is hidden wherever a whole message, turn or payload is logged', () => {
    const { log, lines } = keptLog();
    const said = 'my secret diary';
    log.info({ message: { id: '1', text: said } }, 'received');
    log.info({ turn: { id: '1', text: said, quotes: [{ author: 'a', text: said }], tokens: 3 } }, 'received');
    log.info({ event: { blocks: [{ text: said }], payload: { said } }, history: [{ content: said }] }, 'received');
    log.info({ answer: said, response: said, prompt: said }, 'answered');
    expect(lines.join('')).not.toContain(said);
    expect(JSON.parse(lines[1] ?? '').turn).toMatchObject({ id: '1', text: '[hidden]', tokens: 3 });
  });

  it('leaves numbers and flags under such names, which give nothing away', () => {
    const { log, last } = keptLog();
    log.info({ messages: 12, tokens: 800, answer: true }, 'stats');
    expect(last()).toMatchObject({ messages: 12, tokens: 800, answer: true });
  });

  it('does not come out of the errors that platform libraries make', () => {
    const { log, lines, last } = keptLog();
    const error = Object.assign(new Error('Invalid Form Body'), {
      code: 50035,
      status: 400,
      requestBody: { json: { content: 'my secret diary' } },
      command: { name: 'rpush', args: ['key', 'my secret diary'] },
    });
    log.error(
      { error: new BotError('platform_refused', 'Discord refused the post.', { cause: error }) },
      'reply failed',
    );
    expect(lines.join('')).not.toContain('diary');
    expect(last().error).toMatchObject({
      name: 'BotError',
      code: 'platform_refused',
      message: 'Discord refused the post.',
      cause: { code: 50035, status: 400, message: 'Invalid Form Body' },
    });
  });

  it('does not come out of what Redis says of a command that it does not know', async () => {
    const { log, lines, last } = keptLog();
    const redis = new Redis(inject('redisUrl'), { protocol: 2 });
    const refused = await redis.call('NOSUCH', 'my secret diary').catch((thrown: unknown) => thrown);
    redis.disconnect();
    expect(String(refused)).toContain('diary');
    log.warn({ err: refused, said: String(refused) }, `Redis refused: ${String(refused)}`);
    expect(lines.join('')).not.toContain('diary');
    expect(last().err).toMatchObject({ message: expect.stringContaining("unknown command 'NOSUCH'") });
  });

  it('does not come out of what JSON.parse says of it, wrapped or not', () => {
    const { log, lines } = keptLog();
    try {
      JSON.parse('my secret diary');
    } catch (error) {
      log.error({ error }, 'bad');
      log.error({ error: toBotError(error) }, 'bad');
    }
    expect(lines).toHaveLength(2);
    expect(lines.join('')).not.toMatch(/secret|diary/);
  });
});

describe('secrets', () => {
  it('are masked in fields, messages, errors and stacks', () => {
    const { log, lines } = keptLog({ secrets: ['sk-12345', 'p(ss)word+'] });
    log.warn({ detail: 'key sk-12345 refused', list: ['p(ss)word+'] }, 'sk-12345');
    log.error({ error: new Error('wrong: sk-12345 or p(ss)word+') }, 'x');
    log.error(new Error('sk-12345'), 'x');
    expect(lines.join('')).not.toMatch(/sk-12345|p\(ss\)word/);
    expect(lines.join('').match(/\[hidden\]/g)).toHaveLength(6);
  });

  it('are hidden by the name of their field', () => {
    const { log, last } = keptLog();
    log.info({ apiKey: 'a1', api_key: 'a2', botToken: 'a3', headers: { Authorization: 'a4', cookie: 'a5' } }, 'x');
    expect(JSON.stringify(last())).not.toMatch(/a[1-5]/);
  });

  it('are hidden in the credentials of any URL', () => {
    const { log, last } = keptLog();
    log.info({ url: 'redis://bot:pass@localhost:6379', other: new URL('http://u:pass@host/x') }, 'x');
    expect(last()).toMatchObject({ url: 'redis://[hidden]@localhost:6379', other: 'http://[hidden]@host/x' });
  });

  it('that are too short to be told from ordinary words do not garble the log', () => {
    const { log, last } = keptLog({ secrets: ['a'] });
    log.info({}, 'an answer');
    expect(last().msg).toBe('an answer');
  });
});

describe('odd fields', () => {
  it('keep the line short and never break it', () => {
    const { log, last } = keptLog();
    const loop: Record<string, unknown> = {
      big: 2n ** 70n,
      when: new Date(0),
      bytes: Buffer.from('abc'),
      map: new Map([[1, 2]]),
    };
    loop.self = loop;
    log.info({ loop, long: 'x'.repeat(10_000), list: Array.from({ length: 1_000 }, (_, index) => index) }, 'odd');
    expect(last().loop).toMatchObject({
      big: '1180591620717411303424',
      when: '1970-01-01T00:00:00.000Z',
      bytes: '[3 bytes]',
      map: '[1 entries]',
    });
    expect(last().long).toMatch(/^x{500}… \(10000 characters\)$/);
    expect(last().list).toHaveLength(51);
    expect(JSON.stringify(last()).length).toBeLessThan(2_500);
  });

  it('an error has the same fields under any name', () => {
    const { log, last } = keptLog();
    log.error({ err: new RangeError('too far') }, 'x');
    expect(Object.keys(z.object({ err: z.looseObject({}) }).parse(last()).err)).toEqual(['name', 'message', 'at']);
  });

  it('an error given in place of fields is logged as one', () => {
    const { log, last } = keptLog();
    log.error(new RangeError('too far'), 'x');
    expect(last().error).toMatchObject({ name: 'RangeError', message: 'too far' });
    expect(JSON.stringify(last().error)).toContain('log.test.ts');
  });
});
