/** What the person had the bot keep for this place: shown, added to and removed. */
import { useRef, useState } from 'preact/hooks';
import type { MemoryAnswer } from '../schemas.ts';
import { AnswerBox, useAnswer } from './answer-box.tsx';
import { messageOf, type Props } from './playground.ts';

export interface FactsProps extends Props {
  readonly facts: MemoryAnswer['facts'];
}

export function Facts({ playground, facts }: FactsProps) {
  const { state, texts } = playground;
  const title = useRef<HTMLHeadingElement>(null);
  const { answer, show, run } = useAnswer(playground);
  const { format } = new Intl.NumberFormat(state.locale);
  const date = new Intl.DateTimeFormat(state.locale, { dateStyle: 'medium' });

  async function remove(id: string): Promise<void> {
    const removed = await playground.removeFact(id).catch(messageOf);
    show(typeof removed === 'string' ? removed : texts.factRemoved(removed));
    await playground.memory.refresh();
    // The button that was pressed is gone, and the focus with it.
    title.current?.focus();
  }

  return (
    <section class="part" aria-labelledby="facts-title">
      <h3 id="facts-title" ref={title} tabIndex={-1}>
        {texts.facts} {facts !== null && facts.kept.length > 0 && <Count of={format(facts.kept.length)} />}
      </h3>
      <p class="hint">{facts === null ? texts.factsShared : texts.factsHint}</p>
      {facts !== null && facts.kept.length > 0 && (
        <ul class="facts">
          {facts.kept.map((fact) => (
            <li key={fact.id}>
              <div>
                <p class="plain">{fact.text}</p>
                <p class="hint">{texts.keptUntil(date.format(fact.expires_at))}</p>
              </div>
              <button
                type="button"
                class="quiet"
                aria-label={texts.removeFact(fact.text)}
                onClick={() => void remove(fact.id)}
              >
                {texts.remove}
              </button>
            </li>
          ))}
        </ul>
      )}
      {facts !== null && (
        <AddFact playground={playground} onAdd={(text) => run(playground.command(`/remember ${text}`))} />
      )}
      {facts !== null && facts.kept.length > 1 && (
        <p class="row">
          <button type="button" class="danger" onClick={() => void run(playground.command('/facts remove all'))}>
            {texts.removeAll}
          </button>
        </p>
      )}
      <AnswerBox playground={playground} answer={answer} run={run} />
    </section>
  );
}

function Count({ of }: { readonly of: string }) {
  return <span class="count">{of}</span>;
}

/** At most this long: src/core/facts.ts. The bot says so of a longer one; nobody has to write it for that. */
const MAX_LENGTH = 500;

function AddFact({ playground, onAdd }: Props & { readonly onAdd: (text: string) => Promise<void> }) {
  const { texts } = playground;
  const [text, setText] = useState('');
  return (
    <form
      class="row"
      onSubmit={(event) => {
        event.preventDefault();
        if (text.trim() === '') return;
        setText('');
        void onAdd(text.trim());
      }}
    >
      <label for="fact">{texts.newFact}</label>
      <input
        id="fact"
        class="grows"
        autocomplete="off"
        maxlength={MAX_LENGTH}
        placeholder={texts.factExample}
        value={text}
        onInput={(event) => setText(event.currentTarget.value)}
      />
      <button type="submit">{texts.keep}</button>
    </form>
  );
}
