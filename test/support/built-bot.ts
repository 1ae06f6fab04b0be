/** The product, compiled once for all test files of a run: by the first that needs it, while the others wait for it. */
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { inject, vi } from 'vitest';
import { z } from 'zod';
import { type BotBuild, buildBot } from './bot-process.ts';

const outcome = z.union([z.object({ main: z.string() }), z.object({ error: z.string() })]);

/** Only bounds what hangs: whoever compiles may have died. */
const WITHIN_MS = 120_000;

/** @throws when it does not compile, in every file that asks */
export async function builtBot(): Promise<Pick<BotBuild, 'main'>> {
  const folder = inject('buildFolder');
  const told = join(folder, 'outcome.json');
  const first = await mkdir(join(folder, 'begun')).then(
    () => true,
    () => false,
  );
  if (first) {
    const result = await buildBot(folder).catch((thrown: unknown) => ({ error: String(thrown) }));
    await writeFile(`${told}.new`, JSON.stringify(result));
    await rename(`${told}.new`, told);
  }
  const text = await vi.waitUntil(() => readFile(told, 'utf8').catch(() => undefined), {
    timeout: WITHIN_MS,
    interval: 50,
  });
  const result = outcome.parse(JSON.parse(text));
  if ('error' in result) throw new Error(result.error);
  return result;
}
