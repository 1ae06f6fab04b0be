/**
 * The text of PDFs. A worker thread reads each of them: a damaged or hostile file can take any time and memory, and on the main thread it
 * would outlast the leases of all running turns.
 */
import { Worker } from 'node:worker_threads';
import { z } from 'zod';
import type { FileFault } from '../core/types.ts';
import { createQuota } from './quota.ts';

export type PdfText =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'unread'; readonly why: FileFault };

export interface PdfLimits {
  /** From when PDF.js is loaded, in milliseconds. */
  readonly timeMs: number;
  /** Of the heap, and once more of decompressed streams, in megabytes. */
  readonly memoryMb: number;
  readonly pages: number;
}

/** Five seconds of work may take twice as long where other turns use the processors. */
export const PDF_LIMITS: PdfLimits = { timeMs: 10_000, memoryMb: 128, pages: 50 };

/** Milliseconds to start the thread and to load PDF.js (1.7 MB of script), on a busy machine. */
const START_MS = 20_000;
/** PDFs that are read at a time in this process. */
const CONCURRENCY = 2;
/** UTF-16 units of all pages; far more than any request takes. */
const MAX_CHARS = 1_000_000;
const MEMORY_EXIT_CODE = 71;

const reports = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('ready') }),
  z.object({ kind: z.literal('pages'), pages: z.array(z.string()), total: z.number() }),
]);

export interface PdfReader {
  /**
   * The text, with a mark before each page. Damaged and encrypted files are `malformed`, those that take too much time or memory
   * `too_large`, those without text (scans) `unsupported`. Rejects only with the signal's reason.
   */
  read(bytes: Uint8Array, signal: AbortSignal): Promise<PdfText>;
}

export function createPdfReader(limits: PdfLimits = PDF_LIMITS): PdfReader {
  const threads = createQuota(CONCURRENCY);
  return { read: (bytes, signal) => threads.hold(1, signal, () => readPdf(bytes, limits, signal)) };
}

async function readPdf(bytes: Uint8Array, limits: PdfLimits, signal: AbortSignal): Promise<PdfText> {
  // A copy that moves to the thread.
  const copy = new Uint8Array(bytes);
  const worker = new Worker(new URL('./pdf-worker.mjs', import.meta.url), {
    workerData: {
      bytes: copy,
      maxPages: limits.pages,
      maxChars: MAX_CHARS,
      maxBufferBytes: limits.memoryMb * 1024 * 1024,
      memoryExitCode: MEMORY_EXIT_CODE,
    },
    transferList: [copy.buffer],
    resourceLimits: { maxOldGenerationSizeMb: limits.memoryMb, maxYoungGenerationSizeMb: 16 },
    // Neither the settings, with their secrets, nor the flags of this process.
    env: {},
    execArgv: [],
  });
  try {
    return await new Promise<PdfText>((resolve, reject) => {
      const unread = (why: FileFault) => resolve({ kind: 'unread', why });
      let timer = setTimeout(unread, START_MS, 'failed');
      worker.on('message', (message: unknown) => {
        const report = reports.parse(message);
        clearTimeout(timer);
        if (report.kind === 'pages') resolve(textOf(report.pages, report.total));
        else timer = setTimeout(unread, limits.timeMs, 'too_large');
      });
      worker.on('error', (error) => {
        unread('code' in error && error.code === 'ERR_WORKER_OUT_OF_MEMORY' ? 'too_large' : 'malformed');
      });
      worker.on('exit', (code) => {
        clearTimeout(timer);
        unread(code === MEMORY_EXIT_CODE ? 'too_large' : 'malformed');
      });
      const stop = () => reject(signal.reason);
      signal.addEventListener('abort', stop, { once: true });
      worker.on('exit', () => signal.removeEventListener('abort', stop));
      if (signal.aborted) stop();
    });
  } finally {
    await worker.terminate();
  }
}

function textOf(pages: readonly string[], total: number): PdfText {
  if (pages.every((page) => page.trim() === '')) return { kind: 'unread', why: 'unsupported' };
  const marked = pages.map((page, index) => `[page ${index + 1} of ${total}]\n${page.trim()}`);
  const rest = pages.length < total ? [`[pages ${pages.length + 1} to ${total} are not shown]`] : [];
  return { kind: 'text', text: [...marked, ...rest].join('\n\n') };
}
