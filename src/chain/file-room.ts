/** Which files of a request are shown, and how files give way when it must be shorter. */
import type { ChainInput, FileContent, FileContents, HistoryMessage } from '../core/ports.ts';
import type { FileFault, FileRef } from '../core/types.ts';

/** The contents in which images are unread for the reason `fault`, if there is one. */
export function withoutImages(contents: FileContents, fault: FileFault | undefined): FileContents {
  if (fault === undefined) return contents;
  return new Map(
    [...contents].map(([file, content]): readonly [FileRef, FileContent] => [
      file,
      content.kind === 'image' ? { kind: 'unread', why: fault } : content,
    ]),
  );
}

/** The contents without this file's, which was too large for the request. */
export function withoutFile(contents: FileContents, file: FileRef): FileContents {
  return new Map([...contents, [file, { kind: 'unread', why: 'too_large' }]]);
}

/** Whether any of it is shown. */
export function isShown(file: FileRef, contents: FileContents): boolean {
  const content = contents.get(file);
  return content !== undefined && content.kind !== 'unread';
}

/** The files in the order in which they give way: as they were attached, but what the person says last. */
export function byImportance(files: ChainInput['message']['attachments'] = []): readonly FileRef[] {
  return [...files.filter(({ longText }) => longText !== true), ...files.filter(({ longText }) => longText === true)];
}

/**
 * The contents without those of the oldest files of the history, so that all of its files together cost no more than `tokens`.
 * @param cost estimated tokens of a message with its files
 */
export function withinHistory(
  history: readonly HistoryMessage[],
  contents: FileContents,
  tokens: number,
  cost: (message: HistoryMessage, contents: FileContents) => number,
): FileContents {
  const kept = new Map(contents);
  let left = tokens;
  for (const message of history.toReversed()) {
    for (const file of (message.files ?? []).toReversed()) {
      if (!isShown(file, contents)) continue;
      const without = new Map(contents);
      without.delete(file);
      left -= cost(message, contents) - cost(message, without);
      if (left < 0) kept.delete(file);
    }
  }
  return kept.size === contents.size ? contents : kept;
}
