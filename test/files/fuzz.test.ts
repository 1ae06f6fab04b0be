/** Files of random bytes, and of damaged real ones: each is read or named, whatever is in it. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { FileFetcher, Logger } from '../../src/core/ports.ts';
import { estimateTokens } from '../../src/core/tokens.ts';
import type { FileRef } from '../../src/core/types.ts';
import { createFileReader } from '../../src/files/reader.ts';
import { runs } from '../support/tier.ts';
import { damaged, gif, jpeg, png, webp } from './samples.ts';

const { signal } = new AbortController();
const MAX_TOKENS = 2_000;

const logger: Logger = {
  debug() {},
  info() {},
  warn() {
    throw new Error('A file of a fetched kind is never worth a warning.');
  },
  error() {},
  child: () => logger,
};

/** The bytes of each file are in its reference. */
const fetcher: FileFetcher = {
  async fetchFile({ ref }) {
    return { kind: 'fetched', bytes: Buffer.from(String(ref?.bytes), 'base64') };
  },
};

const types = fc.constantFrom(
  undefined,
  'image/png',
  'image/jpeg',
  'image/gif',
  'text/plain',
  'text/csv',
  'nonsense',
  '',
);
const names = fc.constantFrom(
  'a.png',
  '../../etc/passwd',
  '<script>alert(1)</script>',
  '`"\n@everyone',
  '\u202egnp.a',
  '',
);

const random = fc.uint8Array({ maxLength: 500 }).map((bytes) => Buffer.from(bytes));
const texts = fc
  .tuple(fc.string({ unit: 'grapheme', maxLength: 100 }), fc.constantFrom('utf8', 'utf16le', 'latin1'))
  .map(([text, encoding]) =>
    Buffer.from(text, encoding === 'utf8' ? 'utf8' : encoding === 'latin1' ? 'latin1' : 'utf16le'),
  );

async function readsOrNames(file: FileRef): Promise<void> {
  const reader = createFileReader({ fetcherOf: () => fetcher, maxTokens: MAX_TOKENS, logger });
  const { contents } = await reader.read('discord', [{ files: [file], quoted: false }], signal);
  expect([...contents.keys()]).toEqual([file]);
  const content = contents.get(file);
  if (content?.kind === 'text') expect(estimateTokens(content.text)).toBeLessThanOrEqual(MAX_TOKENS);
  if (content?.kind === 'image') expect(content.data).toBe(file.ref?.bytes);
}

const fileOf = (name: string, bytes: Buffer, type?: string): FileRef => ({
  name,
  ref: { bytes: bytes.toString('base64') },
  size: bytes.length,
  ...(type === undefined ? {} : { type }),
});

describe('fuzzed files', () => {
  it('are read or named', async () => {
    const bytes = fc.oneof(random, texts, damaged([png(), jpeg(), gif(), webp(), Buffer.from('{"a": "ä"}')]));
    await fc.assert(
      fc.asyncProperty(names, bytes, types, async (name, content, type) => {
        fc.pre(!content.subarray(0, 5).equals(Buffer.from('%PDF-')));
        await readsOrNames(fileOf(name, content, type));
      }),
      { numRuns: runs(10_000) },
    );
  }, 600_000);
});
