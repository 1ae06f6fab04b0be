/** The files of the page, as scripts/build-page.mjs makes them of public/. Nothing comes from elsewhere. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Hono } from 'hono';
import { etag, RETAINED_304_HEADERS } from 'hono/etag';

/** What the page itself consists of is under here. */
const PAGE_PATH = '/playground/';

/** Beside this file in a build; a bot that runs from source has the page of the last build. */
const FOLDER = import.meta.url.endsWith('.ts') ? '../../../dist/adapters/web/public' : './public';
const PUBLIC = fileURLToPath(new URL(FOLDER, import.meta.url));

/** Each file with its media type. */
const FILES = {
  'main.js': 'text/javascript; charset=utf-8',
  'page.css': 'text/css; charset=utf-8',
  'icon.svg': 'image/svg+xml',
} as const;

/**
 * Scripts and styles from here alone, none inline; no script may turn a text into HTML (trusted types), so what people and
 * models write stays text even where the page has a fault. `blob:` images are the thumbnails of files that the person attaches.
 */
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; connect-src 'self'; base-uri 'none'; " +
  "form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'";

/** A page that an update changed is fetched again; an unchanged one is not sent again. */
const CACHE = { 'Cache-Control': 'no-cache' };

export function isPagePath(path: string): boolean {
  const name = path.slice(PAGE_PATH.length);
  return path === '/' || (path.startsWith(PAGE_PATH) && !name.startsWith('api/'));
}

export function addPage(app: Hono): void {
  // "Not modified" must repeat the page's policy: the server's own, which allows nothing, would take its place.
  const unchanged = etag({ retainedHeaders: [...RETAINED_304_HEADERS, 'content-security-policy'] });
  for (const path of ['/', `${PAGE_PATH}:file`]) app.use(path, unchanged);

  app.get('/', async (c) =>
    c.html(await readFile(join(PUBLIC, 'index.html'), 'utf8'), 200, { ...CACHE, 'Content-Security-Policy': POLICY }),
  );
  for (const [name, type] of Object.entries(FILES)) {
    app.get(`${PAGE_PATH}${name}`, async (c) =>
      c.body(await readFile(join(PUBLIC, name)), 200, { ...CACHE, 'Content-Type': type }),
    );
  }
}
