/** /health on the embedded store: whether it can be written to, not only read. */
import { join } from 'node:path';
import Database from 'libsql';
import { expect, onTestFinished, test } from 'vitest';
import { healthResponse } from '../../src/adapters/http/schemas.ts';
import { ask, said, useWorkshop } from './http-support.ts';

const { makeFolder, start } = useWorkshop();
/** Only bounds what never happens. */
const PATIENTLY = { timeout: 60_000, interval: 50 };

test('a store that another program has locked is told of, until it is free again', async () => {
  const folder = await makeFolder();
  const bot = await start(folder, { DATA_DIR: 'data' });
  await ask(bot, 'grace', 'one');
  const health = async () => healthResponse.strict().parse(await (await fetch(`${bot.url}/health`)).json());

  const other = new Database(join(folder, 'data', 'store.db'));
  onTestFinished(() => void other.close());
  other.exec('BEGIN IMMEDIATE');
  await expect
    .poll(health, PATIENTLY)
    .toMatchObject({ status: 'unhealthy', error: expect.stringMatching(/nothing can be stored: another program/) });
  other.exec('ROLLBACK');
  await expect.poll(health, PATIENTLY).toMatchObject({ status: 'healthy', redis: 'not configured' });
  await ask(bot, 'grace', 'two');
  expect((await said(bot, 'grace')).filter((_, index) => index % 2 === 0)).toEqual(['one', 'two']);
});
