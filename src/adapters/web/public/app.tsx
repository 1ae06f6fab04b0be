/** The page: its header, the conversation, the memory beside it, and the overview. */
import { useLayoutEffect } from 'preact/hooks';
import { dropTarget } from './attach.tsx';
import { Composer } from './composer.tsx';
import { AddDialog, KeyDialog } from './dialogs.tsx';
import { Log } from './log.tsx';
import { MemoryPanel } from './memory-panel.tsx';
import { Overview } from './overview.tsx';
import type { Props } from './playground.ts';
import { LOCALES, THEMES, VIEWS } from './state.ts';
import { LANGUAGES } from './texts.ts';

export function App({ playground }: Props) {
  const { state, texts } = playground;
  const { locale, theme, view, place } = state;
  useLayoutEffect(() => {
    document.documentElement.lang = locale;
    document.documentElement.dataset.theme = theme;
  }, [locale, theme]);
  return (
    <div class="page" data-view={view} {...dropTarget(playground)}>
      <a class="skip" href="#message">
        {texts.skip}
      </a>
      <Header playground={playground} />
      <main>
        <section class="chat" aria-labelledby="chat-title">
          <PlaceBar playground={playground} />
          {state.trouble !== '' && (
            <p class="notice" id="trouble" role="alert">
              {state.trouble}
            </p>
          )}
          <Log key={JSON.stringify(place)} playground={playground} />
          <p id="spoken" class="hidden" role="status">
            {state.spoken}
          </p>
          <Composer playground={playground} />
        </section>
        <aside class="memory" aria-labelledby="memory-title">
          <h2 id="memory-title">{texts.memoryTitle}</h2>
          <MemoryPanel key={JSON.stringify(place)} playground={playground} />
        </aside>
        {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, so the keyboard must get there */}
        <section class="overview" tabIndex={0} aria-labelledby="overview-title">
          <h2 id="overview-title">{texts.overviewTitle}</h2>
          {view === 'overview' && <Overview playground={playground} />}
        </section>
      </main>
      <KeyDialog playground={playground} />
    </div>
  );
}

function Header({ playground }: Props) {
  const { state, texts } = playground;
  return (
    <header class="bar">
      <h1>recollect</h1>
      <nav aria-label={texts.views}>
        {VIEWS.map((view) => (
          <button
            key={view}
            type="button"
            data-goto={view}
            aria-current={state.view === view ? 'page' : undefined}
            onClick={() => playground.goTo(view)}
          >
            {texts[view]}
          </button>
        ))}
      </nav>
      <p id="connection" role="status" class={state.connected ? 'on' : 'off'}>
        {state.connected ? texts.connected : texts.connecting}
      </p>
      <div class="settings">
        <Choice
          id="locale"
          label={texts.language}
          value={state.locale}
          options={LOCALES.map((locale) => ({ value: locale, text: LANGUAGES[locale], lang: locale }))}
          onChoose={playground.setLocale}
        />
        <Choice
          id="theme"
          label={texts.theme}
          value={state.theme}
          options={THEMES.map((theme) => ({ value: theme, text: texts.themes[theme] }))}
          onChoose={playground.setTheme}
        />
      </div>
    </header>
  );
}

function PlaceBar({ playground }: Props) {
  const { state, texts } = playground;
  const { place, setup } = state;
  const shared = setup?.scope === 'channel';
  return (
    <div class="seat">
      <h2 id="chat-title" class="hidden">
        {texts.chat}
      </h2>
      <Choice
        id="person"
        label={texts.person}
        isLabelled
        value={place.user}
        options={state.people.map((user) => ({ value: user, text: user }))}
        onChoose={(user) => playground.move({ ...place, user })}
      />
      <Choice
        id="channel"
        label={texts.channel}
        isLabelled
        value={place.channel}
        options={state.channels.map((channel) => ({ value: channel, text: `#${channel}` }))}
        onChoose={(channel) => playground.move({ ...place, channel })}
      />
      <AddDialog playground={playground} />
      {shared && (
        <label>
          <input
            type="checkbox"
            id="manager"
            checked={state.canManage}
            onChange={(event) => playground.setManager(event.currentTarget.checked)}
          />{' '}
          {texts.manager}
        </label>
      )}
      {setup !== undefined && <p class="hint">{shared ? texts.scopeChannel : texts.scopeUser}</p>}
    </div>
  );
}

interface ChoiceProps<T extends string> {
  readonly id: string;
  readonly label: string;
  /** Whether the label is seen; it is always heard. */
  readonly isLabelled?: boolean;
  readonly value: T;
  readonly options: readonly { readonly value: T; readonly text: string; readonly lang?: string }[];
  readonly onChoose: (value: T) => void;
}

function Choice<T extends string>({ id, label, isLabelled = false, value, options, onChoose }: ChoiceProps<T>) {
  const choose = (chosen: string) => {
    const option = options.find((candidate) => candidate.value === chosen);
    if (option !== undefined) onChoose(option.value);
  };
  return (
    <label>
      <span class={isLabelled ? undefined : 'hidden'}>{label}</span>{' '}
      <select id={id} value={value} onChange={(event) => choose(event.currentTarget.value)}>
        {options.map((option) => (
          <option key={option.value} value={option.value} lang={option.lang}>
            {option.text}
          </option>
        ))}
      </select>
    </label>
  );
}
