/** What of the memory an answer was made with, under the answer: in one line, and in full for those who look. */
import type { ShownUse } from '../schemas.ts';
import type { Props } from './playground.ts';

export function Used({ playground, used }: Props & { readonly used: ShownUse }) {
  const { state, texts } = playground;
  const { messages, facts, gone } = used;
  const time = new Intl.DateTimeFormat(state.locale, { dateStyle: 'medium', timeStyle: 'short' });
  return (
    <details class="used">
      <summary>{texts.used(messages.length, facts.length, gone)}</summary>
      <ul>
        {messages.map(({ turn, author, text, files = [], answer, timestamp }) => (
          <li key={turn}>
            <p class="hint">
              {author ?? state.place.user},{' '}
              <time datetime={new Date(timestamp).toISOString()}>{time.format(timestamp)}</time>
            </p>
            <p class="plain">{text}</p>
            {files.length > 0 && <p class="hint">{texts.fileNames(files.join(', '))}</p>}
            {answer !== '' && <p class="plain hint">{answer}</p>}
          </li>
        ))}
        {facts.map((fact) => (
          <li key={fact}>
            <p class="hint">{texts.fact}</p>
            <p class="plain">{fact}</p>
          </li>
        ))}
      </ul>
      {gone > 0 && <p class="hint">{texts.goneSince(gone)}</p>}
    </details>
  );
}
