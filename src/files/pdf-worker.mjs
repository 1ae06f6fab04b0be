// @ts-check
// Extracts the text of one PDF, in a worker thread of src/files/pdf.ts. JavaScript, so that the same file runs from source and from
// dist, whatever compiles TypeScript.
import { parentPort, workerData } from 'node:worker_threads';

const { bytes, maxPages, maxChars, maxBufferBytes, memoryExitCode } = workerData;

// The thread's limits are of the heap alone; what streams are decompressed to is outside of it.
const LARGE_BYTES = 65_536;
globalThis.Uint8Array = new Proxy(Uint8Array, {
  construct(target, args, newTarget) {
    const [size] = args;
    const isTooLarge =
      typeof size === 'number' && size > LARGE_BYTES && process.memoryUsage().arrayBuffers + size > maxBufferBytes;
    if (isTooLarge) process.exit(memoryExitCode);
    return Reflect.construct(target, args, newTarget === globalThis.Uint8Array ? target : newTarget);
  },
});
// PDF.js decompresses in JavaScript instead, into arrays that the proxy counts.
Reflect.deleteProperty(globalThis, 'DecompressionStream');

const { getDocumentProxy } = await import('unpdf');
parentPort?.postMessage({ kind: 'ready' });

/** Errors only: warnings would go to the log. */
const VERBOSITY = 0;
const pdf = await getDocumentProxy(bytes, { verbosity: VERBOSITY });
/** @type {string[]} */
const pages = [];
let chars = 0;
for (let number = 1; number <= Math.min(pdf.numPages, maxPages) && chars < maxChars; number += 1) {
  const page = await pdf.getPage(number);
  const { items } = await page.getTextContent();
  const text = items.map((item) => ('str' in item ? item.str + (item.hasEOL ? '\n' : '') : '')).join('');
  pages.push(text.slice(0, maxChars - chars));
  chars += text.length;
  page.cleanup();
}
parentPort?.postMessage({ kind: 'pages', pages, total: pdf.numPages });
