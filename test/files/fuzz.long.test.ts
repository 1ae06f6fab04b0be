/** 10,000 files, and PDFs, each of which takes a thread of its own. */
import './fuzz.test.ts';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { createPdfReader } from '../../src/files/pdf.ts';
import { damaged, pdf } from './samples.ts';

it('reads or names damaged PDFs', async () => {
  const reader = createPdfReader();
  const { signal } = new AbortController();
  await fc.assert(
    fc.asyncProperty(damaged([pdf(['a', 'b'])]), async (bytes) => {
      expect(['text', 'unread']).toContain((await reader.read(bytes, signal)).kind);
    }),
    { numRuns: 100 },
  );
}, 600_000);
