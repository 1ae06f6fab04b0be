/** What the model would be shown with the next message, part by part, and why it is that much. */
import type { MemoryAnswer } from '../schemas.ts';
import type { Props } from './playground.ts';

type Shown = MemoryAnswer['next'];

interface Part {
  readonly name: 'system' | 'facts' | 'window' | 'recalled';
  /** Estimated; of what is recalled, the most that it may take. */
  readonly tokens: number;
  readonly why: string;
}

export function NextRequest({ playground, latest }: Props & { readonly latest: MemoryAnswer }) {
  const { state, texts } = playground;
  const { format } = new Intl.NumberFormat(state.locale);
  const stored = latest.conversation?.messages ?? 0;
  const parts = partsOf(latest.next, {
    system: texts.whySystem,
    facts: texts.whyFacts(latest.next.facts),
    window: [
      texts.whyWindow[latest.next.window_end](format(latest.next.messages), format(stored)),
      ...(latest.next.files.length === 0 ? [] : [texts.fileNames(latest.next.files.join(', '))]),
    ].join('. '),
    recalled: texts.whyRecalled(format(latest.next.searched), latest.next.recall_room > 0),
  });
  return (
    <section class="part" aria-labelledby="next-title">
      <h3 id="next-title">{texts.nextTitle}</h3>
      <Bar parts={parts} />
      <table class="parts">
        <caption class="hidden">{texts.nextTitle}</caption>
        <thead class="hidden">
          <tr>
            <th scope="col">{texts.part}</th>
            <th scope="col">{texts.tokens}</th>
          </tr>
        </thead>
        <tbody>
          {parts.map(({ name, tokens, why }) => (
            <tr key={name}>
              <th scope="row">
                <span class={`part-name of-${name}`}>{texts.parts[name]}</span>
                <span class="hint">{why}</span>
              </th>
              <td>{name === 'recalled' ? texts.upTo(format(tokens)) : format(tokens)}</td>
            </tr>
          ))}
        </tbody>
      </table>
      <p class="hint">{texts.nextHint}</p>
    </section>
  );
}

/** Without the parts that there are none of. */
function partsOf(next: Shown, why: Readonly<Record<Part['name'], string>>): readonly Part[] {
  const { tokens, facts, messages, searched, recall_room } = next;
  return [
    { name: 'system', tokens: tokens.system, why: why.system },
    ...(facts > 0 ? [{ name: 'facts', tokens: tokens.facts, why: why.facts } as const] : []),
    ...(messages > 0 ? [{ name: 'window', tokens: tokens.window, why: why.window } as const] : []),
    ...(searched > 0 ? [{ name: 'recalled', tokens: recall_room, why: why.recalled } as const] : []),
  ];
}

/** The table has the same in words. */
function Bar({ parts }: { readonly parts: readonly Part[] }) {
  const all = parts.reduce((sum, { tokens }) => sum + tokens, 0);
  let x = 0;
  return (
    <svg class="bar-of-parts" viewBox={`0 0 ${Math.max(1, all)} 1`} preserveAspectRatio="none" aria-hidden="true">
      {parts.map(({ name, tokens }) => {
        const left = x;
        x += tokens;
        return <rect key={name} class={`of-${name}`} x={left} y={0} width={tokens} height={1} />;
      })}
    </svg>
  );
}
