// Part of `npm run build`: what the compiler leaves out, the playground's page, goes beside its compiled adapter.
// Takes the output folder; default: dist.
import { cp, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const from = join(root, 'src/adapters/web/public');
const to = join(resolve(root, process.argv[2] ?? 'dist'), 'adapters/web/public');

await rm(to, { recursive: true, force: true });
await cp(from, to, { recursive: true });
