/** What is compiled once for all test files of a run: by the first that needs it, while the others wait for it. */
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { inject, vi } from 'vitest';
import { z } from 'zod';
import { type BotBuild, buildBot } from './bot-process.ts';

const failure = z.object({ error: z.string() });
const botBuild = z.object({ main: z.string() });

/** Only bounds what hangs: whoever compiles may have died. */
const WITHIN_MS = 120_000;

/** Gives what `make` gave, as data, to every file that asks by this name. @throws in each of them when it could not be made */
export async function onceInTheRun(name: string, make: () => Promise<object>): Promise<unknown> {
  const folder = inject('buildFolder');
  const told = join(folder, `${name}.json`);
  const first = await mkdir(join(folder, `${name}.begun`)).then(
    () => true,
    () => false,
  );
  if (first) {
    const result = await make().catch((thrown: unknown) => ({ error: String(thrown) }));
    await writeFile(`${told}.new`, JSON.stringify(result));
    await rename(`${told}.new`, told);
  }
  const text = await vi.waitUntil(() => readFile(told, 'utf8').catch(() => undefined), {
    timeout: WITHIN_MS,
    interval: 50,
  });
  const result: unknown = JSON.parse(text);
  const failed = failure.safeParse(result);
  if (failed.success) throw new Error(failed.data.error);
  return result;
}

/** The product. @throws when it does not compile, in every file that asks */
export async function builtBot(): Promise<Pick<BotBuild, 'main'>> {
  return botBuild.parse(await onceInTheRun('bot', () => buildBot(inject('buildFolder'))));
}
