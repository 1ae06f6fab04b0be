/** The files of the page: its own from `public`, its two libraries from their packages. Nothing comes from elsewhere. */
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Hono } from 'hono';
import { etag, RETAINED_304_HEADERS } from 'hono/etag';

/** What the page itself consists of is under here. */
const PAGE_PATH = '/playground/';

const PUBLIC = fileURLToPath(new URL('./public', import.meta.url));

const JAVASCRIPT = 'text/javascript; charset=utf-8';
const CSS = 'text/css; charset=utf-8';

/** The page's own files, with their media types. */
const FILES = {
  'main.js': JAVASCRIPT,
  'api.js': JAVASCRIPT,
  'chat.js': JAVASCRIPT,
  'composer.js': JAVASCRIPT,
  'conversation.js': JAVASCRIPT,
  'dom.js': JAVASCRIPT,
  'feed.js': JAVASCRIPT,
  'key.js': JAVASCRIPT,
  'markdown.js': JAVASCRIPT,
  'memory.js': JAVASCRIPT,
  'outbox.js': JAVASCRIPT,
  'overview.js': JAVASCRIPT,
  'private.js': JAVASCRIPT,
  'seats.js': JAVASCRIPT,
  'settings.js': JAVASCRIPT,
  'texts.js': JAVASCRIPT,
  'page.css': CSS,
  'chat.css': CSS,
  'icon.svg': 'image/svg+xml',
} as const;

/** Files of packages: served name, package, path in it, media type. */
const VENDORED = [
  ['marked.js', 'marked', 'lib/marked.esm.js', JAVASCRIPT],
  ['uplot.js', 'uplot', 'dist/uPlot.esm.js', JAVASCRIPT],
  ['uplot.css', 'uplot', 'dist/uPlot.min.css', CSS],
] as const;

/**
 * Scripts and styles from here alone, none inline; no script may turn a text into HTML (trusted types), so what people and
 * models write stays text even where the page has a fault.
 */
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; " +
  "form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'";

/** A page that was changed by an update is asked for anew; unchanged, it is not sent again. */
const CACHE = { 'Cache-Control': 'no-cache' };

export function isPagePath(path: string): boolean {
  const name = path.slice(PAGE_PATH.length);
  return path === '/' || (path.startsWith(PAGE_PATH) && !name.startsWith('api/'));
}

export function addPage(app: Hono): void {
  const require = createRequire(import.meta.url);
  // "Not modified" must repeat the page's policy: the server's own, which allows nothing, would take its place.
  const unchanged = etag({ retainedHeaders: [...RETAINED_304_HEADERS, 'content-security-policy'] });
  for (const path of ['/', `${PAGE_PATH}:file`, `${PAGE_PATH}vendor/:file`]) app.use(path, unchanged);

  app.get('/', async (c) =>
    c.html(await readFile(join(PUBLIC, 'index.html'), 'utf8'), 200, { ...CACHE, 'Content-Security-Policy': POLICY }),
  );
  for (const [name, type] of Object.entries(FILES)) {
    app.get(`${PAGE_PATH}${name}`, async (c) =>
      c.body(await readFile(join(PUBLIC, name)), 200, { ...CACHE, 'Content-Type': type }),
    );
  }
  for (const [name, owner, path, type] of VENDORED) {
    const folder = dirname(require.resolve(`${owner}/package.json`));
    app.get(`${PAGE_PATH}vendor/${name}`, async (c) =>
      c.body(await readFile(join(folder, path)), 200, { ...CACHE, 'Content-Type': type }),
    );
  }
}
