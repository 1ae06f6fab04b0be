// Part of `npm run build`: the scripts for Redis, which the compiler leaves where they are. Takes the folder that src/ is
// compiled to; default: dist.
import { cp } from 'node:fs/promises';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const SCRIPTS = 'memory/redis/scripts';
const root = fileURLToPath(new URL('..', import.meta.url));

await cp(resolve(root, 'src', SCRIPTS), resolve(root, process.argv[2] ?? 'dist', SCRIPTS), { recursive: true });
