/** Reads the files of messages for a request to the model. */
import type { FileContents, FileFetcher, FileReader, Logger } from '../core/ports.ts';

export interface FileReaderOptions {
  /** What fetches the files of a platform; undefined for one that keeps none. */
  readonly fetcherOf: (platform: string) => FileFetcher | undefined;
  /** Estimated tokens of all files of one request (MAX_FILE_TOKENS). */
  readonly maxTokens: number;
  readonly logger: Logger;
}

export function createFileReader(_: FileReaderOptions): FileReader {
  return { read: async () => new Map() satisfies FileContents };
}
