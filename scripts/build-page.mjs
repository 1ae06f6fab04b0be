// Part of `npm run build`: the playground's page. Its script, written in TypeScript, and its styles become one file each, with
// the packages that they need; the rest is copied. Takes the output folder; default: dist, where a bot that runs from source
// looks for the page, too.
import { rm } from 'node:fs/promises';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const PAGE = 'src/adapters/web/public';
const root = fileURLToPath(new URL('..', import.meta.url));
const outdir = resolve(root, process.argv[2] ?? 'dist', 'adapters/web/public');

await rm(outdir, { recursive: true, force: true });
await build({
  absWorkingDir: root,
  entryPoints: ['main.tsx', 'page.css', 'index.html', 'icon.svg'].map((name) => `${PAGE}/${name}`),
  loader: { '.html': 'copy', '.svg': 'copy' },
  outdir,
  bundle: true,
  format: 'esm',
  target: 'es2023',
  minify: true,
  tsconfig: `${PAGE}/tsconfig.json`,
  logLevel: 'warning',
});
