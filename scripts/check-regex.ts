// `npm run check:regex`: the cost of every regular expression of src/ is linear in its input; those of which it is not are named.
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { faultOf, regularExpressionsIn } from './regular-expressions.ts';

const SRC = fileURLToPath(new URL('../src/', import.meta.url));
const CACHE_FOLDER = fileURLToPath(new URL('../node_modules/.cache/', import.meta.url));
/** Checked and found linear before: an expression stays what it is, and some take seconds. */
const CACHE = `${CACHE_FOLDER}linear-expressions.json`;

const known = new Set(
  await readFile(CACHE, 'utf8')
    .then((text) => z.array(z.string()).parse(JSON.parse(text)))
    .catch(() => []),
);
const linear = new Set<string>();
let faults = 0;

function tell(file: string, what: string, why: string): void {
  faults += 1;
  process.stdout.write(`src/${file}: ${what}\n  ${why}\n`);
}

for (const { file, literals, made } of await regularExpressionsIn(SRC)) {
  for (const by of made) tell(file, by, 'makes an expression that nothing can check; write it as a literal');
  for (const expression of literals) {
    const written = `/${expression.source}/${expression.flags}`;
    if (linear.has(written)) continue;
    const fault = known.has(written) ? undefined : faultOf(expression);
    if (fault === undefined) linear.add(written);
    else tell(file, written, fault);
  }
}
await mkdir(CACHE_FOLDER, { recursive: true });
await writeFile(CACHE, JSON.stringify([...linear]));
process.exitCode = faults === 0 ? 0 : 1;
