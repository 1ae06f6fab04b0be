/** The answer to a command that a button of the panel has run, shown where the button is. */
import { useState } from 'preact/hooks';
import type { PrivateAnswer as Answer } from '../schemas.ts';
import { messageOf, type Playground, type Props } from './playground.ts';
import { PrivateAnswer } from './private-answer.tsx';

/** A text: what the page itself has to say. */
type Shown = Answer | string | undefined;

export function useAnswer(playground: Playground) {
  const [answer, show] = useState<Shown>();
  return {
    answer,
    show,
    /** Shows the answer of a command, or why there is none, and what the memory is like after it. */
    async run(action: Promise<Answer>): Promise<void> {
      show(await action.catch(messageOf));
      await playground.memory.refresh();
    },
  };
}

interface AnswerBoxProps extends Props {
  readonly answer: Shown;
  readonly run: (action: Promise<Answer>) => Promise<void>;
}

export function AnswerBox({ playground, answer, run }: AnswerBoxProps) {
  return (
    <div class="answer" role="status">
      {typeof answer === 'string' && <p>{answer}</p>}
      {typeof answer === 'object' && (
        <PrivateAnswer answer={answer} texts={playground.texts} press={(id) => void run(playground.press(id))} />
      )}
    </div>
  );
}
