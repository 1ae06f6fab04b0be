/** Texts of PDFs, with real PDF.js in real threads. */
import { describe, expect, it } from 'vitest';
import { createPdfReader, PDF_LIMITS } from '../../src/files/pdf.ts';
import { pdf, pdfBomb } from './samples.ts';

const { signal } = new AbortController();
const reader = createPdfReader();

describe('createPdfReader', () => {
  it('gives the text of each page, with a mark', async () => {
    const bytes = pdf(['The roof is red.', 'The door is blue.']);
    expect(await reader.read(bytes, signal)).toEqual({
      kind: 'text',
      text: '[page 1 of 2]\nThe roof is red.\n\n[page 2 of 2]\nThe door is blue.',
    });
    // Not moved to the thread.
    expect(bytes.length).toBeGreaterThan(0);
  });

  it('reads 50 pages, and says that there are more', async () => {
    const result = await reader.read(pdf(Array.from({ length: 52 }, (_, index) => `line ${index + 1}`)), signal);
    const text = result.kind === 'text' ? result.text : '';
    expect(text).toContain('[page 50 of 52]\nline 50');
    expect(text).not.toContain('line 51');
    expect(text).toMatch(/\n\[pages 51 to 52 are not shown\]$/);
  });

  it.each([
    ['only the header', Buffer.from('%PDF-1.7\n')],
    ['cut off', pdf(['text']).subarray(0, 100)],
    [
      'encrypted with a password',
      pdf(['text'], {
        trailer: `/ID[<00><00>]/Encrypt<</Filter/Standard/V 1/R 2/P -4/O<${'41'.repeat(32)}>/U<${'42'.repeat(32)}>>>`,
      }),
    ],
  ])('calls a file malformed that is %s', async (_, bytes) => {
    expect(await reader.read(bytes, signal)).toEqual({ kind: 'unread', why: 'malformed' });
  });

  it('calls a PDF without text unsupported', async () => {
    expect(await reader.read(pdf([], { streams: [Buffer.from('0 0 m 9 9 l S')] }), signal)).toEqual({
      kind: 'unread',
      why: 'unsupported',
    });
  });

  it('ends a stream that decompresses to more than the memory', async () => {
    expect(await reader.read(pdfBomb(300, ' '), signal)).toEqual({ kind: 'unread', why: 'too_large' });
  });

  it('ends a file whose text needs more than the heap', async () => {
    const small = createPdfReader({ ...PDF_LIMITS, memoryMb: 32, timeMs: 60_000 });
    expect(await small.read(pdfBomb(12), signal)).toEqual({ kind: 'unread', why: 'too_large' });
  });

  it('ends a file that takes too long', async () => {
    const hasty = createPdfReader({ ...PDF_LIMITS, timeMs: 50 });
    expect(await hasty.read(pdfBomb(8), signal)).toEqual({ kind: 'unread', why: 'too_large' });
  });

  it('rejects with the reason of the signal while it reads, and while it waits', async () => {
    const controller = new AbortController();
    const reason = new Error('the lease ended');
    const reading = Array.from({ length: 4 }, () => reader.read(pdfBomb(8), controller.signal));
    setTimeout(() => controller.abort(reason), 20);
    for (const result of await Promise.allSettled(reading)) expect(result).toEqual({ status: 'rejected', reason });
    expect(await reader.read(pdf(['next']), signal)).toMatchObject({ kind: 'text' });
  });
});
