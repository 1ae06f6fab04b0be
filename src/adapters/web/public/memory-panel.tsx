/** The memory of the conversation as it is in the store, beside the chat. */
import type { ComponentChildren } from 'preact';
import { useEffect, useReducer, useState } from 'preact/hooks';
import type { MemoryAnswer } from '../schemas.ts';
import { AnswerBox, useAnswer } from './answer-box.tsx';
import { Facts } from './facts.tsx';
import { bytes, duration } from './format.ts';
import { NextRequest } from './next-request.tsx';
import type { Props } from './playground.ts';
import type { Locale, Texts } from './texts.ts';

const PRESETS = ['60s', '10m', '30m', '2h', '7d'];
/** Characters of a stored message that are shown. */
const SHOWN = 280;

interface PartProps {
  readonly latest: MemoryAnswer;
  readonly texts: Texts;
  readonly locale: Locale;
}

export function MemoryPanel({ playground }: Props) {
  const { memory, texts } = playground;
  const { locale, place } = playground.state;
  const { latest } = memory;
  return (
    <div id="memory">
      <p class="where">{texts.where(place.user, place.channel)}</p>
      {latest !== undefined && <Expiry playground={playground} latest={latest} />}
      {latest !== undefined && <Facts playground={playground} facts={latest.facts} />}
      {latest !== undefined && <NextRequest playground={playground} latest={latest} />}
      {latest !== undefined && latest.messages.length > 0 && <Stored latest={latest} texts={texts} />}
      <Controls playground={playground} />
      {latest !== undefined && <Figures latest={latest} texts={texts} locale={locale} />}
    </div>
  );
}

function Expiry({ playground: { memory, texts, state }, latest }: Props & Pick<PartProps, 'latest'>) {
  const [, tick] = useReducer((ticks: number) => ticks + 1, 0);
  useEffect(() => {
    const timer = setInterval(() => {
      tick(0);
      // It has run down: the store says whether it is gone.
      if ((memory.remaining ?? 1) <= 0) void memory.refresh();
    }, 1000);
    return () => clearInterval(timer);
  }, [memory]);
  const { remaining } = memory;
  if (remaining === undefined) return <p class="empty">{texts.nothing}</p>;
  const part = remaining / (latest.ttl.effective * 1000);
  return (
    <div class="expiry">
      <p>
        {texts.expires} <output class="left">{duration(remaining, state.locale)}</output>
      </p>
      <progress max={1} value={Math.max(0, Math.min(1, part))} aria-label={texts.expires} />
    </div>
  );
}

function Figures({ latest: { ttl, conversation }, texts, locale }: PartProps) {
  const { format } = new Intl.NumberFormat(locale);
  const since = new Intl.DateTimeFormat(locale, { timeStyle: 'medium' });
  const chosen = ttl.choice === null ? texts.lifetimeDefault : texts.lifetimeChosen;
  const rows: [name: string, value: ComponentChildren][] = [
    [texts.lifetime, `${duration(ttl.effective * 1000, locale)} (${chosen})`],
  ];
  if (conversation !== null) {
    rows.push(
      [texts.storedMessages, texts.messagesAndTurns(format(conversation.messages), format(conversation.turns))],
      [texts.tokens, format(conversation.tokens)],
      [texts.size, bytes(conversation.bytes, locale)],
      [texts.since, since.format(conversation.created_at)],
      [texts.storedKey, <code key="key">{conversation.key}</code>],
    );
    if (conversation.corrupt > 0) rows.push([texts.corrupt, format(conversation.corrupt)]);
  }
  return (
    <dl class="figures">
      {rows.flatMap(([name, value]) => [<dt key={name}>{name}</dt>, <dd key={`${name} value`}>{value}</dd>])}
    </dl>
  );
}

function Controls({ playground }: Props) {
  const { texts } = playground;
  const [ttl, setTtl] = useState('');
  const { answer, run } = useAnswer(playground);

  return (
    <>
      <div class="controls">
        <form
          class="row"
          onSubmit={(event) => {
            event.preventDefault();
            if (ttl.trim() !== '') void run(playground.command(`/ttl ${ttl.trim()}`));
          }}
        >
          <label for="ttl">{texts.setTtl}</label>
          <input
            id="ttl"
            list="presets"
            size={8}
            autocomplete="off"
            placeholder="10m"
            value={ttl}
            onInput={(event) => setTtl(event.currentTarget.value)}
          />
          <datalist id="presets">
            {PRESETS.map((preset) => (
              <option key={preset} value={preset} />
            ))}
          </datalist>
          <button type="submit">{texts.set}</button>
          <button type="button" onClick={() => run(playground.command('/ttl default'))}>
            {texts.ttlDefault}
          </button>
        </form>
        <p class="row">
          <button type="button" class="danger" onClick={() => run(playground.command('/forget'))}>
            {texts.forget}
          </button>
        </p>
      </div>
      <AnswerBox playground={playground} answer={answer} run={run} />
    </>
  );
}

function Stored({ latest: { messages, next }, texts }: Pick<PartProps, 'latest' | 'texts'>) {
  return (
    <section class="part" aria-labelledby="stored-title">
      <h3 id="stored-title">{texts.stored}</h3>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, so the keyboard must get there */}
      <ol class="stored" tabIndex={0} aria-labelledby="stored-title">
        {messages.toReversed().map(({ turn, role, author, content, files = [], seen }) => (
          <li key={`${turn}:${role}`} class={seen ? 'seen' : 'unseen'}>
            <p class="head">
              <code>{role}</code> {author}
              <span class="badge">{seen ? texts.seen : next.recall_room > 0 ? texts.searched : texts.unseen}</span>
            </p>
            <p class="content">{content.length > SHOWN ? `${content.slice(0, SHOWN)}…` : content}</p>
            {files.length > 0 && <p class="hint">{texts.fileNames(files.join(', '))}</p>}
          </li>
        ))}
      </ol>
    </section>
  );
}
