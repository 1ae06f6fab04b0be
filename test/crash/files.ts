/** Files in the traffic of a crash run: what they contain, and what the model must be shown of them. */
import type { ModelCall } from '../support/model.ts';

/** Every fourth message has a file. */
export function hasFile(number: number): boolean {
  return number % 4 === 2;
}

export function fileTextOf(conversation: number, number: number): string {
  return `contents of file ${number} in conversation ${conversation}`;
}

const CONTENTS = /contents of file (\d+) in conversation (\d+)/g;

/** What is wrong with the files that a call was shown: its message's own must be there, and only earlier ones of its conversation. */
export function fileComplaints(call: ModelCall, own: number, number: number): readonly string[] {
  const shown = call.messages.flatMap(({ content }) =>
    [...content.matchAll(CONTENTS)].map(([, file, conversation]) => ({
      number: Number(file),
      conversation: Number(conversation),
    })),
  );
  const foreign = shown.filter((file) => file.conversation !== own || file.number > number);
  const complaints = foreign.map(
    (file) => `file: conversation ${own} was shown file ${file.number} of ${file.conversation}`,
  );
  if (hasFile(number) && !shown.some((file) => file.number === number))
    complaints.push(`file: message ${number} of conversation ${own} was asked about without its file`);
  return complaints;
}
