/** The conversation on the screen. What did not change keeps its element, so nothing flickers and the selection stays. */
import { byId, h } from './dom.js';
import { renderMarkdown } from './markdown.js';
import { renderPrivate } from './private.js';

/** So near to the end, in pixels, one is reading along and wants to see what comes. */
const NEAR_END = 80;

/** `on` has `again(id)`, `dismiss(id)`, `press(aside, id)` and `close(key)`. */
export function createChat(settings, on) {
  const log = byId('log');
  const shown = new Map();
  let planned = false;
  let latest = [];

  function show(items) {
    latest = items;
    if (planned) return;
    planned = true;
    // Answers come in many pieces; more than one picture a frame nobody sees. Hidden tabs get no frames, but timers.
    const draw = () => {
      if (!planned) return;
      planned = false;
      render(latest);
    };
    requestAnimationFrame(draw);
    setTimeout(draw, 250);
  }

  function render(items) {
    const follows = log.scrollHeight - log.scrollTop - log.clientHeight < NEAR_END;
    const keys = new Set(items.map(({ key }) => key));
    for (const [key, { element }] of shown) {
      if (keys.has(key)) continue;
      element.remove();
      shown.delete(key);
    }
    // First all elements, for drawing one anew puts it in the place of the old one.
    const elements = (items.length === 0 ? [{ key: 'empty', kind: 'empty' }] : items).map(elementOf);
    let before = log.firstElementChild;
    for (const element of elements) {
      if (element === before) before = before.nextElementSibling;
      else log.insertBefore(element, before);
    }
    while (before !== null) {
      const next = before.nextElementSibling;
      before.remove();
      before = next;
    }
    if (follows) log.scrollTop = log.scrollHeight;
  }

  function elementOf(item) {
    const signature = JSON.stringify([item, settings.locale]);
    const known = shown.get(item.key);
    if (known?.signature === signature) return known.element;
    const element = draw(item);
    known?.element.replaceWith(element);
    shown.set(item.key, { signature, element });
    return element;
  }

  function draw(item) {
    const { texts } = settings;
    switch (item.kind) {
      case 'empty':
        return h('li', { class: 'empty' }, texts.empty);
      case 'user':
        return drawUser(item, texts);
      case 'assistant':
        return drawAnswer(item, texts);
      case 'private':
        return drawPrivate(item, texts);
      default:
        return h('li', { class: 'item notice' }, h('p', {}, item.text), closer(item.key, texts));
    }
  }

  function drawUser({ author, text, at, entry }, texts) {
    const failed = entry?.status === 'failed';
    return h(
      'li',
      { class: `item user${failed ? ' failed' : ''}` },
      head(author ?? settings.person, at),
      // People write text; only the model's is read as Markdown.
      h('div', { class: 'text plain' }, text ?? h('em', {}, texts.someone)),
      entry?.status === 'sending' ? h('p', { class: 'hint' }, texts.sending) : null,
      failed
        ? h(
            'div',
            { class: 'row' },
            h('p', { class: 'fault' }, entry.note),
            h('button', { type: 'button', onclick: () => on.again(entry.id) }, texts.again),
            h('button', { type: 'button', onclick: () => on.dismiss(entry.id) }, texts.dismiss),
          )
        : null,
    );
  }

  function drawAnswer({ text, at, done, stopped, cut, queued }, texts) {
    const note = stopped ? texts.stopped : cut === undefined ? '' : texts.cut[cut];
    const hint = done ? note : queued ? texts.waiting : texts.writing;
    return h(
      'li',
      { class: `item bot${done ? '' : ' live'}`, 'aria-busy': done ? null : 'true' },
      head(texts.bot, at),
      text === '' ? null : h('div', { class: 'text' }, renderMarkdown(text, texts)),
      hint === '' ? null : h('p', { class: 'hint' }, hint),
    );
  }

  function drawPrivate(item, texts) {
    return h(
      'li',
      { class: `item private ${item.answer.kind}` },
      h('p', { class: 'head' }, h('code', {}, item.command), ' ', h('span', { class: 'hint' }, texts.onlyYou)),
      renderPrivate(item.answer, texts, (id) => on.press(item, id)),
      closer(item.key, texts),
    );
  }

  function closer(key, texts) {
    const close = () => on.close(key);
    return h(
      'button',
      { type: 'button', class: 'close', 'aria-label': texts.dismiss, title: texts.dismiss, onclick: close },
      '×',
    );
  }

  function head(name, at) {
    const time = new Intl.DateTimeFormat(settings.locale, { timeStyle: 'short' });
    return h(
      'p',
      { class: 'head' },
      h('strong', {}, name),
      at === undefined ? null : h('time', { datetime: new Date(at).toISOString() }, time.format(at)),
    );
  }

  return {
    show,
    /** Brings the end into sight, whatever was being read: after one's own message, or in another conversation. */
    toEnd() {
      log.scrollTop = log.scrollHeight;
    },
    /** For ears only: the log itself is not live, for it would be read anew with each piece of an answer. */
    say(text) {
      byId('spoken').textContent = text;
    },
  };
}
