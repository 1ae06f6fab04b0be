/** The memory of a process whose conversations send large images, all at once. */
import { describe, expect, it } from 'vitest';
import type { FileFetcher, Logger } from '../../src/core/ports.ts';
import { createFileReader } from '../../src/files/reader.ts';
import { png } from './samples.ts';

const MB = 1_000_000;
const IMAGE_BYTES = 5 * MB;
const CONVERSATIONS = 32;
const ROUNDS = 2;

const logger: Logger = { debug() {}, info() {}, warn() {}, error() {}, child: () => logger };

describe('memory', () => {
  it('stays bounded while 32 conversations read images of 5 MB', async () => {
    let [fetching, mostBytes, mostMemory] = [0, 0, 0];
    const memory = () => {
      const { external, heapUsed } = process.memoryUsage();
      mostMemory = Math.max(mostMemory, external + heapUsed);
      return external + heapUsed;
    };
    const image = png(IMAGE_BYTES);
    const fetcher: FileFetcher = {
      async fetchFile() {
        fetching += IMAGE_BYTES;
        mostBytes = Math.max(mostBytes, fetching);
        const bytes = Buffer.from(image);
        await new Promise((resolve) => setTimeout(resolve, 20));
        memory();
        fetching -= IMAGE_BYTES;
        return { kind: 'fetched', bytes };
      },
    };
    const reader = createFileReader({ fetcherOf: () => fetcher, maxTokens: 4_000, logger });
    const { signal } = new AbortController();
    const before = memory();
    let images = 0;
    let shown = 0;
    let mostShown = 0;
    for (let round = 0; round < ROUNDS; round += 1) {
      const reads = Array.from({ length: CONVERSATIONS }, async () => {
        const file = { name: 'a.png', type: 'image/png', size: IMAGE_BYTES, ref: {} };
        const { contents, release } = await reader.read('discord', [{ files: [file], quoted: false }], signal);
        if (contents.get(file)?.kind === 'image') images += 1;
        shown += IMAGE_BYTES;
        mostShown = Math.max(mostShown, shown);
        // The model's answer takes longer than the fetch.
        await new Promise((resolve) => setTimeout(resolve, 100));
        shown -= IMAGE_BYTES;
        release();
      });
      await Promise.all(reads);
    }
    expect(images).toBe(CONVERSATIONS * ROUNDS);
    // What is fetched at a time keeps the bound exactly.
    expect(mostBytes).toBeLessThanOrEqual(64 * MB);
    expect(mostShown).toBeLessThanOrEqual(64 * MB);
    // All at once would be 32 images and as many texts in base64: 370 MB. Garbage that is not collected yet counts here, too.
    expect(mostMemory - before).toBeLessThan(4 * 64 * MB);
  }, 300_000);
});
