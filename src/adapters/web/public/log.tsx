/** The conversation. */
import { useLayoutEffect, useMemo, useRef } from 'preact/hooks';
import { SentFiles } from './attach.tsx';
import type { Aside, Said } from './conversation.ts';
import { DeleteTurn } from './delete-turn.tsx';
import { Markdown } from './markdown.tsx';
import type { Props } from './playground.ts';
import { PrivateAnswer } from './private-answer.tsx';
import { Used } from './used.tsx';

/** This close to the end, in pixels, people are reading along and want to see what comes. */
const NEAR_END = 80;

export function Log({ playground }: Props) {
  const { state, texts, items, earlier } = playground;
  const list = useRef<HTMLOListElement>(null);
  const time = useMemo(() => new Intl.DateTimeFormat(state.locale, { timeStyle: 'short' }), [state.locale]);
  const jumped = useRef(state.jumps);
  // Measured before it is redrawn.
  const { scrollHeight = 0, scrollTop = 0, clientHeight = 0 } = list.current ?? {};
  const follows = jumped.current !== state.jumps || scrollHeight - scrollTop - clientHeight < NEAR_END;
  useLayoutEffect(() => {
    jumped.current = state.jumps;
    if (follows && list.current !== null) list.current.scrollTop = list.current.scrollHeight;
  });
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, so the keyboard must get there
    <ol ref={list} id="log" class="log" tabIndex={0} aria-label={texts.conversation}>
      {items.length === 0 && <li class="empty">{texts.empty}</li>}
      {earlier > 0 && <li class="empty">{texts.earlier(new Intl.NumberFormat(state.locale).format(earlier))}</li>}
      {items.map((item) => {
        switch (item.kind) {
          case 'user':
            return <Question key={item.key} playground={playground} item={item} time={time} />;
          case 'assistant':
            return <Answer key={item.key} playground={playground} item={item} time={time} />;
          default:
            return <AsideItem key={item.key} playground={playground} item={item} />;
        }
      })}
    </ol>
  );
}

interface ItemProps extends Props {
  readonly item: Said;
  readonly time: Intl.DateTimeFormat;
}

function Question({ playground, item, time }: ItemProps) {
  const { state, texts } = playground;
  const { entry, text, files = [] } = item;
  const isOwn = (item.author ?? state.place.user) === state.place.user;
  return (
    <li class={`item user${entry?.status === 'failed' ? ' failed' : ''}`}>
      <Head name={item.author ?? state.place.user} at={item.at} time={time} />
      {/* People write text; only the model's is read as Markdown. */}
      {text === undefined && files.length === 0 && (
        <div class="text plain">
          <em>{texts.someone}</em>
        </div>
      )}
      {text !== undefined && text !== '' && <div class="text plain">{text}</div>}
      {files.length > 0 && <SentFiles playground={playground} turn={item.turn} names={files} />}
      {item.at !== undefined && isOwn && <DeleteTurn playground={playground} turn={item.turn} />}
      {entry?.status === 'sending' && <p class="hint">{texts.sending}</p>}
      {entry?.status === 'failed' && (
        <div class="row">
          <p class="fault">{entry.note}</p>
          {playground.canSendAgain(entry) && (
            <button type="button" onClick={() => playground.again(entry.id)}>
              {texts.again}
            </button>
          )}
          <button type="button" onClick={() => playground.dismiss(entry.id)}>
            {texts.dismiss}
          </button>
        </div>
      )}
    </li>
  );
}

function Answer({ playground, item, time }: ItemProps) {
  const { texts } = playground;
  const { text = '', at, status, cut, used, unread = [] } = item;
  const isLive = status === 'writing' || status === 'queued';
  const note = cut === undefined ? '' : texts.cut[cut];
  const hint = status === 'done' ? note : texts[status];
  return (
    <li class={`item bot${isLive ? ' live' : ''}`} aria-busy={isLive || undefined}>
      <Head name={texts.bot} at={at} time={time} />
      {text !== '' && (
        <div class="text">
          <Markdown text={text} texts={texts} />
        </div>
      )}
      {hint !== '' && <p class="hint">{hint}</p>}
      {unread.map(({ name, why }) => (
        <p key={name} class="hint">
          {texts.unread(name, texts.fileFaults[why])}
        </p>
      ))}
      {used !== undefined && <Used playground={playground} used={used} />}
    </li>
  );
}

function AsideItem({ playground, item }: Props & { readonly item: Aside }) {
  const { texts } = playground;
  const close = (
    <button
      type="button"
      class="close"
      aria-label={texts.dismiss}
      title={texts.dismiss}
      onClick={() => playground.close(item.key)}
    >
      ×
    </button>
  );
  if (item.kind === 'notice') {
    return (
      <li class="item notice">
        <p>{item.text}</p>
        {close}
      </li>
    );
  }
  return (
    <li class={`item private ${item.answer.kind}`}>
      <p class="head">
        <code>{item.command}</code> <span class="hint">{texts.onlyYou}</span>
      </p>
      <PrivateAnswer
        answer={item.answer}
        texts={texts}
        press={(id) => playground.pressHere(item.key, item.command, id)}
      />
      {close}
    </li>
  );
}

interface HeadProps {
  readonly name: string;
  readonly at: number | undefined;
  readonly time: Intl.DateTimeFormat;
}

function Head({ name, at, time }: HeadProps) {
  return (
    <p class="head">
      <strong>{name}</strong>
      {at !== undefined && <time datetime={new Date(at).toISOString()}>{time.format(at)}</time>}
    </p>
  );
}
