import { describe, expect, it } from 'vitest';
import { ANSWER_CUTS, type ReplyEnd } from '../../src/core/types.ts';
import { messagesIn } from '../../src/i18n/messages.ts';
import { answerNote, appendNote } from '../../src/replies/answer-note.ts';

const cutOff = (cut: (typeof ANSWER_CUTS)[number]): ReplyEnd => ({ kind: 'answered', text: 'a', stopped: false, cut });

describe('the note under an answer', () => {
  it('says in the language of the person why it ends early', () => {
    for (const locale of ['en', 'zh-CN'] as const) {
      const texts = messagesIn(locale);
      const notes = ANSWER_CUTS.map((cut) => answerNote(cutOff(cut), texts));
      expect(new Set(notes).size).toBe(ANSWER_CUTS.length);
      for (const note of notes)
        expect(note).toMatch(locale === 'en' ? /^\(This answer was cut off: / : /^（回答不完整：/);
      expect(answerNote({ kind: 'answered', text: 'a', stopped: true }, texts)).toBe(texts.stopped);
    }
  });

  it('is absent under a complete answer, and outside of an unclosed code block', () => {
    const texts = messagesIn('en');
    const whole: ReplyEnd = { kind: 'answered', text: 'a', stopped: false };
    expect(appendNote('a', whole, texts)).toBe('a');
    expect(appendNote('a', { ...whole, rememberHint: true }, texts)).toBe(`a\n\n${texts.rememberHint}`);
    expect(appendNote('a', { kind: 'failed', text: 'a' }, texts)).toBe('a');
    expect(appendNote('```js\nlet a', cutOff('length'), texts)).toBe(`\`\`\`js\nlet a\n\`\`\`\n\n${texts.cut.length}`);
  });
});
