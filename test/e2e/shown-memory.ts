/** A model that knows nothing but what it is shown: it answers from the newest thing that a person said of what they ask about. */
import type { ModelMessage } from '../support/model.ts';

/** Something that people tell, and ask about. */
export interface Topic {
  /** Its first group is the answer. */
  readonly told: RegExp;
  readonly asked: RegExp;
}

export const UNKNOWN = 'I do not know.';
export const NOTED = 'All right.';

interface Statement {
  /** `2026-04-05 14:03`; of a fact, the date alone. */
  readonly at: string;
  readonly text: string;
}

/** Answers a question of one of the topics; everything else is noted. */
export function answerFromShown(messages: readonly ModelMessage[], topics: readonly Topic[]): string {
  const texts = messages.filter(({ role }) => role === 'user').map(({ content }) => content);
  const question = ownText(texts.at(-1) ?? '').text;
  const topic = question.endsWith('?') ? topics.find(({ asked }) => asked.test(question)) : undefined;
  if (topic === undefined) return NOTED;
  const told = texts
    .flatMap((text) => [...factsIn(text), ...recalledIn(text), ownText(text)])
    .sort((one, other) => (one.at < other.at ? -1 : 1))
    .flatMap(({ text }) => topic.told.exec(text)?.[1] ?? []);
  return told.at(-1) ?? UNKNOWN;
}

/** What the person wrote in this message, without what the bot puts before it. */
function ownText(content: string): Statement {
  const [, at = ''] = /\[Sent ([-\d]+ [:\d]+) UTC\]$/.exec(content) ?? [];
  const text = content.replace(/\n\n\[Sent [^\]\n]*\]$/, '').replace(/^[\s\S]*\n\[End of [^\]\n]*\]\n\n/, '');
  return { at, text };
}

function factsIn(content: string): readonly Statement[] {
  const [, block = ''] = /^\[Facts [^\]]*\]\n([\s\S]*?)\n\[End of the facts\]/.exec(content) ?? [];
  return [...block.matchAll(/^> \(([-\d]+)\) (.*)$/gm)].map(([, at = '', text = '']) => ({ at, text }));
}

/** Only what people said: the bot's own answers are no source. */
function recalledIn(content: string): readonly Statement[] {
  const [, block = ''] = /\[Recalled [^\]]*\]\n([\s\S]*?)\n\[End of what was recalled\]/.exec(content) ?? [];
  let at = '';
  return block.split('\n').flatMap((line) => {
    at = /^([-\d]+ [:\d]+) UTC:$/.exec(line)?.[1] ?? at;
    const text = /^> User: (.*)$/.exec(line)?.[1];
    return text === undefined ? [] : [{ at, text }];
  });
}
